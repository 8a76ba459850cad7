"""Weights that were published as pickles, kept as safetensors: each file is converted once, and nothing of it is run.

The core imports no model library, so a plugin hands in the three functions that do the work::

    WEIGHTS = SafeWeights(load=torch.load, save=safetensors.torch.save_file, fetch=transformers.utils.cached_file)
    model = AutoModel.from_pretrained(WEIGHTS.located(path, revision, "[model] path"), use_safetensors=True)

``torch.load`` is only ever called with ``weights_only=True``.
"""

import json
import os
import pickle
import re
import shutil
import struct
from collections.abc import Callable, Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryDirectory
from typing import Any

from attrs import frozen

from pairsmith.checkpoints import PICKLES, digest
from pairsmith.errors import StageError

SAFE = ("model.safetensors", "model.safetensors.index.json")
PICKLED, PICKLED_INDEX = "pytorch_model.bin", "pytorch_model.bin.index.json"
_BESIDE = ("config.json", "generation_config.json")
_BROKEN = (
    pickle.UnpicklingError, RuntimeError, EOFError, ValueError, LookupError, TypeError, AttributeError, struct.error,
)  # fmt: skip
"""What torch raises for files that it did not write, or that hold more than tensors."""


@frozen(kw_only=True)
class SafeWeights:
    """Finds a model's weights, and makes safetensors of them where there are none.

    ``load`` is ``torch.load``; ``save(tensors, path, metadata=...)`` is safetensors' ``save_file``; ``fetch(path, name,
    revision=...)`` returns where a file of a hub's repository is on this machine, ``None`` or :class:`OSError` where it is
    not to be had.
    """

    load: Callable[..., Any]
    save: Callable[..., Any]
    fetch: Callable[..., str | None]

    def located(self, path: str, revision: str | None, where: str) -> str:
        """Return the model to load: ``path`` itself, or a folder with the same weights as safetensors.

        ``path`` itself also where no weights are found: whoever loads it says so. The folder has the configuration, and of a
        directory its Python code, but no tokenizer and no commit; load those from ``path``. Raises :class:`StageError`
        that begins with ``where`` for a file that holds more than tensors.
        """
        if any(self._find(path, name, revision) for name in SAFE):
            return path
        whole, index = (self._find(path, name, revision) for name in (PICKLED, PICKLED_INDEX))
        if whole is not None:
            return str(self._folder({SAFE[0]: whole}, None, self._beside(path, revision), where))
        if index is not None:
            names = _renamed(index, where)
            parts = {safe: self._part(path, name, revision, index, where) for name, safe in names.items()}
            return str(self._folder(parts, _rewritten(index, names), self._beside(path, revision), where))
        return path

    def file(self, file: Path, where: str) -> Path:
        """Return a safetensors file of the same tensors: ``file`` itself, or one that is kept under its bytes' hash.

        Raises :class:`StageError` where a pickle holds anything but tensors by name.
        """
        if file.suffix not in PICKLES:
            return file
        kept = cache() / f"{digest(file)}.safetensors"
        if not kept.is_file():
            tensors = self._tensors(file, where)
            kept.parent.mkdir(parents=True, exist_ok=True)
            with NamedTemporaryFile(dir=kept.parent, suffix=".tmp", delete=False) as copy:
                temporary = Path(copy.name)
            try:
                self.save(tensors, temporary, metadata={"format": "pt"})
                temporary.replace(kept)
            finally:
                temporary.unlink(missing_ok=True)
        return kept

    def _find(self, path: str, name: str, revision: str | None) -> Path | None:
        if Path(path).is_dir():
            return Path(path) / name if (Path(path) / name).is_file() else None
        with suppress(OSError):
            found = self.fetch(path, name, revision=revision)
            return None if found is None else Path(found)
        return None

    def _part(self, path: str, name: str, revision: str | None, index: Path, where: str) -> Path:
        found = self._find(path, name, revision)
        if found is None:
            msg = f"{where} = {path!r}: {str(index)!r} names {name!r}, which is not there"
            raise StageError(msg)
        return found

    def _beside(self, path: str, revision: str | None) -> list[Path]:
        """Return the files that are copied: of a directory also the code that its configuration may name."""
        if Path(path).is_dir():
            found = (file for file in Path(path).iterdir() if file.suffix in {".json", ".py"} and file.is_file())
            return sorted(file for file in found if not file.name.endswith(".index.json"))
        return [file for name in _BESIDE if (file := self._find(path, name, revision)) is not None]

    def _folder(self, parts: Mapping[str, Path], index: str | None, beside: list[Path], where: str) -> Path:
        """Return the folder of a model, made whole or not at all; it is kept under the hash of what it is made of."""
        files = {**parts, **{file.name: file for file in beside}}
        made_of = "\n".join(f"{name} {digest(file)}" for name, file in sorted(files.items()))
        kept = cache() / sha256(made_of.encode()).hexdigest()
        if kept.is_dir():
            return kept
        kept.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=kept.parent, suffix=".tmp") as temporary:
            folder = Path(temporary) / "model"
            folder.mkdir()
            for file in beside:
                shutil.copyfile(file, folder / file.name)
            if index is not None:
                (folder / SAFE[1]).write_text(index, encoding="utf-8")
            for name, file in parts.items():
                self.save(self._tensors(file, where), folder / name, metadata={"format": "pt"})
            with suppress(OSError):  # another process was faster
                folder.rename(kept)
        return kept

    def _tensors(self, file: Path, where: str) -> dict[str, Any]:
        try:
            loaded = self.load(file, map_location="cpu", weights_only=True)
        except _BROKEN as error:
            msg = f"{where}: {str(file)!r} holds more than tensors, or is broken, and was not loaded: {_reason(error)}"
            raise StageError(msg) from None
        state = loaded.get("state_dict", loaded) if isinstance(loaded, dict) else loaded
        if not isinstance(state, dict) or not all(hasattr(one, "untyped_storage") for one in state.values()):
            msg = f"{where}: {str(file)!r} is no state dict; it holds {type(state).__name__}"
            raise StageError(msg)
        tensors = {}
        while (
            state
        ):  # clones share no memory, which safetensors refuses; each original goes before the next clone is made
            name, tensor = state.popitem()
            tensors[str(name)] = tensor.clone().contiguous()
        return tensors


def cache() -> Path:
    """Return the folder of converted weights, beside other programs' caches."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "pairsmith" / "converted"


def _renamed(index: Path, where: str) -> dict[str, str]:
    """Return the files that an index names, and what each is called as safetensors. A path is refused."""
    try:
        names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
        strange = next((name for name in names if Path(name).name != name), None)
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        msg = f"{where}: {str(index)!r} is no index of weights: {type(error).__name__} {error}"
        raise StageError(msg) from None
    if strange is not None:
        msg = f"{where}: {str(index)!r} names {strange!r}, which is no file beside it"
        raise StageError(msg)
    return {name: f"model-{n:05d}-of-{len(names):05d}.safetensors" for n, name in enumerate(names, start=1)}


def _rewritten(index: Path, names: Mapping[str, str]) -> str:
    document = json.loads(index.read_text(encoding="utf-8"))
    document["weight_map"] = {tensor: names[file] for tensor, file in document["weight_map"].items()}
    return json.dumps(document, indent=2)


def _reason(error: Exception) -> str:
    """Return what a file asked for that is no tensor. The loader's own advice is to run it, so that is not repeated."""
    asked = re.search(r"GLOBAL (\S+)", str(error))
    if asked:
        return f"it asks for {asked[1]!r}"
    if isinstance(error, pickle.UnpicklingError):
        unknown = re.search(r"Unsupported \w+ \S+", str(error))
        return f"torch's weights-only loader cannot read it{f' ({unknown[0]})' if unknown else ''}"
    return (str(error).strip().splitlines() or [type(error).__name__])[0]

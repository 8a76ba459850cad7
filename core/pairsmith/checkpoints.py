"""Models that experts load: what identifies one, and one sentence where it cannot be had.

Nothing here loads a model. A plugin that does wraps its loading in :func:`explained`, and names what it loaded by
:func:`fingerprint` in the key under which it keeps answers.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import file_digest, sha256
from pathlib import Path
from types import MappingProxyType

from pairsmith.component import Needs
from pairsmith.errors import PairsmithError, StageError
from pairsmith.sizes import Size, size_in, size_of, weights_in

IDENTIFYING = (".safetensors", ".json", ".jinja", ".model", ".tiktoken", ".txt", ".py", ".onnx")
"""Endings of the files that make a model what it is."""
PICKLES = (".bin", ".pt", ".pth")
"""Endings of weights that are pickles; they count where a directory has no safetensors (:mod:`pairsmith.safe_weights`)."""

_GATED = (
    "meta-llama/", "google/gemma", "google/paligemma", "mistralai/", "stabilityai/stable-diffusion-3",
    "black-forest-labs/FLUX",
)  # fmt: skip
_digests: dict[tuple[Path, int, int], str] = {}


def fingerprint(path: str, commit: str | None = None) -> str:
    """Return what changes when a model does: a hash of a directory's files, or a hub id's commit.

    A file is read once per process, unless its size or time changes.
    """
    directory = Path(path)
    if not directory.is_dir():
        return f"{path}@{commit}"
    there = sorted(file for file in directory.iterdir() if file.is_file())
    endings = IDENTIFYING if any(file.suffix == ".safetensors" for file in there) else (*IDENTIFYING, *PICKLES)
    files = [file for file in there if file.suffix in endings]
    return sha256("\n".join(f"{file.name} {digest(file)}" for file in files).encode()).hexdigest()


def digest(path: Path) -> str:
    """Return the SHA-256 of a file. It is read once per process, unless its size or time changes."""
    status = path.stat()
    key = (path, status.st_size, status.st_mtime_ns)
    if key not in _digests:
        with path.open("rb") as file:
            _digests[key] = file_digest(file, "sha256").hexdigest()
    return _digests[key]


@contextmanager
def explained(where: str, path: str, also: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """Word what goes wrong when the model of ``where``, e.g. ``"[[judges]] use = 'vqa': model"``, is loaded.

    ``also`` are errors that a library has of its own, as safetensors does for a broken file.
    """
    usual: tuple[type[Exception], ...] = (OSError, ValueError, KeyError, ImportError)
    try:
        yield
    except PairsmithError:
        raise
    except usual + also as error:
        raise StageError(_sentence(where, path, error)) from error


def _sentence(where: str, path: str, error: Exception) -> str:
    first = (str(error).strip().splitlines() or [type(error).__name__])[0]
    directory = Path(path)
    if directory.is_dir():
        there = ", ".join(sorted(file.name for file in directory.iterdir())[:12]) or "nothing"
        return f"{where} = {path!r} cannot be loaded: {first} (the directory holds {there})"
    if path.startswith((".", "/", "~")) or path.count("/") > 1:
        return f"{where} = {path!r} is no directory; give one that holds the model, or a hub id"
    if os.environ.get("HF_HUB_OFFLINE", "0") not in {"", "0"}:
        return (
            f"{where} = {path!r} is neither a directory nor in the hub's local cache, and HF_HUB_OFFLINE is set; unset it, "
            f"or give a directory"
        )
    return (
        f"{where} = {path!r} could not be had from the hub: {first}. Check the name and the network; weights are "
        f"model.safetensors or pytorch_model.bin, whole or with an index, and a gated model needs HF_TOKEN in the environment"
    )


def model_needs(
    *paths: str, loaded: float = 4, known: Mapping[str, Size] = MappingProxyType({}), readers: Sequence[str] = ()
) -> Needs:
    """Return what models that are loaded together ask of the machine: downloads with their sizes, licences, memory.

    ``loaded`` are the bytes of a number in memory; ``known`` are sizes of published models whose names do not tell them.
    ``readers`` are tokenizers and processors from elsewhere, which take next to nothing. An empty path is no model.
    """
    absent = {path: size_of(path, known) for path in paths if path and not Path(path).exists()}
    here = [size_in(weights_in(Path(path))) for path in paths if path and Path(path).exists()]
    downloads = {path: size.disk if size else None for path, size in absent.items()}
    small = {path: 0 for path in readers if path not in absent and not Path(path).exists()}
    return Needs(
        downloads={**downloads, **small},
        gated=gated(downloads),
        device_bytes=int(loaded * sum(size.parameters for size in (*absent.values(), *here) if size)),
    )


def gated(names: Iterable[str]) -> tuple[str, ...]:
    """Return those models whose licence must be accepted on the hub before they can be downloaded."""
    return tuple(name for name in names if name.startswith(_GATED))

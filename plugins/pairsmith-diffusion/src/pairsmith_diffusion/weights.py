"""Where weights are, and weights that are no pickles: what was published as one is converted once."""

import os
import pickle
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from hashlib import file_digest
from pathlib import Path
from tempfile import NamedTemporaryFile

import torch
from huggingface_hub import hf_hub_download
from huggingface_hub.errors import EntryNotFoundError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from transformers.utils import logging

from pairsmith import checkpoints
from pairsmith.errors import StageError

# The run shows its own progress; a bar for every file loaded, and advice meant for programmers, would bury it.
logging.disable_progress_bar()
logging.set_verbosity_error()

PICKLES = (".pt", ".pth", ".bin")


def device_of(name: str) -> str:
    """Return the device that ``auto`` means here, and any other name as it is."""
    return ("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name


def find(path: str, names: tuple[str, ...], revision: str | None, where: str) -> Path:
    """Return the first of some files that is in a directory or a hub repository; a file is what it is.

    Raises :class:`StageError` where none is.
    """
    place = Path(path)
    if place.is_file():
        return place
    if place.is_dir():
        for name in names:
            if (place / name).is_file():
                return place / name
        there = ", ".join(sorted(file.name for file in place.iterdir())[:12]) or "nothing"
        msg = f"{where} = {path!r} holds none of {', '.join(names)}; it holds {there}"
        raise StageError(msg)
    with explained(where, path):
        for name in names[:-1]:
            with suppress(EntryNotFoundError):  # also what is not in the cache where the hub cannot be asked
                return Path(hf_hub_download(path, name, revision=revision))
        return Path(hf_hub_download(path, names[-1], revision=revision))


def tensors(file: Path, where: str) -> Mapping[str, torch.Tensor]:
    """Return the tensors of a file by name."""
    try:
        return load_file(converted(file, where))
    except (SafetensorError, OSError) as error:
        msg = f"{where}: {str(file)!r} cannot be read as safetensors: {_first(error)}"
        raise StageError(msg) from None


def converted(file: Path, where: str) -> Path:
    """Return a safetensors file of the same tensors: a pickle's is made once, and kept under the hash of its bytes.

    Raises :class:`StageError` where the pickle holds anything but tensors in plain containers; nothing of it is run.
    """
    if file.suffix not in PICKLES:
        return file
    with file.open("rb") as opened:
        name = file_digest(opened, "sha256").hexdigest()
    kept = cache() / f"{name}.safetensors"
    if not kept.is_file():
        _write(_unpickled(file, where), kept)
    return kept


def cache() -> Path:
    """Return the folder of converted weights, beside other programs' caches."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "pairsmith" / "converted"


def _unpickled(file: Path, where: str) -> dict[str, torch.Tensor]:
    try:
        loaded = torch.load(file, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError) as error:
        msg = f"{where}: {str(file)!r} holds more than tensors, or is broken, and was not loaded: {_first(error)}"
        raise StageError(msg) from None
    state = loaded.get("state_dict", loaded) if isinstance(loaded, dict) else loaded
    if not isinstance(state, dict) or not all(isinstance(one, torch.Tensor) for one in state.values()):
        msg = f"{where}: {str(file)!r} is no state dict; it holds {type(state).__name__}"
        raise StageError(msg)
    return {str(name): tensor.clone().contiguous() for name, tensor in state.items()}  # clones share no memory


def _write(state: dict[str, torch.Tensor], kept: Path) -> None:
    kept.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=kept.parent, suffix=".tmp", delete=False) as copy:
        temporary = Path(copy.name)
    try:
        save_file(state, temporary, metadata={"format": "pt"})
        temporary.replace(kept)
    finally:
        temporary.unlink(missing_ok=True)


def explained(where: str, path: str) -> AbstractContextManager[None]:
    """Word what goes wrong when a model is loaded. ``where`` is the option that names it."""
    return checkpoints.explained(where, path, (EntryNotFoundError, SafetensorError))


def _first(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]

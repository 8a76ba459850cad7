"""Where weights are, and weights that are no pickles: what was published as one is converted once."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from pathlib import Path

import torch
from huggingface_hub import hf_hub_download
from huggingface_hub.errors import EntryNotFoundError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from transformers.utils import cached_file, logging

from pairsmith import checkpoints
from pairsmith.errors import StageError
from pairsmith.safe_weights import SafeWeights

# The run shows its own progress; a bar for every file loaded, and advice meant for programmers, would bury it.
logging.disable_progress_bar()
logging.set_verbosity_error()

WEIGHTS = SafeWeights(load=torch.load, save=save_file, fetch=cached_file)


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
        return load_file(WEIGHTS.file(file, where))
    except (SafetensorError, OSError) as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        msg = f"{where}: {str(file)!r} cannot be read as safetensors: {first}"
        raise StageError(msg) from None


def explained(where: str, path: str) -> AbstractContextManager[None]:
    """Word what goes wrong when a model is loaded. ``where`` is the option that names it."""
    return checkpoints.explained(where, path, (EntryNotFoundError, SafetensorError))

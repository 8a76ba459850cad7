"""Makes a directory with safetensors weights of one with pickled ones, read by torch's weights-only loader.

    python -m pairsmith_vqa.convert SOURCE TARGET

Some published models have a ``pytorch_model.bin`` and nothing else. The loader admits tensors and plain containers;
whatever else is in the file is refused.
"""

import argparse
import pickle
import shutil
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import save_file

from pairsmith.errors import PairsmithError, UsageError

WEIGHTS = "model.safetensors"


def convert(source: Path, target: Path) -> Path:
    """Write ``target`` and return its weights' path.

    Raises :class:`UsageError` where there is nothing to convert, the target exists, or a file holds more than tensors.
    """
    pickled = sorted(source.glob("*.bin")) if source.is_dir() else []
    if not pickled:
        msg = f"{str(source)!r} is no directory with *.bin weights; there is nothing to convert"
        raise UsageError(msg)
    if target.exists():
        msg = f"{str(target)!r} exists; name a new directory"
        raise UsageError(msg)
    tensors: dict[str, torch.Tensor] = {}
    for path in pickled:
        tensors |= _read(path)
    target.mkdir(parents=True)
    for path in source.iterdir():
        if path.is_file() and path.suffix in {".json", ".txt", ".model", ".jinja"} and ".bin.index" not in path.name:
            shutil.copyfile(path, target / path.name)
    save_file(tensors, target / WEIGHTS, metadata={"format": "pt"})
    return target / WEIGHTS


def _read(path: Path) -> dict[str, torch.Tensor]:
    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, EOFError, RuntimeError, ValueError) as error:
        first = str(error).strip().splitlines()[0]
        msg = f"{str(path)!r} holds more than weights, or is broken, and was not loaded: {first}"
        raise UsageError(msg) from error
    if not isinstance(loaded, dict) or not all(isinstance(one, torch.Tensor) for one in loaded.values()):
        msg = f"{str(path)!r} is no table of tensors; give a model's own weights"
        raise UsageError(msg)
    # Tensors that share memory cannot be written twice, so each gets its own.
    return {str(name): tensor.clone().contiguous() for name, tensor in loaded.items()}


def main(arguments: Sequence[str] | None = None) -> None:
    """Convert a directory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path, help="a model directory with pytorch_model*.bin")
    parser.add_argument("target", type=Path, help="the directory to make")
    given = parser.parse_args(arguments)
    try:
        print(convert(given.source, given.target))  # noqa: T201 - a command
    except PairsmithError as error:
        parser.exit(2, f"{error}\n")


if __name__ == "__main__":
    main()

"""How large models are, as far as a name, a plugin's table or a file's header tells. No model library is imported."""

import json
import re
import struct
from collections.abc import Iterable, Mapping
from math import prod
from pathlib import Path

from attrs import frozen

_UNITS = {"b": 1e9, "m": 1e6}
_LONGEST_HEADER = 100_000_000
"""Bytes of a safetensors header beyond which the format does not go."""


@frozen(kw_only=True)
class Size:
    """A model's numbers, and the bytes that each of them takes in the published files.

    ``copies`` is how often the files will be on the disk: twice where pickles are converted (:mod:`pairsmith.safe_weights`).
    """

    parameters: float
    stored: float = 2
    copies: int = 1

    @property
    def disk(self) -> int:
        """Bytes of all copies."""
        return int(self.parameters * self.stored * self.copies)


def size_of(name: str, known: Mapping[str, Size]) -> Size | None:
    """Return the size of a model on the hub: ``known``, or as its name says, at two bytes a number.

    >>> size_of("org/tiny-1.5B-chat", {}), size_of("org/llava", {})
    (Size(parameters=1500000000.0, stored=2, copies=1), None)
    """
    if name in known:
        return known[name]
    said = re.search(r"(\d+(?:\.\d+)?)([bBmM])(?![a-zA-Z])", name.rpartition("/")[2])
    return Size(parameters=float(said[1]) * _UNITS[said[2].lower()]) if said else None


def size_in(files: Iterable[Path]) -> Size:
    """Return the size of weights that are here; pickles, which are not opened, are taken for four bytes a number."""
    found, stored = 0.0, 0
    for file in files:
        stored += file.stat().st_size
        found += _numbers(file) if file.suffix == ".safetensors" else file.stat().st_size / 4
    return Size(parameters=found, stored=stored / found if found else 2)


def weights_in(place: Path) -> list[Path]:
    """Return the weights of a directory: its safetensors, or else its pickles; a file is itself."""
    if place.is_file():
        return [place]
    return sorted(place.glob("*.safetensors")) or sorted(place.glob("pytorch_model*.bin"))


def _numbers(file: Path) -> float:
    """Return how many numbers a safetensors file holds, by its header; 0 for one that is broken."""
    try:
        with file.open("rb") as opened:
            (length,) = struct.unpack("<Q", opened.read(8))
            header = json.loads(opened.read(min(length, _LONGEST_HEADER)))
        return float(sum(prod(one["shape"]) for name, one in header.items() if name != "__metadata__"))
    except (OSError, struct.error, ValueError, LookupError, TypeError, AttributeError):
        return 0.0

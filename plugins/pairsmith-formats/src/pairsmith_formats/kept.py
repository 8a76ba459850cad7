"""The images that go out with the rows, under names that a person or the rows' first file gave them."""

import filecmp
import re
import shutil
from collections.abc import Collection
from pathlib import Path
from typing import Literal

from pairsmith.values import Image, Sample
from pairsmith_formats.paths import leaves

Names = Literal["published", "sample", "hash"]
_UNSAFE = re.compile(r"[^\w.-]+")
_LONGEST = 100


def readable(name: str) -> str:
    """Return an id as a file's name.

    >>> readable("art/2: a vase")
    'art-2-a-vase'
    """
    return _UNSAFE.sub("-", name).strip("-.")[:_LONGEST] or "image"


class KeptImages:
    """Copies the images of a run beside a file of rows, each once."""

    def __init__(self, destination: Path, names: Names, taken: Collection[str] = ()) -> None:
        """``taken`` are the names of the files that no image may have."""
        self._destination, self._names, self._taken = destination, names, frozenset(taken)
        self.any = False

    def keep(self, sample: Sample, name: str) -> tuple[str, ...]:
        """Copy a sample's images and return their paths from the destination."""
        published = sample.extra.get("images", ()) if self._names == "published" else ()
        kept = []
        for number, image in enumerate(sample.images):
            own = [published[number]] if len(published) == len(sample.images) and self._fits(published[number]) else []
            if self._names == "sample":
                suffix = f"-{number}" if len(sample.images) > 1 else ""
                own = [f"images/{readable(name)}{suffix}{image.path.suffix}"]
            kept.append(self.copy(image, [*own, f"images/{image.path.name}"]))
        return tuple(kept)

    def _fits(self, path: object) -> bool:
        """Tell whether a path that a row gave may be used: the run may have been edited by hand."""
        return isinstance(path, str) and path != "" and not leaves(path) and path not in self._taken

    def copy(self, image: Image, names: list[str]) -> str:
        """Copy an image under the first of these names that no other image has, and return it."""
        self.any = True
        for name in names:
            path = self._destination / name
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(image.path, path)
                return name
            if path.is_file() and filecmp.cmp(image.path, path, shallow=False):
                return name
        # Another image has the name, and even the one by its content: as good as impossible, and never overwritten.
        return self.copy(image, [f"images/{image.id or 'image'}-{len(names)}{image.path.suffix}"])

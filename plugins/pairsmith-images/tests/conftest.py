"""A run whose images are kept in a folder of the test's."""

from hashlib import sha256
from pathlib import Path

import pytest
from attrs import frozen

from pairsmith.interfaces import Run
from pairsmith.values import Image


@frozen
class Kept:
    """Keeps images under their hash."""

    folder: Path

    def add_bytes(self, data: bytes, suffix: str) -> Image:
        """Keep encoded bytes."""
        name = sha256(data).hexdigest()
        path = self.folder / f"{name}{suffix}"
        path.write_bytes(data)
        return Image(path=path, id=name)

    def add_file(self, path: Path) -> Image:
        """Keep a copy."""
        return self.add_bytes(path.read_bytes(), path.suffix)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run in a folder of its own."""
    folder = tmp_path / "kept"
    folder.mkdir()
    return Run(directory=tmp_path, images=Kept(folder))

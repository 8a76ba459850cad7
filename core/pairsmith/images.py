"""The images of a run: files named by the sha256 of their bytes, written once, never changed."""

import os
import shutil
from hashlib import file_digest, sha256
from pathlib import Path
from tempfile import NamedTemporaryFile

from attrs import frozen

from pairsmith.values import Image


@frozen
class DirectoryImageStore:
    """Images under ``directory``, in folders named by the first two characters of their id.

    The same image is stored once however many samples show it.
    """

    directory: Path

    def add_bytes(self, data: bytes, suffix: str) -> Image:
        """Keep an encoded image; ``suffix`` is its file type, e.g. ``".png"``."""
        name = sha256(data).hexdigest()
        path = self._path(name, suffix)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            with NamedTemporaryFile(dir=path.parent, suffix=".tmp", delete=False) as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            _publish(Path(file.name), path)
        return Image(path=path, id=name)

    def add_file(self, path: Path) -> Image:
        """Keep a copy of an image file as it is."""
        with path.open("rb") as file:
            name = file_digest(file, "sha256").hexdigest()
        kept = self._path(name, path.suffix.lower())
        if not kept.exists():
            kept.parent.mkdir(parents=True, exist_ok=True)
            with NamedTemporaryFile(dir=kept.parent, suffix=".tmp", delete=False) as copy, path.open("rb") as file:
                shutil.copyfileobj(file, copy)
                copy.flush()
                os.fsync(copy.fileno())
            _publish(Path(copy.name), kept)
        return Image(path=kept, id=name)

    def _path(self, name: str, suffix: str) -> Path:
        return self.directory / name[:2] / f"{name}{suffix}"


def _publish(temporary: Path, path: Path) -> None:
    temporary.chmod(0o644)  # NamedTemporaryFile makes files that only their owner can read
    temporary.replace(path)

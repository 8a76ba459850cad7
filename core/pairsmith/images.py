"""The images of a run: files named by the sha256 of their bytes, written once, never changed."""

import os
import shutil
from hashlib import file_digest, sha256
from io import BytesIO
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import BinaryIO

from attrs import frozen

from pairsmith.store import disk_error
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
        _keep(BytesIO(data), path)
        return Image(path=path, id=name)

    def add_file(self, path: Path) -> Image:
        """Keep a copy of an image file as it is.

        Raises ``OSError`` where the file cannot be read, and :class:`StageError` where the copy cannot be written.
        """
        with path.open("rb") as file:
            name = file_digest(file, "sha256").hexdigest()
            kept = self._path(name, path.suffix.lower())
            file.seek(0)
            _keep(file, kept)
        return Image(path=kept, id=name)

    def _path(self, name: str, suffix: str) -> Path:
        return self.directory / name[:2] / f"{name}{suffix}"


def _keep(data: BinaryIO, path: Path) -> None:
    """Write a file that is whole or absent. Several processes may write the same one, so none has a fixed name at first."""
    if path.exists():
        return
    temporary: list[Path] = []
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=path.parent, suffix=".tmp", delete=False) as copy:
            temporary.append(Path(copy.name))
            shutil.copyfileobj(data, copy)
            copy.flush()
            os.fsync(copy.fileno())
        temporary[0].chmod(0o644)  # NamedTemporaryFile makes files that only their owner can read
        temporary[0].replace(path)
    except OSError as error:
        for one in temporary:
            one.unlink(missing_ok=True)
        raise disk_error(error, path) from error

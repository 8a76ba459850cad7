"""Images that come as a tar or zip file: unpacked once into the run, within limits, and never outside of their folder."""

import shutil
import tarfile
import zipfile
from collections.abc import Generator
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import IO

from pairsmith.errors import StageError
from pairsmith_formats.paths import leaves

ENDINGS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".zip")
MOST_FILES = 2_000_000
LARGEST_IMAGE = 256 * 2**20
LARGEST = 256 * 2**30
"""Bytes of all images together; the disk is not filled by an archive that claims to be small."""

_IMAGES = {".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff"}
_CHUNK = 2**20


def is_archive(path: Path) -> bool:
    """Tell whether a path is a file of a kind that can be unpacked."""
    return path.name.lower().endswith(ENDINGS) and path.is_file()


def unpacked(archive: Path, directory: Path, largest: int = LARGEST, most: int = MOST_FILES) -> Path:
    """Unpack the images of an archive into a folder of its own in ``directory``, unless that was done before.

    Everything that is no regular file with an image's ending is left where it is.

    Raises :class:`StageError` where the archive is broken, would write outside of the folder, or goes over a limit.
    """
    status = archive.stat()
    name = sha256(f"{archive.resolve()}\0{status.st_size}\0{status.st_mtime_ns}".encode()).hexdigest()[:16]
    folder = directory / "unpacked" / name
    if folder.is_dir():
        return folder
    unfinished = folder.with_name(f".{name}.tmp")
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        _unpack(archive, unfinished, largest, most)
        unfinished.replace(folder)
    except (
        OSError,
        EOFError,
        tarfile.TarError,
        zipfile.BadZipFile,
        ValueError,
        RuntimeError,
        NotImplementedError,
    ) as error:
        msg = f"[images] images = {str(archive)!r} cannot be unpacked: {str(error) or type(error).__name__:.200}"
        raise StageError(msg) from None
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return folder


def _unpack(archive: Path, folder: Path, largest: int, most: int) -> None:
    folder.mkdir(parents=True)
    left = largest
    with closing(_files(archive)) as files:
        for number, (name, file) in enumerate(files, start=1):
            with file:
                if number > most:
                    msg = f"it holds over {most:,} images"
                    raise ValueError(msg)
                path = _inside(folder, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("xb") as target:
                    left -= _copy(name, file, target, min(left, LARGEST_IMAGE))


def _inside(folder: Path, name: str) -> Path:
    if leaves(name):
        msg = f"its entry {name!r:.200} would leave the folder"
        raise ValueError(msg)
    return folder / name


def _copy(name: str, file: IO[bytes], target: IO[bytes], allowed: int) -> int:
    """Copy and count what is really there; what the archive says of a size may be wrong."""
    written = 0
    while chunk := file.read(_CHUNK):
        written += len(chunk)
        if written > allowed:
            msg = f"its entry {name!r:.200} goes over {allowed:,} bytes, which is all that is allowed"
            raise ValueError(msg)
        target.write(chunk)
    return written


def _files(archive: Path) -> Generator[tuple[str, IO[bytes]]]:
    if archive.name.lower().endswith(".zip"):
        with zipfile.ZipFile(archive) as zipped:
            for entry in zipped.infolist():
                if not entry.is_dir() and Path(entry.filename).suffix.lower() in _IMAGES:
                    yield entry.filename, zipped.open(entry)
        return
    with tarfile.open(archive, "r|*") as tape:
        for member in tape:
            if member.isreg() and Path(member.name).suffix.lower() in _IMAGES:
                file = tape.extractfile(member)
                if file is not None:
                    yield member.name.removeprefix("./"), file

"""Notices when a user's files change between two runs of the same recipe."""

import os
from collections.abc import Iterable, Iterator
from hashlib import file_digest, sha256
from pathlib import Path

from pairsmith.errors import StageError

_READ_WHOLE = 64 * 2**20


def fingerprint(paths: Iterable[Path]) -> str:
    """Return a hash of files' content, and of the names, sizes and times of what folders hold.

    A folder of images is not read twice for this: a changed file has another time or size. The same holds for files of
    more than 64 MiB. What does not exist is hashed as absent; its component says so when it runs.

    Raises :class:`StageError` where something is there and cannot be read.
    """
    digest = sha256()
    for path in paths:
        try:
            digest.update(os.fsencode(path) + b"\0")
            for piece in _pieces(path):
                digest.update(piece)
        except OSError as error:
            msg = f"{str(error.filename or path)!r} cannot be read: {error.strerror}"
            raise StageError(msg) from None
    return digest.hexdigest()


def _pieces(path: Path) -> Iterator[bytes]:
    if path.is_dir():
        for inside in sorted(path.rglob("*")):
            if inside.is_file():
                status = inside.stat()
                name = os.fsencode(inside.relative_to(path))  # a file's name may be anything but UTF-8
                yield b"%s\0%d\0%d\n" % (name, status.st_size, status.st_mtime_ns)
    elif path.is_file():
        status = path.stat()
        if status.st_size > _READ_WHOLE:
            yield b"%d\0%d" % (status.st_size, status.st_mtime_ns)
        else:
            with path.open("rb") as file:
                yield file_digest(file, "sha256").digest()
    else:
        yield b"absent"

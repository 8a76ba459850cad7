"""For trainers: what a training that is killed goes on from, and a result that is whole or absent.

The last whole checkpoint is never lost, whatever is killed and whenever. Nothing here loads a model library.
"""

import errno
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from attrs import frozen

from pairsmith.errors import StageError

_LIST = "files.json"
"""Of a checkpoint: its files and their sizes."""
_UNUSED = ("training_args.bin",)
"""Pickles that transformers writes and that nothing here reads."""
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NO_ROOM_SAID = (
    "No space left",
    "Disk quota exceeded",
    "File too large",
    "PytorchStreamWriter failed",
    "unexpected pos",
)
"""How libraries say it that keep no number: torch, whose writer only says that it failed, and safetensors."""


@frozen
class Checkpoints:
    """The checkpoints of one training. One is written as unfinished, and has its name once all of it has reached the disk.

    In each is a list of its files and their sizes, so that one that is cut short afterwards does not count either.
    """

    directory: Path

    @property
    def unfinished(self) -> Path:
        """Return the folder that the library writes to, as ``checkpoint-STEP``. Nothing in it counts."""
        return self.directory / ".unfinished"

    def path(self, step: int) -> Path:
        """Return where the checkpoint of a step is once it is whole."""
        return self.directory / f"checkpoint-{step}"

    def keep(self, step: int, newest: int) -> None:
        """Give the checkpoint that was written at a step its name, and only then remove all but the newest ones.

        Raises ``OSError`` where the disk is full, and the last one stays (see :meth:`with_room`).
        """
        written = self.unfinished / self.path(step).name
        for name in _UNUSED:
            (written / name).unlink(missing_ok=True)
        sizes = {}
        for file in sorted(written.rglob("*")):
            flush(file)
            if file.is_file():
                sizes[file.relative_to(written).as_posix()] = file.stat().st_size
        (written / _LIST).write_text(json.dumps(sizes) + "\n", encoding="utf-8")
        flush(written / _LIST)
        flush(written)
        written.replace(self.path(step))
        flush(self.directory)
        for path in self._named()[newest:]:
            self._drop(path)

    def last(self) -> Path | None:
        """Return the newest whole checkpoint."""
        return next((path for path in self._named() if _damage(path) is None), None)

    def sweep(self, say: Callable[[str], None] = lambda _: None) -> None:
        """Remove what a killed process left half written, and, with a sentence, what was damaged later."""
        for path in self._named():
            damage = _damage(path)
            if damage is not None:
                say(f"left out the checkpoint of step {_step(path)}: {damage}")
                self._drop(path)
        if self.unfinished.exists():
            shutil.rmtree(self.unfinished)  # what could not be removed would become part of what is written next

    def remove(self) -> None:
        """Remove all of them: the training is finished and its result is kept."""
        shutil.rmtree(self.directory, ignore_errors=True)

    @contextmanager
    def with_room(self) -> Iterator[None]:
        """Word the error of a disk on which what is to be kept does not fit."""
        try:
            yield
        except Exception as error:
            if not _no_room(error):
                raise
            last = self.last()
            kept = "none was written before" if last is None else f"that of step {_step(last)} is kept"
            msg = (
                f"The disk is full: a checkpoint or the result could not be written to {str(self.directory.parent)!r}; of "
                f"checkpoints {kept}. Free some space and run the same command again"
            )
            raise StageError(msg) from error

    def _named(self) -> list[Path]:
        """Return those that were whole once, the newest first."""
        found = (path for path in self.directory.glob("checkpoint-*") if path.name.partition("-")[2].isdigit())
        return sorted(found, key=_step, reverse=True)

    def _drop(self, path: Path) -> None:
        """Remove one. It loses its name first: half of it, if that is all a kill leaves, must not pass for damage."""
        self.unfinished.mkdir(exist_ok=True)
        going = self.unfinished / f"old-{path.name}"
        path.replace(going)
        shutil.rmtree(going)


def _step(path: Path) -> int:
    return int(path.name.partition("-")[2])


def _damage(path: Path) -> str | None:
    """Return what is missing of a checkpoint that was whole, or ``None``."""
    try:
        sizes: Mapping[str, int] = dict(json.loads((path / _LIST).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return "its list of files cannot be read"
    for name, size in sizes.items():
        file = path / name
        if not file.is_file():
            return f"{name!r} is gone"
        if file.stat().st_size != size:
            return f"{name!r} has {file.stat().st_size} of its {size} bytes"
    return None


def _no_room(error: BaseException) -> bool:
    """Tell whether an error, or one that led to it, comes of a full disk."""
    known: BaseException | None = error
    while known is not None:
        if getattr(known, "errno", None) in _NO_ROOM or any(said in str(known) for said in _NO_ROOM_SAID):
            return True
        known = known.__cause__ or known.__context__
    return False


def put(temporary: Path, result: Path) -> None:
    """Give a folder its name once all of it has reached the disk; a folder that was there is replaced.

    Checkpoints may be removed after it: a machine that loses power then still has the result.
    """
    for file in temporary.rglob("*"):
        flush(file)
    flush(temporary)
    shutil.rmtree(result, ignore_errors=True)
    temporary.replace(result)
    flush(result.parent)


def keep_steps(path: Path, last: int) -> list[dict[str, Any]]:
    """Drop from a file of metrics the steps after ``last``, which will be made again, and return the others.

    What a kill left of a line is dropped too.
    """
    rows = [row for row in _whole_rows(path) if row["step"] <= last]
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    temporary.replace(path)
    return rows


def _whole_rows(path: Path) -> Iterator[dict[str, Any]]:
    if not path.exists():
        return
    for line in path.read_text(encoding="utf-8", errors="replace").split("\n")[:-1]:
        with suppress(json.JSONDecodeError):
            yield json.loads(line)


def flush(path: Path) -> None:
    """Return once a file, or the names in a folder, have reached the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

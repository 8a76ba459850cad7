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

_MARK = "whole"
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
    """The checkpoints of one training. A checkpoint counts once its mark is there, which is written last.

    The mark lists the files and their sizes, so that one that was cut short afterwards does not count either.
    """

    directory: Path

    def path(self, step: int) -> Path:
        """Return where transformers puts the checkpoint of a step."""
        return self.directory / f"checkpoint-{step}"

    def mark(self, step: int) -> None:
        """Note that a checkpoint is whole, after everything in it has reached the disk."""
        path = self.path(step)
        for name in _UNUSED:
            (path / name).unlink(missing_ok=True)
        sizes = {}
        for file in sorted(path.rglob("*")):
            flush(file)
            if file.is_file() and file.name != _MARK:
                sizes[file.relative_to(path).as_posix()] = file.stat().st_size
        temporary = path / f".{_MARK}.tmp"
        temporary.write_text(json.dumps({"step": step, "files": sizes}) + "\n", encoding="utf-8")
        flush(temporary)
        temporary.replace(path / _MARK)
        flush(path)
        flush(self.directory)

    def last(self) -> Path | None:
        """Return the newest whole checkpoint."""
        return next((path for path in self._marked() if _damage(path) is None), None)

    def sweep(self, say: Callable[[str], None] = lambda _: None) -> None:
        """Remove what a killed process left half written, and, with a sentence, what was damaged later."""
        for path in self._marked():
            damage = _damage(path)
            if damage is not None:
                say(f"left out the checkpoint of step {_step(path)}: {damage}")
                shutil.rmtree(path)
        for path in self.directory.glob("checkpoint-*"):
            if not (path / _MARK).exists():
                shutil.rmtree(path)

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

    def _marked(self) -> list[Path]:
        """Return those that once were whole, the newest first."""
        return sorted((mark.parent for mark in self.directory.glob(f"checkpoint-*/{_MARK}")), key=_step, reverse=True)


def _step(path: Path) -> int:
    return int(path.name.partition("-")[2])


def _damage(path: Path) -> str | None:
    """Return what is missing of a checkpoint that was whole, or ``None``."""
    try:
        found = json.loads((path / _MARK).read_text(encoding="utf-8"))
        files: Mapping[str, int] = {} if isinstance(found, int) else found["files"]  # once a mark was the step alone
    except (ValueError, TypeError, KeyError):
        return "its mark cannot be read"
    for name, size in files.items():
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

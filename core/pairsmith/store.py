"""A stage's output on disk: JSON-lines parts that are whole or absent, and a note when all are there.

A part is written under a temporary name, flushed to the disk and renamed; its last line says how many rows it has. So a
file named ``part-*.jsonl`` is finished, whatever happened to the process that wrote it.
"""

import errno
import json
import os
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any, Generic, TypeVar, overload

from attrs import define, field

from pairsmith.errors import StageError
from pairsmith.resuming import flush

T = TypeVar("T")
Row = Mapping[str, Any]
Counts = Mapping[str, int]

FACTS = "facts.json"
"""The file beside a stage's parts that says what a person will ask about it, such as what it cost."""

FULL = {errno.ENOSPC, errno.EDQUOT}
"""What the operating system says when there is no room left."""

_END = b'{"end":'


def canonical(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """Return JSON that is the same for equal values: what stage keys are hashed from."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def write_json(path: Path, value: Any) -> None:  # noqa: ANN401
    """Write a JSON file so that it is whole or absent."""
    text = json.dumps(value, indent=1, ensure_ascii=False) + "\n"
    write_atomically(path, [text.encode()])


def write_atomically(path: Path, chunks: Iterable[bytes]) -> None:
    """Write a file under a temporary name, flush it to the disk and rename it.

    Raises :class:`StageError` with one sentence where the disk is full or cannot be written. What making the chunks
    raises is passed on as it is.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            file.writelines(_told_apart(chunks))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        flush(path.parent)
    except _NotTheDiskError as other:
        _remove(temporary)
        raise other.error from None
    except OSError as error:
        _remove(temporary)
        raise disk_error(error, path) from error
    except BaseException:
        _remove(temporary)
        raise


class _NotTheDiskError(Exception):
    """Carries an ``OSError``, such as a refused connection, past those of the disk."""

    def __init__(self, error: OSError) -> None:
        super().__init__(str(error))
        self.error = error


def _told_apart(chunks: Iterable[bytes]) -> Iterator[bytes]:
    try:
        yield from chunks
    except OSError as error:
        raise _NotTheDiskError(error) from error


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink(missing_ok=True)


def disk_error(error: OSError, path: Path) -> StageError:
    """Word a failed write for a person."""
    if error.errno in FULL:
        return StageError(
            f"The disk is full: {str(path)!r} could not be written. Free some space and run the same command again; "
            f"everything finished so far is kept"
        )
    return StageError(f"{str(path)!r} could not be written: {error.strerror or error}. Nothing finished was lost")


@define
class Stage:
    """The directory of one stage of a run."""

    directory: Path

    @property
    def name(self) -> str:
        """The stage's name, which is its folder's."""
        return self.directory.name

    def path(self, part: int) -> Path:
        """Return where a part is or will be."""
        return self.directory / f"part-{part:06d}.jsonl"

    def parts(self) -> list[int]:
        """Return the finished parts, in order."""
        if not self.directory.is_dir():
            return []
        found = (entry.name for entry in os.scandir(self.directory))
        return sorted(int(name[5:-6]) for name in found if name.startswith("part-") and name.endswith(".jsonl"))

    def write(self, part: int, rows: Iterable[Row], counts: Counts | None = None) -> int:
        """Write a part and return its number of rows. ``counts`` is read after the last row."""
        written = 0

        def lines() -> Iterator[bytes]:
            nonlocal written
            for row in rows:
                written += 1
                yield json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
            end = {"end": {"rows": written, "counts": dict(sorted((counts or {}).items()))}}
            yield json.dumps(end, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"

        write_atomically(self.path(part), lines())
        return written

    def read(self, part: int) -> Iterator[Any]:
        """Yield the rows of a finished part."""
        with self.path(part).open("rb") as file:
            for line in file:
                if line.startswith(_END):
                    return
                try:
                    row = json.loads(line)
                except ValueError:
                    raise self._damaged(self.path(part)) from None
                yield row
        raise self._damaged(self.path(part))

    def rows(self) -> Iterator[Any]:
        """Yield the rows of all finished parts."""
        for part in self.parts():
            yield from self.read(part)

    def end(self, part: int) -> Mapping[str, Any]:
        """Return a part's last line: ``{"rows": n, "counts": {...}}``."""
        with self.path(part).open("rb") as file:
            file.seek(0, os.SEEK_END)
            size, block = file.tell(), 4096
            while True:
                file.seek(max(0, size - block))
                tail = file.read()
                start = tail.rfind(b"\n", 0, len(tail) - 1)
                if start >= 0 or block >= size:
                    break
                block *= 4
        try:
            end: Mapping[str, Any] = json.loads(tail[start + 1 :])["end"]
        except (ValueError, LookupError, TypeError):
            raise self._damaged(self.path(part)) from None
        return end

    def _damaged(self, path: Path) -> StageError:
        msg = (
            f"{str(path)!r} ends too early or is damaged; it was changed after it was written. Delete "
            f"{str(self.directory)!r} and run again"
        )
        return StageError(msg)

    # The note that a stage is whole --------------------------------------------------------------------------------

    def done(self) -> Mapping[str, Any] | None:
        """Return what was noted when the stage was finished, or ``None``."""
        return self.note("done.json")

    def key(self) -> str | None:
        """Return the key of what the stage holds, or ``None`` for a new one."""
        note = self.note("key.json")
        return None if note is None else str(note["key"])

    def identity(self) -> str | None:
        """Return what the stages after it are made from: its key and, where it failed on samples, which ones."""
        failed = (self.done() or {}).get("failed")
        return f"{self.key()} without {failed}" if failed else self.key()

    def begin(self, key: str, ingredients: Mapping[str, Any]) -> None:
        """Note what the stage is made from, before its first part."""
        write_json(self.directory / "key.json", {"key": key, "made_from": ingredients})

    def finish(self, seconds: float, extra: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        """Note that all parts are there, with their totals."""
        rows, counts, parts, failed = 0, dict[str, int](), self.parts(), list[str]()
        for part in parts:
            end = self.end(part)
            rows += end["rows"]
            for label, number in end["counts"].items():
                counts[label] = counts.get(label, 0) + number
            if end["counts"].get("failed"):
                failed += [row["id"] for row in self.read(part) if "failed" in row]
        note = {"parts": len(parts), "rows": rows, "counts": counts, "seconds": round(seconds, 2), **(extra or {})}
        if failed:
            note["failed"] = sha256(canonical(failed).encode()).hexdigest()
        write_json(self.directory / "done.json", note)
        return note

    def note(self, name: str) -> Mapping[str, Any] | None:
        """Return a JSON file beside the parts, or ``None`` where it is absent."""
        try:
            text = (self.directory / name).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError):
            raise self._damaged(self.directory / name) from None
        try:
            note: Mapping[str, Any] = json.loads(text)
        except ValueError:
            raise self._damaged(self.directory / name) from None
        return note


@define
class Rows(Sequence[T], Generic[T]):
    """The rows of a stage as a sequence that is read from the disk, one row at a time.

    Keeps 8 bytes a row in memory. ``keep`` chooses rows by their first bytes, ``convert`` makes a value of a row.
    """

    stage: Stage
    convert: Callable[[Any], T]
    keep: bytes = b"{"
    _offsets: list["array[int]"] = field(init=False, repr=False)
    _starts: list[int] = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        """Find where each row begins."""
        self._offsets = [self._index(part) for part in self.stage.parts()]
        self._starts = [0]
        for offsets in self._offsets:
            self._starts.append(self._starts[-1] + len(offsets))

    def _index(self, part: int) -> "array[int]":
        offsets, position = array("Q"), 0
        with self.stage.path(part).open("rb") as file:
            for line in file:
                if line.startswith(self.keep) and not line.startswith(_END):
                    offsets.append(position)
                position += len(line)
        return offsets

    def __len__(self) -> int:
        """Return the number of rows."""
        return self._starts[-1]

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[T]: ...
    def __getitem__(self, index: int | slice) -> T | Sequence[T]:
        """Read one row, or several."""
        if isinstance(index, slice):
            return [self[k] for k in range(*index.indices(len(self)))]
        if index < 0:
            index += len(self)
        for part, (start, stop) in enumerate(pairwise(self._starts)):
            if start <= index < stop:
                with self.stage.path(part).open("rb") as file:
                    file.seek(self._offsets[part][index - start])
                    return self.convert(json.loads(file.readline()))
        msg = f"row {index} of {len(self)}"
        raise IndexError(msg)

    def part(self, number: int) -> Sequence[T]:
        """Return the rows of one part."""
        return self[self._starts[number] : self._starts[number + 1]]

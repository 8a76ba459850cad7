"""Reads the JSON files that users bring: JSON lines, or one array of objects. A row at a time, in constant memory.

A byte-order mark and Windows line ends are fine. Whatever is wrong is said in one sentence with the file and the line.
"""

import json
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from attrs import frozen

from pairsmith.errors import StageError

LARGEST_ROW = 16 * 2**20
"""Bytes (or characters) of a row beyond which a file is taken for something else."""

_CHUNK = 2**20
_BOM = b"\xef\xbb\xbf"
_SPACE = " \t\r\n"


class RowError(StageError):
    """One row cannot be read. The rows after it may be."""


@frozen(kw_only=True)
class Record:
    """One row: its number from 1, the line it begins on, and where its bytes are in the file."""

    path: Path
    number: int
    line: int
    offset: int
    data: bytes

    @property
    def place(self) -> str:
        """Where the row is, for messages."""
        return f"{str(self.path)!r}, row {self.number} (line {self.line})"

    def value(self) -> Mapping[str, Any]:
        """Return the row, or raise :class:`RowError` where it is not a JSON object."""
        try:
            value = json.loads(self.data.decode())
        except UnicodeDecodeError:
            msg = f"{self.place} is not UTF-8; save the file as UTF-8"
            raise RowError(msg) from None
        except (ValueError, RecursionError) as error:
            msg = f"{self.place} is not JSON: {error}"
            raise RowError(msg) from None
        if b"\\ud" in self.data.lower() and not _is_text(value):
            msg = f"{self.place} holds half of a surrogate pair (\\\\ud800 to \\\\udfff alone), which is no text"
            raise RowError(msg)
        if not isinstance(value, dict):
            msg = f"{self.place} is not a JSON object but {str(value)[:40]!r}"
            raise RowError(msg)
        return value


def records(path: Path, start: int = 0) -> Iterator[Record]:
    """Yield the rows of a JSON-lines file, or of a file that holds one JSON array, from the ``start``-th on.

    Raises :class:`StageError` where the file cannot be read on, and leaves it to :meth:`Record.value` where one row
    cannot. In an array a broken row hides where the next begins, so there it is the former.
    """
    if not path.is_file():
        msg = f"{str(path)!r} is not a file"
        raise StageError(msg)
    rows = _array(path) if _is_array(path) else _lines(path)
    return islice(rows, start, None)


def members(path: Path) -> Iterator[tuple[str, Record]]:
    """Yield the keys and the values of a file that holds one JSON object, in the file's order.

    Each value comes as a :class:`Record`, and of an array each of its values, under the key of the array: so a large file
    is read in constant memory.

    Raises :class:`StageError` where the file is something else, or cannot be read on.
    """
    if not path.is_file():
        msg = f"{str(path)!r} is not a file"
        raise StageError(msg)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from _members(path, _Window(file, offset=_start(path)))
    except UnicodeDecodeError:
        msg = f"{str(path)!r}, line {_bad_line(path)} is not UTF-8; save the file as UTF-8"
        raise StageError(msg) from None


def read_at(path: Path, offset: int, length: int) -> Mapping[str, Any]:
    """Return the row whose bytes are at a place that :func:`records` gave before."""
    with path.open("rb") as file:
        file.seek(offset)
        return Record(path=path, number=0, line=0, offset=offset, data=file.read(length)).value()


def _is_text(value: object) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_array(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(_start(path))
        while chunk := file.read(_CHUNK):
            if text := chunk.lstrip():
                return text.startswith(b"[")
    return False


def _lines(path: Path) -> Iterator[Record]:
    number, offset = 0, _start(path)
    with path.open("rb") as file:
        file.seek(offset)
        for line_number, line in enumerate(iter(lambda: file.readline(LARGEST_ROW + 1), b""), start=1):
            if len(line) > LARGEST_ROW:
                msg = f"{str(path)!r}, line {line_number} has over {LARGEST_ROW:,} bytes; it is no JSON-lines file"
                raise StageError(msg)
            if line.strip():
                number += 1
                yield Record(path=path, number=number, line=line_number, offset=offset, data=line.strip())
            offset += len(line)


def _array(path: Path) -> Iterator[Record]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from _elements(path, _Window(file, offset=_start(path)))
    except UnicodeDecodeError:
        msg = f"{str(path)!r}, line {_bad_line(path)} is not UTF-8; save the file as UTF-8"
        raise StageError(msg) from None


def _elements(path: Path, window: "_Window") -> Iterator[Record]:
    window.peek()
    yield from _items(path, window)
    if window.peek():
        msg = f"{str(path)!r}, line {window.line}: there is text after the end of the array"
        raise StageError(msg)


def _items(path: Path, window: "_Window") -> Iterator[Record]:
    """Yield the values of the array that begins here, and go behind its end."""
    window.take(window.at + 1)
    number = 0
    mark = window.peek()
    while mark != "]":
        number += 1
        line, offset = window.line, window.offset
        try:
            data = window.element().encode()
        except (ValueError, RecursionError) as error:
            reason = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
            msg = f"{str(path)!r}, row {number} (line {line}) is not JSON: {reason}"
            raise StageError(msg) from None
        yield Record(path=path, number=number, line=line, offset=offset, data=data)
        mark = window.peek()
        if mark not in {",", "]"}:
            msg = f"{str(path)!r}, line {window.line}: after row {number} there must be ',' or ']': {mark!r}"
            raise StageError(msg)
        if mark == ",":
            window.take(window.at + 1)
            window.peek()
    window.take(window.at + 1)


def _members(path: Path, window: "_Window") -> Iterator[tuple[str, Record]]:
    def expect(marks: str, after: str) -> str:
        mark = window.peek()
        if not mark or mark not in marks:
            msg = f"{str(path)!r}, line {window.line}: {after} there must be {' or '.join(map(repr, marks))}: {mark!r}"
            raise StageError(msg)
        return mark

    expect("{", "at the start")
    window.take(window.at + 1)
    mark, number = expect('}"', "in an object"), 0
    while mark == '"':
        number += 1
        line = window.line
        try:
            key = json.loads(window.element())
            expect(":", f"after the key {key!r:.80}")
            window.take(window.at + 1)
            array = window.peek() == "["
            offset = window.offset
            data = b"" if array else window.element().encode()
        except (ValueError, RecursionError) as error:
            reason = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
            msg = f"{str(path)!r}, entry {number} (line {line}) is not JSON: {reason}"
            raise StageError(msg) from None
        if array:
            yield from ((key, record) for record in _items(path, window))
        else:
            yield key, Record(path=path, number=number, line=line, offset=offset, data=data)
        if expect(",}", f"after entry {number}") == "}":
            break
        window.take(window.at + 1)
        mark = expect('"', "after a comma")
    window.take(window.at + 1)
    if window.peek():
        msg = f"{str(path)!r}, line {window.line}: there is text after the end of the object"
        raise StageError(msg)


class _Window:
    """The part of a text that is being read, with the line and the byte it begins at."""

    def __init__(self, file: TextIO, offset: int) -> None:
        self._file, self._text = file, ""
        self.at, self.line, self.offset = 0, 1, offset
        self._decode = json.JSONDecoder().raw_decode

    def more(self) -> bool:
        """Read on, and let go of what has been taken; tell whether there was more."""
        chunk = self._file.read(_CHUNK)
        self._text, self.at = self._text[self.at :] + chunk, 0
        return bool(chunk)

    def take(self, end: int) -> str:
        """Return the text up to ``end`` and go there."""
        piece = self._text[self.at : end]
        self.at = end
        self.offset += len(piece.encode())
        self.line += piece.count("\n")
        return piece

    def peek(self) -> str:
        """Skip white space and return the next character, or nothing at the end."""
        while True:
            end = self.at
            while end < len(self._text) and self._text[end] in _SPACE:
                end += 1
            self.take(end)
            if end < len(self._text):
                return self._text[end]
            if not self.more():
                return ""

    def element(self) -> str:
        """Take one JSON value."""
        while True:
            try:
                _, end = self._decode(self._text, self.at)
            except ValueError:
                if len(self._text) - self.at > LARGEST_ROW or not self.more():
                    raise
            else:
                # A number could go on beyond the window; an object is whole once it is closed.
                if end < len(self._text) or not self.more():
                    return self.take(end)


def _start(path: Path) -> int:
    with path.open("rb") as file:
        return len(_BOM) if file.read(len(_BOM)) == _BOM else 0


def _bad_line(path: Path) -> int:
    """Return the number of the first line that is not UTF-8."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode()
            except UnicodeDecodeError:
                return number
    return 1

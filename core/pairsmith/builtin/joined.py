"""A file of rows joined to something by id: rows stay where they lie, only their places are kept."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from weakref import finalize

from pairsmith.errors import StageError
from pairsmith.records import read_at, records

Row = Mapping[str, Any]
EXAMPLES = 3


class Joined:
    """The rows of a JSON-lines file (or JSON array) by the id that each names.

    Every row is looked at once, by ``check(row, place)``, which raises :class:`StageError` where it cannot be used;
    afterwards a row is read when its id is asked for. The places are in a temporary database on disk.
    """

    def __init__(self, path: Path, id_field: str, check: Callable[[Row, str], None]) -> None:
        """Read the file through."""
        self._path, self._field, self._check = path, id_field, check
        self._index = sqlite3.connect("", check_same_thread=False)  # a file of its own that goes with the connection
        finalize(self, self._index.close)
        self._index.execute("CREATE TABLE rows (id TEXT, line INTEGER, offset INTEGER, length INTEGER)")
        self._index.executemany("INSERT INTO rows VALUES (?, ?, ?, ?)", self._places())
        self._index.execute("CREATE INDEX by_id ON rows (id)")
        (self.ids,) = self._index.execute("SELECT count(DISTINCT id) FROM rows").fetchone()

    def rows(self, name: str) -> Iterator[tuple[Row, str]]:
        """Yield the rows of an id in the file's order, each with its place for messages."""
        found = self._index.execute("SELECT line, offset, length FROM rows WHERE id = ? ORDER BY offset", (name,))
        for line, offset, length in found.fetchall():
            yield read_at(self._path, offset, length), f"{str(self._path)!r}, line {line}"

    def examples(self) -> str:
        """Return how many ids there are, and some of them, for a message."""
        some = [name for (name,) in self._index.execute("SELECT DISTINCT id FROM rows LIMIT ?", (EXAMPLES,))]
        return f"{self.ids} ids, such as {', '.join(map(repr, some)) or 'none'}"

    def _places(self) -> Iterator[tuple[str, int, int, int]]:
        for record in records(self._path):
            row = record.value()
            name = row.get(self._field)
            if not isinstance(name, str | int) or isinstance(name, bool):
                msg = f"{record.place} has no text or number as {self._field!r}: {name!r}"
                raise StageError(msg)
            self._check(row, record.place)
            yield str(name), record.line, record.offset, len(record.data)

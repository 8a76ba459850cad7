"""Files of rows: JSON lines, a JSON array, or Parquet."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from attrs import frozen

from pairsmith.errors import StageError
from pairsmith.records import records
from pairsmith_formats.hub import local
from pairsmith_formats.missing import MissingLibraryError
from pairsmith_formats.publications import where_to_get
from pairsmith_formats.reading import BadRowError

ENDINGS = (".json", ".jsonl", ".parquet")
_LIBRARY = "pyarrow"
_BATCH = 64
"""Rows of a Parquet file in memory at a time: they may hold images."""


class RowRecord(Protocol):
    """One row that has yet to be understood."""

    @property
    def number(self) -> int:
        """The row's number, from 1."""

    @property
    def place(self) -> str:
        """Where the row is, for messages."""

    def value(self) -> Mapping[str, Any]:
        """Return the row, or say that it is none."""


@frozen
class Table:
    """A file of rows, and the Parquet files that go on with it."""

    path: Path
    more: tuple[Path, ...] = ()

    def rows(self) -> Iterator[RowRecord]:
        """Yield the rows, whatever the files' size a few at a time."""
        if self.path.suffix.lower() != ".parquet":
            yield from records(self.path)
            return
        number = 0
        for path in (self.path, *self.more):
            for number, row in enumerate(_parquet(path), start=number + 1):  # noqa: B020 - it counts on over the files
                yield _ParquetRow(path, number, row)


@frozen
class _ParquetRow:
    path: Path
    number: int
    columns: Mapping[str, Any]

    @property
    def place(self) -> str:
        return f"{str(self.path)!r}, row {self.number}"

    def value(self) -> Mapping[str, Any]:
        _check_plain(self.columns, "")
        return self.columns


def find(path: Path, form: str) -> Table:
    """Return the rows that a path means: of the file itself, of the one in the folder, or of all Parquet files in it."""
    path = local(path)
    if path.is_file():
        return Table(path)
    if not path.is_dir():
        msg = f"[images] path {str(path)!r} is neither a file nor a folder{where_to_get(form)}"
        raise StageError(msg)
    there = [file for file in path.iterdir() if file.suffix.lower() in ENDINGS and file.is_file()]
    found = sorted(file for file in there if file.name != "dataset_info.json")
    if found and all(file.suffix.lower() == ".parquet" for file in found):
        return Table(found[0], tuple(found[1:]))
    if len(found) != 1:
        names = ", ".join(file.name for file in found) or "none"
        hint = where_to_get(form) if not found else "; name the file itself"
        msg = f"[images] path {str(path)!r} must hold one .json, .jsonl or .parquet file: there is {names}{hint}"
        raise StageError(msg)
    return Table(found[0])


def _parquet(path: Path) -> Iterator[Mapping[str, Any]]:
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import ParquetFile
    except ImportError:
        raise MissingLibraryError(_LIBRARY, f"Reading {str(path)!r}") from None
    number = 0
    try:
        with ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=_BATCH):
                for row in batch.to_pylist():
                    number += 1
                    yield row
    except (ArrowException, OSError) as error:
        msg = f"{str(path)!r} cannot be read as Parquet after row {number}: {str(error).splitlines()[0]}"
        raise StageError(msg) from None


def _check_plain(value: Any, column: str) -> None:  # noqa: ANN401 - whatever a table holds
    """Refuse what JSON cannot say; the bytes of an image stand beside its path."""
    if isinstance(value, Mapping):
        for name, one in value.items():
            if not (name == "bytes" and "path" in value and isinstance(one, bytes)):
                _check_plain(one, column or name)
    elif isinstance(value, list):
        for one in value:
            _check_plain(one, column)
    elif not isinstance(value, str | int | float | None):
        msg = f"has a {type(value).__name__} in {column!r}, which no JSON row can hold; leave the column out"
        raise BadRowError(msg)

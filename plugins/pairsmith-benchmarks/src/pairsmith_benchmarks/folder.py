"""Finds the files of a benchmark that a user downloaded, and says which are missing and where they come from."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from attrs import frozen

from pairsmith.errors import StageError
from pairsmith.records import records


@frozen(kw_only=True)
class Folder:
    """A folder for a benchmark; ``source`` says what to download from where."""

    benchmark: str
    path: Path
    source: str

    def find(self, *names: str) -> Path:
        """Return the first of these files that is there."""
        for name in names:
            if (self.path / name).is_file():
                return self.path / name
        looked = " or ".join(map(repr, names))
        return self.refuse(f"has no {looked}")

    def images(self, folder: Path, names: Sequence[str]) -> None:
        """Refuse to begin where images are missing: a part of a benchmark has other numbers than the whole."""
        missing = [name for name in names if not (folder / name).is_file()]
        if missing:
            msg = (
                f"{self.benchmark}: {len(missing):,} of {len(names):,} images are not in {str(folder)!r}, such as "
                f"{missing[0]!r}; {self.source}"
            )
            raise StageError(msg)

    def refuse(self, what: str) -> NoReturn:
        """Raise an error about the folder that ends with where its files come from."""
        msg = f"{self.benchmark}: the folder {str(self.path)!r} {what}; {self.source}"
        raise StageError(msg)


def read_json(path: Path, kind: type[Any]) -> Any:  # noqa: ANN401 - JSON
    """Return a whole JSON file, which must hold a ``dict`` or a ``list``."""
    try:
        value = json.loads(path.read_bytes())
    except UnicodeDecodeError:
        msg = f"{str(path)!r} is not UTF-8; download the file again"
        raise StageError(msg) from None
    except (ValueError, RecursionError) as error:
        msg = f"{str(path)!r} is not JSON: {error}; download the file again"
        raise StageError(msg) from None
    if not isinstance(value, kind):
        wanted = "an object" if kind is dict else "an array"
        msg = f"{str(path)!r} must hold {wanted}, not {str(value)[:40]!r}; download the file again"
        raise StageError(msg)
    return value


def rows(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the rows of a JSON-lines file or of a JSON array, each with its place for messages."""
    for record in records(path):
        yield record.place, record.value()


def text_of(row: Mapping[str, Any], key: str, place: str) -> str:
    """Return a row's text, which must be there."""
    value = row.get(key)
    if not isinstance(value, str) or not value.strip():
        msg = f"{place} must have a text {key!r}: {value!r:.80}"
        raise StageError(msg)
    return value


def inside(name: str, place: str) -> str:
    """Return the name of an image, which must stay in its folder whatever a row says."""
    path = Path(name)
    if path.is_absolute() or ".." in path.parts or "\0" in name:
        msg = f"{place} names an image outside its folder: {name!r}"
        raise StageError(msg)
    return name


def once(ids: Sequence[str], benchmark: str) -> None:
    """Refuse two items with the same id."""
    seen: set[str] = set()
    for name in ids:
        if name in seen:
            msg = f"{benchmark}: two items have the id {name!r}; leave one of them out"
            raise StageError(msg)
        seen.add(name)

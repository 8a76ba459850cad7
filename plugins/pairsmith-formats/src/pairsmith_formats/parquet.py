"""Rows and the images they name as one Parquet file, which ``datasets`` loads with the images inside."""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from itertools import islice
from pathlib import Path
from typing import Any

from pairsmith.errors import StageError
from pairsmith_formats.columns import Kind, kind_of, merged
from pairsmith_formats.missing import MissingLibraryError

FILE = "data/train-00000-of-00001.parquet"
"""Where the hub and ``load_dataset`` look for it, from the folder of the card."""

_NEEDS = ("datasets", "Writing Parquet")
_BATCH = 64
"""Rows in memory at a time: each may bring an image of megabytes."""


def to_parquet(lines: Path, path: Path, image_columns: Sequence[str]) -> None:
    """Write a file of JSON lines as Parquet; paths of images start from its folder.

    Columns of images become the feature ``Image``, or a list of it, with the bytes inside. A column whose rows agree on
    no type is written as JSON text.
    """
    try:
        from datasets import Features
        from pyarrow import Table
        from pyarrow.parquet import ParquetWriter
    except ImportError:
        raise MissingLibraryError(*_NEEDS) from None
    kinds: Kind = reduce(merged, (kind_of(row) for row in _rows(lines)), "null")
    if kinds == "null":
        msg = "there is no row to write as Parquet"
        raise StageError(msg)
    images = [name for name in image_columns if name in kinds]
    features = Features({name: _image(kind) if name in images else _feature(kind) for name, kind in kinds.items()})
    path.parent.mkdir(parents=True, exist_ok=True)
    with ParquetWriter(path, features.arrow_schema) as writer:
        rows = (_example(row, kinds, images, lines.parent) for row in _rows(lines))
        while batch := list(islice(rows, _BATCH)):
            writer.write_table(Table.from_pylist(batch, schema=features.arrow_schema))


def _rows(lines: Path) -> Iterator[Mapping[str, Any]]:
    with lines.open(encoding="utf-8") as file:
        yield from map(json.loads, file)


def _feature(kind: Kind) -> Any:  # noqa: ANN401 - datasets' own
    from datasets import List, Value

    if isinstance(kind, dict):
        return {name: _feature(one) for name, one in kind.items()}
    if isinstance(kind, list):
        return List(_feature(kind[1]))
    types = {"int": "int64", "float": "float64", "bool": "bool"}
    return Value(types.get(kind, "string"))


def _image(kind: Kind) -> Any:  # noqa: ANN401
    from datasets import Image, List

    return List(Image()) if isinstance(kind, list) else Image()


def _example(row: Mapping[str, Any], kinds: Mapping[str, Kind], images: Sequence[str], folder: Path) -> dict[str, Any]:
    return {
        name: _embedded(row.get(name), folder) if name in images else _fitted(row.get(name), kind)
        for name, kind in kinds.items()
    }


def _embedded(value: Any, folder: Path) -> Any:  # noqa: ANN401 - a path, {"path": ...}, several, or nothing
    if value is None:
        return None
    if isinstance(value, list):
        return [_embedded(one, folder) for one in value]
    path = value["path"] if isinstance(value, dict) else value
    return {"bytes": (folder / path).read_bytes(), "path": path}


def _fitted(value: Any, kind: Kind) -> Any:  # noqa: ANN401
    if kind == "json":
        return json.dumps(value, ensure_ascii=False)
    if value is None:
        return None
    if isinstance(kind, dict):
        return {name: _fitted(value.get(name), one) for name, one in kind.items()}
    if isinstance(kind, list):
        return [_fitted(one, kind[1]) for one in value]
    return float(value) if kind == "float" else value

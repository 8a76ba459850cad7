"""COCO's instances as truth: boxes of 80 kinds of thing, by image."""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any
from weakref import finalize

from pairsmith.errors import StageError
from pairsmith.interfaces import Run
from pairsmith.records import Record, RowError, members
from pairsmith.values import Sample
from pairsmith_visual_genome.images import Annotated, BadEntryError
from pairsmith_visual_genome.options import AnnotatedOptions
from pairsmith_visual_genome.publications import where_to_get

_KINDS = 80
_CORNER = 4
_NUMBERS = {"images": ("id", "width", "height"), "annotations": ("image_id", "category_id"), "categories": ("id",)}
_TEXTS = {"images": "file_name", "categories": "name"}


class Coco(Annotated):
    """Yields the images in the file's order; what belongs to which image is sorted in a temporary database on disk."""

    published = where_to_get("coco")
    folders = ("", "train2014", "val2014", "train2017", "val2017")

    def __init__(self, options: AnnotatedOptions, run: Run) -> None:  # noqa: ARG002 - every factory is given the run
        """Look whether everything is there; the file is read when the first sample is asked for."""
        super().__init__(options)
        self._table: sqlite3.Connection | None = None
        self._categories: dict[int, str] = {}

    def samples(self, start: int = 0) -> Iterator[Sample]:
        """Yield the samples from the ``start``-th on."""
        return islice(self._all(), start, None)

    def _all(self) -> Iterator[Sample]:
        table = self._table = self._table or self._read()
        whole = {} if len(self._categories) == _KINDS else {"categories": sorted(self._categories.values())}
        for name, file, width, height in table.execute("SELECT id, file, width, height FROM images ORDER BY rowid"):
            found = table.execute("SELECT kind, box, crowd FROM annotations WHERE image = ? ORDER BY rowid", (name,))
            annotations = [
                {"category": self._category(kind, name), "bbox": json.loads(box), "iscrowd": crowd}
                for kind, box, crowd in found.fetchall()
            ]
            if not annotations and self.options.annotated_only:
                continue
            instances = {"width": width, "height": height, "annotations": annotations, **whole}
            try:
                yield self.sample(str(name), file, {"instances": instances})
            except BadEntryError as error:
                self.bad(f"{str(self.options.path)!r}, image {name} {error}")

    def _category(self, kind: int, image: int) -> str:
        if kind not in self._categories:
            msg = f"{str(self.options.path)!r}, image {image} has a thing of category {kind}, which 'categories' lacks"
            raise StageError(msg)
        return self._categories[kind]

    def _read(self) -> sqlite3.Connection:
        table = sqlite3.connect("", check_same_thread=False)  # a file of its own that goes with the connection
        finalize(self, table.close)
        table.execute("CREATE TABLE images (id INTEGER UNIQUE, file TEXT, width INTEGER, height INTEGER)")
        table.execute("CREATE TABLE annotations (image INTEGER, kind INTEGER, box TEXT, crowd INTEGER)")
        for key, record in members(self.options.path):
            if key in _NUMBERS:
                try:
                    self._add(table, key, _checked(key, record))
                except RowError as error:
                    self.bad(str(error))
                except BadEntryError as error:
                    self.bad(f"{record.place} of {key!r} {error}")
        table.execute("CREATE INDEX by_image ON annotations (image)")
        return table

    def _add(self, table: sqlite3.Connection, key: str, row: Mapping[str, Any]) -> None:
        if key == "categories":
            self._categories[row["id"]] = row["name"]
        elif key == "annotations":
            values = (row["image_id"], row["category_id"], json.dumps(row["bbox"]), int(bool(row.get("iscrowd", 0))))
            table.execute("INSERT INTO annotations VALUES (?, ?, ?, ?)", values)
        else:
            try:
                values = (row["id"], row["file_name"], row["width"], row["height"])
                table.execute("INSERT INTO images VALUES (?, ?, ?, ?)", values)
            except sqlite3.IntegrityError:
                msg = f"has the id {row['id']} again"
                raise BadEntryError(msg) from None


def _checked(key: str, record: Record) -> Mapping[str, Any]:
    row = record.value()
    wrong = next((name for name in _NUMBERS[key] if type(row.get(name)) is not int), None)
    if wrong:
        msg = f"has no number {wrong!r}: {row.get(wrong)!r:.80}"
        raise BadEntryError(msg)
    name = _TEXTS.get(key)
    if name and not isinstance(row.get(name), str):
        msg = f"has no text {name!r}: {row.get(name)!r:.80}"
        raise BadEntryError(msg)
    box = row.get("bbox")
    if key == "annotations" and not (
        isinstance(box, list) and len(box) == _CORNER and all(type(one) in {int, float} for one in box)
    ):
        msg = f"has no 'bbox' of four numbers: {box!r:.80}"
        raise BadEntryError(msg)
    return row

"""Reads preference rows in LLaVA's manner (PDS-DPO, arXiv 2412.17417), one at a time."""

import logging
import os
import re
import sqlite3
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, Literal
from weakref import finalize

from pairsmith.errors import StageError
from pairsmith.interfaces import Run
from pairsmith.records import Record, RowError, records
from pairsmith.values import Image, Response, Sample
from pairsmith_formats.conversations import BadRowError, mentions_image, parse
from pairsmith_formats.options import LlavaPreferencesOptions

_LOG = logging.getLogger(__name__)
_ENDINGS = (".json", ".jsonl")
_LEAVES = re.compile(r"^[/\\]|^[A-Za-z]:|(^|[/\\])\.\.([/\\]|$)")
"""Absolute on any system, or up a folder."""


class LlavaPreferences:
    """Yields each row as a sample with its two answers, labelled."""

    def __init__(self, options: LlavaPreferencesOptions, run: Run) -> None:  # noqa: ARG002 - every factory is given the run
        """Find the file and the folder of its images."""
        self._options = options
        self._file = _find(options.path)
        self._folder = options.images or self._file.parent
        if not self._folder.is_dir():
            msg = f"[images] images = {str(self._folder)!r} is not a folder"
            raise StageError(msg)
        self._inside = os.path.join(self._folder.resolve(), "")  # noqa: PTH118 - ends in a separator

    def samples(self, start: int = 0) -> Iterator[Sample]:
        """Yield the samples from the ``start``-th on; rows before it are read again, for no id may come twice."""
        return islice(self._all(), start, None)

    def _all(self) -> Iterator[Sample]:
        seen = _Seen()
        for record in records(self._file):
            try:
                sample = self._sample(record.value())
                seen.add(sample.id, record)
            except RowError as error:
                self._bad(str(error))
            except BadRowError as error:
                self._bad(f"{record.place} {error}")
            else:
                yield sample

    def _bad(self, message: str) -> None:
        if self._options.on_bad_row == "skip":
            _LOG.warning("left out: %s", message)
            return
        msg = f'{message}; mend the row, or leave out what is broken with on_bad_row = "skip"'
        raise StageError(msg)

    def _sample(self, row: Mapping[str, Any]) -> Sample:
        name = row.get("id")
        if not isinstance(name, str | int) or isinstance(name, bool) or name == "":
            msg = f"has no text or number as 'id': {name!r}"
            raise BadRowError(msg)
        prompt, chosen = parse(row, "conversations")
        other_prompt, rejected = parse(row, "rejected_conversations")
        images = self._images(row.get("image"))
        if not images and any(mentions_image(row, side) for side in ("conversations", "rejected_conversations")):
            msg = "speaks of an '<image>' and names none"
            raise BadRowError(msg)

        def answer(label: Literal["chosen", "rejected"], text: str) -> Response:
            own = other_prompt if label == "rejected" and other_prompt != prompt else ()
            return Response(id=f"{name}/{label}", sample_id=str(name), text=text, label=label, prompt=own)

        given = (answer("chosen", chosen), answer("rejected", rejected))
        return Sample(id=str(name), images=images, prompt=prompt, given=given)

    def _images(self, value: Any) -> tuple[Image, ...]:  # noqa: ANN401 - whatever the row holds
        paths = value if isinstance(value, list) else [value] if value else []
        return tuple(Image(path=self._confined(path)) for path in paths)

    def _confined(self, name: object) -> Path:
        """Return the file of a row's image, which must lie in the folder whatever the row says."""
        if not isinstance(name, str) or not name or "\0" in name:
            msg = f"has an 'image' that is no path: {name!r}"
            raise BadRowError(msg)
        if _LEAVES.search(name):
            msg = f"has an image path that leaves the folder {str(self._folder)!r}: {name!r}"
            raise BadRowError(msg)
        path = self._folder / name
        # os.path.realpath and not Path.resolve: this is asked of every row of a million.
        if not self._options.follow_links and not os.path.realpath(path).startswith(self._inside):
            msg = (
                f"has an image that is a link out of the folder {str(self._folder)!r}: {name!r}; "
                f"if you trust the folder set follow_links = true"
            )
            raise BadRowError(msg)
        return path


class _Seen:
    """The ids so far, in a temporary database on disk: memory stays the same for a million rows."""

    def __init__(self) -> None:
        self._table = sqlite3.connect("", check_same_thread=False)
        finalize(self, self._table.close)
        self._table.execute("CREATE TABLE seen (id TEXT PRIMARY KEY, number INTEGER) WITHOUT ROWID")

    def add(self, name: str, record: Record) -> None:
        try:
            self._table.execute("INSERT INTO seen VALUES (?, ?)", (name, record.number))
        except sqlite3.IntegrityError:
            (first,) = self._table.execute("SELECT number FROM seen WHERE id = ?", (name,)).fetchone()
            msg = f"has the id {name!r} of row {first} again"
            raise BadRowError(msg) from None


def _find(path: Path) -> Path:
    if path.is_file():
        return path
    if not path.is_dir():
        msg = f"[images] path {str(path)!r} is neither a file nor a folder"
        raise StageError(msg)
    found = sorted(file for file in path.iterdir() if file.suffix.lower() in _ENDINGS and file.is_file())
    if len(found) != 1:
        names = ", ".join(file.name for file in found) or "none"
        msg = f"[images] path {str(path)!r} must hold one .json or .jsonl file: there is {names}; name the file itself"
        raise StageError(msg)
    return found[0]

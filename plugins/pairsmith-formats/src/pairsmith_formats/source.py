"""Reads the rows of a format as samples, one at a time."""

import logging
import sqlite3
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any
from weakref import finalize

from attrs import evolve

from pairsmith.errors import StageError
from pairsmith.interfaces import Run
from pairsmith.records import RowError
from pairsmith.values import CONTEXT_MARKER, Image, Response, Sample, Turn
from pairsmith_formats.conversations import bare, without_marker
from pairsmith_formats.edits import edits
from pairsmith_formats.images import Pictures
from pairsmith_formats.options import RowsOptions
from pairsmith_formats.reading import MARKER, Answer, BadRowError, Format, Reading, Row
from pairsmith_formats.tables import Table, find
from pairsmith_formats.writing import entry_of_sample

_LOG = logging.getLogger(__name__)


class RowSource:
    """Yields each row of a file as a sample with the answers that came with it."""

    def __init__(self, form: Format, options: RowsOptions, run: Run, *, table: Table | None = None) -> None:
        """Find the file and the folder of its images."""
        self._format, self._options = form, options
        self._table = table or find(options.path, form.name)
        self._pictures = Pictures(options, self._table.path.parent, run, form.name)
        self.bad_rows = 0
        """How many rows have been left out so far."""

    def samples(self, start: int = 0) -> Iterator[Sample]:
        """Yield the samples from the ``start``-th on; rows before it are read again, for no id may come twice."""
        return islice(self._all(), start, None)

    def _all(self) -> Iterator[Sample]:
        seen = _Seen()
        self.bad_rows = 0
        for record in self._table.rows():
            try:
                row = record.value()
                sample = self._sample(row, record.number)
                seen.add(sample.id, record.number)
            except RowError as error:
                self._bad(str(error))
            except BadRowError as error:
                self._bad(f"{record.place} {error}")
            else:
                yield sample

    def _bad(self, message: str) -> None:
        if self._options.on_bad_row == "skip":
            self.bad_rows += 1
            _LOG.warning("left out: %s", message)
            return
        msg = f'{message}; mend the row, or leave out what is broken with on_bad_row = "skip"'
        raise StageError(msg)

    def _sample(self, row: Row, number: int) -> Sample:
        row, kept = self._pictures.take(row, self._format.image_columns)
        reading = self._format.read(row)
        if self._format.needs_id and reading.id is None:
            msg = f"has no text or number as 'id': {row.get('id')!r}"
            raise BadRowError(msg)
        name = f"row-{number}" if reading.id is None else str(reading.id)
        images = tuple(self._image(path, kept) for path in reading.images)
        if not images and any(MARKER in turn.text for turn in _all_turns(reading)):
            msg = f"speaks of an {MARKER!r} and names none"
            raise BadRowError(msg)
        prompt = bare(reading.prompt)
        sample = Sample(
            id=name,
            images=images,
            prompt=prompt,
            # A text that happens to hold the marker for a context must come out with it: it stands for itself.
            context=reading.context or (CONTEXT_MARKER if _mentions_context(reading) else ""),
            given=tuple(_response(answer, n, name, prompt) for n, answer in enumerate(reading.answers)),
            truth=reading.truth,
            extra=_extra(self._format.name, reading),
        )
        if not self._format.written:
            return sample
        changes = edits(self._format.write(entry_of_sample(sample, reading.images)), row)
        return evolve(sample, extra={**sample.extra, "edits": changes}) if changes else sample

    def _image(self, path: str, kept: Mapping[str, Path]) -> Image:
        return Image(path=kept[path] if path in kept else self._image_path(path))

    def _image_path(self, path: str) -> Path:
        return self._pictures.confined(path)


def _response(answer: Answer, number: int, sample: str, prompt: tuple[Turn, ...]) -> Response:
    own = bare(answer.prompt)
    return Response(
        id=f"{sample}/{answer.label or number}",
        sample_id=sample,
        text=without_marker(answer.text),
        label=answer.label,
        model=answer.model,
        parameters=answer.parameters,
        prompt=own if own != prompt else (),
    )


def _extra(form: str, reading: Reading) -> dict[str, Any]:
    """Return what the values have no place for; ratings go by the answer's number."""
    ratings = {str(n): dict(answer.ratings) for n, answer in enumerate(reading.answers) if answer.ratings}
    images = {"images": list(reading.images)} if reading.images else {}
    return {"format": form, **images, **({"ratings": ratings} if ratings else {})}


def _all_turns(reading: Reading) -> Iterator[Turn]:
    yield from reading.prompt
    for answer in reading.answers:
        yield from answer.prompt


def _mentions_context(reading: Reading) -> bool:
    return any(CONTEXT_MARKER in turn.text for turn in _all_turns(reading))


class _Seen:
    """The ids so far, in a temporary database on disk: memory stays the same for a million rows."""

    def __init__(self) -> None:
        self._table = sqlite3.connect("", check_same_thread=False)
        finalize(self, self._table.close)
        self._table.execute("CREATE TABLE seen (id TEXT PRIMARY KEY, number INTEGER) WITHOUT ROWID")

    def add(self, name: str, number: int) -> None:
        try:
            self._table.execute("INSERT INTO seen VALUES (?, ?)", (name, number))
        except sqlite3.IntegrityError:
            (first,) = self._table.execute("SELECT number FROM seen WHERE id = ?", (name,)).fetchone()
            msg = f"has the id {name!r} of row {first} again"
            raise BadRowError(msg) from None

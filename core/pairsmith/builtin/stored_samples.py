"""Samples from a file of pairsmith's own rows: what ``pairsmith import`` writes, and what is easily written by hand."""

import os
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from attrs import evolve

from pairsmith.builtin.stored_options import StoredSamplesOptions
from pairsmith.errors import StageError
from pairsmith.interfaces import Run
from pairsmith.options import read_all
from pairsmith.records import Record, records
from pairsmith.values import Image, Sample


class StoredSamples:
    """Yields a sample a row.

    A row is ``{"id": "s1", "images": ["a.jpg"], "prompt": "What is this?"}``; ``prompt`` may be a list of turns, and
    ``context``, ``given`` (texts, or answers with a ``label``), ``truth`` and ``extra`` are as in a run.
    """

    def __init__(self, options: StoredSamplesOptions, run: Run) -> None:  # noqa: ARG002 - every factory is given the run
        """Find the folder of the images."""
        self._path = options.path
        self._folder = options.images or options.path.parent
        self._inside = os.path.join(self._folder.resolve(), "")  # noqa: PTH118 - ends in a separator
        if not self._folder.is_dir():
            msg = f"[images] images = {str(self._folder)!r} is not a folder"
            raise StageError(msg)

    def samples(self, start: int = 0) -> Iterator[Sample]:
        """Yield the samples from the ``start``-th on."""
        return map(self._sample, islice(records(self._path), start, None))

    def _sample(self, record: Record) -> Sample:
        sample, faults = read_all(_whole(record.value()), Sample, record.place)
        if sample is None:
            raise StageError(str(faults[0]))
        if any(answer.sample_id != sample.id for answer in sample.given):
            msg = f"{record.place}: an answer in 'given' names another sample than {sample.id!r}"
            raise StageError(msg)
        return evolve(
            sample,
            images=tuple(self._image(image, record) for image in sample.images),
            candidates=tuple(self._image(image, record) for image in sample.candidates),
        )

    def _image(self, image: Image, record: Record) -> Image:
        path = self._folder / image.path
        if not os.path.realpath(path).startswith(self._inside):
            msg = f"{record.place} has an image path that leaves the folder {str(self._folder)!r}: {str(image.path)!r}"
            raise StageError(msg)
        return Image(path=Path(path))


def _whole(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a row with what may be left out, or be put more briefly, in full."""
    whole = {**row, "id": str(row["id"])} if type(row.get("id")) is int else dict(row)
    for name in ("images", "candidates"):
        if isinstance(row.get(name), list):
            whole[name] = [{"path": one} if isinstance(one, str) else one for one in row[name]]
    if isinstance(row.get("prompt"), str):
        whole["prompt"] = [{"role": "user", "text": row["prompt"]}]
    if isinstance(row.get("given"), list):
        whole["given"] = [_answer(one, whole.get("id"), number) for number, one in enumerate(row["given"])]
    return whole


def _answer(answer: object, sample: object, number: int) -> object:
    if isinstance(answer, str):
        answer = {"text": answer}
    if not isinstance(answer, dict):
        return answer
    return {"id": f"{sample}/{answer.get('label') or 'given'}{number}", "sample_id": sample, **answer}

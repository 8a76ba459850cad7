"""Answers that were made elsewhere, joined to samples by id."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from pairsmith.builtin.joined import EXAMPLES, Joined
from pairsmith.builtin.stored_options import StoredOptions
from pairsmith.errors import StageError
from pairsmith.interfaces import Run
from pairsmith.values import Response, Sample

_LOG = logging.getLogger(__name__)


class Stored:
    """Reads answers where they lie; only where each id's rows are is kept, in a temporary database on disk.

    A row is ``{"id": "s1", "response": "A cat."}``, with ``text`` for ``response`` if you like, or ``responses``: texts
    or objects. ``model``, ``seed``, ``parameters`` and ``label`` are taken over. Rows of one id add up.
    """

    def __init__(self, options: StoredOptions, run: Run) -> None:  # noqa: ARG002 - every factory is given the run
        """Read no more than where the rows are."""
        self._options = options
        self._joined = Joined(options.path, options.id_field, _check_row)

    def respond(
        self,
        samples: Sequence[Sample],
        *,
        seed: int,  # noqa: ARG002 - nothing is drawn
        greedy: bool = False,
    ) -> list[list[Response]]:
        """Return the stored answers of each sample, the first one with ``greedy``.

        A sample that the file does not name has none, and the log says how many there are. That is an error where one
        is asked for (``greedy``), and where not a single sample of the part is named, for then the ids do not fit.
        """
        answers = [self._answers(sample) for sample in samples]
        missing = [sample for sample, given in zip(samples, answers, strict=True) if not given]
        if missing and (greedy or (len(missing) == len(samples) and not self._options.allow_unmatched)):
            raise StageError(self._mismatch(missing, len(samples)))
        if missing:
            _LOG.warning(
                "%s has no answer to %d of %d samples, e.g. %r",
                self._options.path,
                len(missing),
                len(samples),
                missing[0].id,
            )
        return [given[:1] for given in answers] if greedy else answers

    def _answers(self, sample: Sample) -> list[Response]:
        given = [(answer, row) for row, place in self._joined.rows(sample.id) for answer in _answers_of(row, place)]
        stem = self._options.path.stem
        return [
            _response(f"{sample.id}/{stem}/{number}", sample, answer, row) for number, (answer, row) in enumerate(given)
        ]

    def _mismatch(self, missing: Sequence[Sample], asked: int) -> str:
        wanted = [sample.id for sample in missing[:EXAMPLES]]
        return (
            f"{str(self._options.path)!r} has no answer to {len(missing)} of {asked} samples, such as "
            f"{', '.join(map(repr, wanted))}; it holds {self._joined.examples()}"
            f". The field {self._options.id_field!r} must hold the samples' ids"
        )


def _check_row(row: Mapping[str, Any], place: str) -> None:
    _answers_of(row, place)


def _answers_of(row: Mapping[str, Any], place: str) -> list[Mapping[str, Any]]:
    """Return the answers of a row as objects with a text."""
    names = [name for name in ("responses", "response", "text") if name in row]
    if len(names) != 1:
        msg = f"{place} must have one of 'response', 'text' and 'responses', and has {names or 'none'}"
        raise StageError(msg)
    value = row[names[0]]
    many = value if names == ["responses"] and isinstance(value, list) else [value]
    answers = [{"text": one} if isinstance(one, str) else one for one in many]
    for answer in answers:
        if not isinstance(answer, dict) or not isinstance(answer.get("text"), str):
            msg = f"{place}: an answer must be a text, or an object with a 'text': {answer!r}"
            raise StageError(msg)
        _check_particulars({**row, **answer}, place)
    return answers


def _check_particulars(answer: Mapping[str, Any], place: str) -> None:
    kinds = {"model": (str, "a text"), "parameters": (dict, "an object"), "seed": (int | None, "an integer")}
    for name, (kind, words) in kinds.items():
        if name in answer and not isinstance(answer[name], kind):
            msg = f"{place}: {name!r} must be {words}: {answer[name]!r}"
            raise StageError(msg)
    if answer.get("label", "") not in {"", "chosen", "rejected"}:
        msg = f"{place}: 'label' must be 'chosen' or 'rejected': {answer['label']!r}"
        raise StageError(msg)


def _response(name: str, sample: Sample, answer: Mapping[str, Any], row: Mapping[str, Any]) -> Response:
    known = {**row, **answer}
    return Response(
        id=name,
        sample_id=sample.id,
        text=answer["text"],
        model=known.get("model", ""),
        seed=known.get("seed"),
        parameters=known.get("parameters", {}),
        label=known.get("label", ""),
    )

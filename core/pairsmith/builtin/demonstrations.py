"""Answers to imitate, for supervised fine-tuning and rejection sampling."""

from collections.abc import Sequence

from attrs import frozen

from pairsmith.builtin.choosing import best, rated
from pairsmith.builtin.options import DemonstrationsOptions
from pairsmith.interfaces import Run
from pairsmith.values import Demonstration, Judged, Response, Sample

REFERENCE = "reference"
"""Where a sample's truth holds a reference answer: a text, or several."""


@frozen
class Demonstrations:
    """Yields the answers that came with a sample, or with ``best`` the first of its best scored answers.

    Those that came are, in this order of preference: answers labelled chosen, answers without a label, the reference
    answers of the sample's truth. An answer labelled rejected is never imitated, nor one that was generated unless it
    is the best.
    """

    options: DemonstrationsOptions
    run: Run

    def select(self, judged: Judged, *, seed: int) -> tuple[Demonstration, ...]:  # noqa: ARG002 - nothing is drawn
        """Return the demonstrations of one sample."""
        sample = judged.sample
        if not self.options.best:
            given = _given(judged)
            if self.options.preferred == "skip" and any(answer.label == "rejected" for answer in given):
                return ()
            return tuple(
                Demonstration(id=f"{sample.id}:{answer.id}", sample=sample, chosen=answer)
                for answer in _imitated(sample, given)
            )
        answers = rated(judged, self.options)
        if not answers:
            return ()
        answer, score = best(answers)
        if self.options.min_score is not None and score < self.options.min_score:
            return ()
        return (Demonstration(id=f"{sample.id}:{answer.id}", sample=sample, chosen=answer, score=score),)


def _given(judged: Judged) -> Sequence[Response]:
    return judged.sample.given or tuple(answer for answer in judged.responses if answer.label)


def _imitated(sample: Sample, given: Sequence[Response]) -> Sequence[Response]:
    for label in ("chosen", ""):
        if labelled := [answer for answer in given if answer.label == label]:
            return labelled
    known = sample.truth.get(REFERENCE, ())
    texts = [known] if isinstance(known, str) else known
    return [
        Response(id=f"{sample.id}/reference{n}", sample_id=sample.id, text=text, model="reference", label="chosen")
        for n, text in enumerate(texts)
        if isinstance(text, str)
    ]

"""Single answers to imitate, chosen by their scores: best-of-n, and only what is perfect."""

from random import Random

from attrs import frozen

from pairsmith.builtin.choosing import best, rated
from pairsmith.builtin.options import BestOnlyOptions, RejectionSamplingOptions
from pairsmith.interfaces import Run
from pairsmith.scores import TOLERANCE
from pairsmith.seeds import derive
from pairsmith.values import Demonstration, Judged, Response, Sample


@frozen
class RejectionSampling:
    """Yields the best of a sample's answers, if it is good enough: rejection sampling, best-of-n."""

    options: RejectionSamplingOptions
    run: Run

    def select(self, judged: Judged, *, seed: int) -> tuple[Demonstration, ...]:
        """Return one demonstration, or none."""
        answers = rated(judged, self.options)
        if not answers:
            return ()
        answer, score = best(answers)
        if self.options.min_score is not None and score < self.options.min_score - TOLERANCE:
            return ()
        if self.options.ties == "random":
            equal = [one for one, its in answers if score - its < TOLERANCE]
            answer = Random(derive(self.options.seed, seed)).choice(equal)
        return (demonstration(judged.sample, answer, score),)


@frozen
class BestOnly:
    """Yields answers whose score is perfect, the first of them or as many as ``per_sample`` says (mllm-dpo)."""

    options: BestOnlyOptions
    run: Run

    def select(self, judged: Judged, *, seed: int) -> tuple[Demonstration, ...]:  # noqa: ARG002 - nothing is drawn
        """Return the demonstrations of one sample."""
        perfect = [one for one in rated(judged, self.options) if one[1] >= self.options.min_score - TOLERANCE]
        kept = perfect[: self.options.per_sample]
        return tuple(demonstration(judged.sample, answer, score) for answer, score in kept)


def demonstration(sample: Sample, answer: Response, score: float | None) -> Demonstration:
    """Return a demonstration with an id made of its parts'."""
    return Demonstration(id=f"{sample.id}:{answer.id}", sample=sample, chosen=answer, score=score)

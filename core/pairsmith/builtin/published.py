"""Pairs that others have labelled."""

from attrs import frozen

from pairsmith.builtin.choosing import pair
from pairsmith.builtin.options import PublishedOptions
from pairsmith.errors import StageError
from pairsmith.interfaces import Run
from pairsmith.values import Judged, Pair


@frozen
class Published:
    """Yields each answer labelled chosen with each labelled rejected, in order.

    Identical texts are left in, so that ``[hygiene]`` counts them.
    """

    options: PublishedOptions
    run: Run

    def select(self, judged: Judged, *, seed: int) -> tuple[Pair, ...]:  # noqa: ARG002 - nothing is drawn
        """Return the pairs; none where a sample has only one of the labels."""
        answers = judged.responses
        if answers and not any(answer.label for answer in answers) and self.options.unlabelled == "stop":
            msg = (
                f"[pairs] use = 'published': the answers of sample {judged.sample.id!r} carry no label; it needs the "
                f"answers that came with the samples, so leave out the table [responses], choose another selector, or, "
                f"where some samples are demonstrations, set unlabelled = 'skip'"
            )
            raise StageError(msg)
        return tuple(
            pair(judged.sample, chosen, rejected)
            for chosen in answers
            if chosen.label == "chosen"
            for rejected in answers
            if rejected.label == "rejected"
        )

"""A decomposer whose replies are read as DecompGen read them."""

from collections.abc import Sequence

from pairsmith.errors import StageError
from pairsmith.interfaces import Run
from pairsmith.values import Case, Claim, Response, Sample
from pairsmith_compat.claims import build, texts
from pairsmith_compat.options import ClaimsOptions
from pairsmith_compat.wrapped import Wrapped


class PublishedClaims(Wrapped):
    """Reads another decomposer's first replies, mistakes included: see :mod:`pairsmith_compat.claims`.

    Nothing is asked a second time, and nothing that could not be read is counted.
    """

    def __init__(self, options: ClaimsOptions, run: Run) -> None:
        """Check the decomposer's table."""
        super().__init__("decomposers", options.decomposer, run, "decomposer")
        self._options = options

    def decompose(self, sample: Sample, responses: Sequence[Response]) -> list[Claim]:
        """Return the claims of all responses of a sample."""
        return self.decompose_many([Case(sample=sample, responses=tuple(responses))])[0]

    def decompose_many(self, cases: Sequence[Case]) -> list[list[Claim]]:
        """Return the claims of several samples, about all of whose responses the model is asked together."""
        if not hasattr(self.inside, "replies"):
            msg = f"[claims] decomposer: {self._options.decomposer.get('use')!r} gives no replies to read; use 'llm-fewshot'"
            raise StageError(msg)
        asked = texts([response.text for case in cases for response in case.responses])
        replies = dict(zip(asked, self.inside.replies(asked), strict=True))
        return [
            [
                claim
                for response in case.responses
                if response.text in replies
                for claim in build(
                    response.id, response.text, replies[response.text], first_bracket=self._options.first_bracket
                )
            ]
            for case in cases
        ]

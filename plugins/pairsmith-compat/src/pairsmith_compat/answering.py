"""DecompGen's reading of what a question answerer says (arXiv 2411.13697, its released code)."""

from collections.abc import Sequence

from attrs import evolve

from pairsmith.interfaces import Run
from pairsmith.values import Case, Failed, Verdict
from pairsmith_compat.options import AnswersOptions
from pairsmith_compat.wrapped import Wrapped


class PublishedAnswers(Wrapped):
    """Asks another judge, and reads its answers otherwise: whatever holds "yes" anywhere is a yes, all else a no.

    So "eyes" says yes, and "it is red" no. What the grammar gate keeps out stays out.
    """

    def __init__(self, options: AnswersOptions, run: Run) -> None:
        """Build the judge, whose claims are known before anything is loaded."""
        super().__init__("judges", options.judge, run, "judge")
        self.aspects: tuple[str, ...] | None = self.inside.aspects

    def judge(self, cases: Sequence[Case]) -> list[Sequence[Verdict] | Failed]:
        """Return the verdicts, as published."""
        return [
            verdicts if isinstance(verdicts, Failed) else tuple(map(_read, verdicts))
            for verdicts in self.inside.judge(cases)
        ]


def _read(verdict: Verdict) -> Verdict:
    answer = verdict.evidence.get("answer")
    if not isinstance(answer, str) or verdict.evidence.get("sentence") is False:
        return verdict
    return evolve(verdict, outcome="supported" if "yes" in answer.lower() else "contradicted", reason="")

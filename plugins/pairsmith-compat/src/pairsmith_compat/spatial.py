"""DecompGen's geometry of above and below (arXiv 2411.13697, its released code)."""

from collections.abc import Sequence

from attrs import evolve

from pairsmith.interfaces import Run
from pairsmith.values import Case, Claim, Failed, Verdict
from pairsmith_compat.options import SpatialOptions
from pairsmith_compat.wrapped import Wrapped

_ABOVE, _BELOW = "top", "bottom"


class PublishedSpatial(Wrapped):
    """Asks another judge, with two mistakes of the released code.

    It took y for growing upwards, so "above" was judged as "below" is; and "below" was written as a comparison where an
    assignment was meant, so no claim of it was ever found right. Claims that cannot be judged stay skipped.
    """

    def __init__(self, options: SpatialOptions, run: Run) -> None:
        """Build the judge, whose claims are known before anything is loaded."""
        super().__init__("judges", options.judge, run, "judge")
        self.aspects: tuple[str, ...] | None = self.inside.aspects

    def judge(self, cases: Sequence[Case]) -> list[Sequence[Verdict] | Failed]:
        """Return the verdicts, as published."""
        turned = [evolve(case, claims=tuple(map(_turned, case.claims))) for case in cases]
        given = self.inside.judge(turned)
        return [
            verdicts if isinstance(verdicts, Failed) else _never(case, verdicts)
            for case, verdicts in zip(cases, given, strict=True)
        ]


def _turned(claim: Claim) -> Claim:
    above = claim.aspect == "spatial" and claim.data.get("direction") == _ABOVE
    return evolve(claim, data={**claim.data, "direction": _BELOW}) if above else claim


def _never(case: Case, verdicts: Sequence[Verdict]) -> tuple[Verdict, ...]:
    below = {claim.id for claim in case.claims if claim.aspect == "spatial" and claim.data.get("direction") == _BELOW}
    return tuple(
        evolve(one, outcome="contradicted") if one.claim_id in below and one.outcome == "supported" else one
        for one in verdicts
    )

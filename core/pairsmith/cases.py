"""What a judge is shown of a sample, and whether what it gave is an answer to that."""

from collections.abc import Sequence

from attrs import evolve

from pairsmith.errors import StageError
from pairsmith.values import Case, Failed, Judged, Verdict


def shown(judged: Judged, aspects: Sequence[str] | None, name: str) -> tuple[Case, list[Verdict]]:
    """Return what the judge ``name`` is shown, and the verdicts on claims that depend on a contradicted one."""
    relevant = [claim for claim in judged.claims if aspects is None or claim.aspect in aspects]
    contradicted = {verdict.claim_id for verdict in judged.verdicts if verdict.outcome == "contradicted"}
    texts = {claim.id: claim.text for claim in judged.claims}
    open_claims, skipped = [], []
    for claim in relevant:
        failed = next((other for other in claim.depends_on if other in contradicted), None)
        if failed is None:
            open_claims.append(claim)
            continue
        skipped.append(
            Verdict(
                judge=name,
                response_id=claim.response_id,
                claim_id=claim.id,
                outcome="skipped",
                reason=f"depends on a contradicted claim: {texts.get(failed, failed)}",
            )
        )
    return Case(sample=judged.sample, responses=judged.responses, claims=tuple(open_claims)), skipped


def opposite(case: Case) -> Case:
    """Return a case with its responses in the opposite order."""
    return evolve(case, responses=case.responses[::-1], swapped=not case.swapped)


def unjudged(case: Case, aspects: Sequence[str] | None, name: str, failed: Failed) -> list[Verdict]:
    """Return a skipped verdict on everything a judge was asked about and could not judge."""
    asked: list[tuple[str, str | None]] = [(claim.response_id, claim.id) for claim in case.claims]
    if aspects == ():
        asked = [(response.id, None) for response in case.responses]
    return [
        Verdict(judge=name, response_id=response, claim_id=claim, outcome="skipped", reason=f"failed: {failed.reason}")
        for response, claim in asked
    ]


def check_verdicts(
    where: str, name: str, aspects: Sequence[str] | None, case: Case, verdicts: Sequence[Verdict]
) -> None:
    """Refuse verdicts that are not about what was asked, before they are taken for opinions."""
    if case.claims:
        asked, got = [claim.id for claim in case.claims], [verdict.claim_id for verdict in verdicts]
    elif aspects == ():
        asked, got = [response.id for response in case.responses], [verdict.response_id for verdict in verdicts]
    else:
        asked, got = [], [verdict.claim_id for verdict in verdicts]
    if sorted(map(str, asked)) != sorted(map(str, got)):
        wrong = sorted(set(map(str, asked)) ^ set(map(str, got)))[:1] or ["twice the same"]
        msg = (
            f"{where}: {name!r} was asked about {len(asked)} of sample {case.sample.id!r} and "
            f"gave {len(got)} verdicts; the first that does not fit is {wrong[0]!r}. It must give one each"
        )
        raise StageError(msg)

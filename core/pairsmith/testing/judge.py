"""What every judge must do."""

from pathlib import Path
from typing import Any, ClassVar

import pytest

from pairsmith.interfaces import Kind
from pairsmith.testing.component import ComponentContract
from pairsmith.values import Case, Claim, Image, Response, Sample, Verdict, user


class JudgeContract(ComponentContract):
    """For components of ``pairsmith_judges``. Override ``make_cases`` where a judge needs real images or a truth."""

    kind: ClassVar[Kind] = "judges"

    def make_cases(self, tmp_path: Path, aspects: tuple[str, ...] | None) -> list[Case]:
        """Return three samples with two responses each, and a claim per response where the judge sees claims."""
        cases = []
        for number, text in enumerate(["A cat.", "Two dogs on a sofa.", "No animal is there."]):
            image = Image(path=tmp_path / f"{number}.png", id=str(number))
            sample = Sample(id=f"s{number}", images=(image,), prompt=user("Describe the image."))
            responses = tuple(
                Response(id=f"s{number}/{k}", sample_id=sample.id, text=text + " Indeed." * k) for k in range(2)
            )
            aspect = (aspects or ("object",))[0] if aspects != () else None
            claims = tuple(
                Claim(id=f"{response.id}#0", response_id=response.id, aspect=aspect, text=response.text)
                for response in responses
                if aspect is not None
            )
            cases.append(Case(sample=sample, responses=responses, claims=claims))
        return cases

    @pytest.fixture
    def cases(self, component: Any, tmp_path: Path) -> list[Case]:
        """What the judge is shown."""
        return self.make_cases(tmp_path, component.aspects)

    def test_each_case_gets_its_verdicts_in_order(self, component: Any, cases: list[Case]) -> None:
        """A verdict that strays to another sample's answer would be believed."""
        given = component.judge(cases)
        assert len(given) == len(cases)
        for case, verdicts in zip(cases, given, strict=True):
            assert all(isinstance(verdict, Verdict) for verdict in verdicts)
            asked = {claim.id for claim in case.claims} or {response.id for response in case.responses}
            about = [verdict.claim_id if case.claims else verdict.response_id for verdict in verdicts]
            assert sorted(map(str, about)) == sorted(asked)

    def test_a_verdict_names_the_response_of_its_claim(self, component: Any, cases: list[Case]) -> None:
        """Scores are added up by response."""
        owner = {claim.id: claim.response_id for case in cases for claim in case.claims}
        for verdicts in component.judge(cases):
            assert all(verdict.response_id == owner.get(verdict.claim_id, verdict.response_id) for verdict in verdicts)

    def test_nothing_is_judged_where_nothing_is_asked(self, component: Any) -> None:
        """A part may be empty."""
        assert list(component.judge([])) == []

    def test_how_many_are_asked_together_changes_nothing(self, component: Any, cases: list[Case]) -> None:
        """Otherwise a verdict would depend on how a run was cut into parts."""
        together = [list(verdicts) for verdicts in component.judge(cases)]
        assert together == [list(component.judge([case])[0]) for case in cases]

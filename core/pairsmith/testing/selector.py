"""What every pair selector must do."""

from collections.abc import Sequence
from typing import Any, ClassVar

import pytest

from pairsmith.interfaces import Kind
from pairsmith.testing.component import ComponentContract
from pairsmith.values import Claim, Judged, Response, Sample, Verdict, user


class PairSelectorContract(ComponentContract):
    """For components of ``pairsmith_pair_selectors``: shown four answers with none, one, two and three false claims."""

    kind: ClassVar[Kind] = "pair_selectors"

    def make_judged(self) -> Judged:
        """Return a judged sample."""
        sample = Sample(id="s", prompt=user("?"))
        labels: Sequence[Any] = ("chosen", "", "", "rejected")
        responses = tuple(
            Response(id=f"s/{k}", sample_id="s", text=f"answer number {k}", label=label)
            for k, label in enumerate(labels)
        )
        claims = tuple(
            Claim(id=f"s/{k}#{n}", response_id=f"s/{k}", aspect="object", text=f"claim {n}")
            for k in range(4)
            for n in range(3)
        )
        verdicts = tuple(
            Verdict(
                judge="j",
                response_id=claim.response_id,
                claim_id=claim.id,
                outcome="contradicted" if int(claim.id[-1]) < int(claim.response_id[-1]) else "supported",
            )
            for claim in claims
        )
        return Judged(sample=sample, responses=responses, claims=claims, verdicts=verdicts)

    @pytest.fixture
    def judged(self) -> Judged:
        """What is selected from."""
        return self.make_judged()

    def test_it_selects_something_of_the_sample(self, component: Any, judged: Judged) -> None:
        """Both sides are answers of the sample, and not the same one."""
        selected = component.select(judged, seed=3)
        assert selected
        ids = {response.id for response in judged.responses}
        for value in selected:
            assert value.sample == judged.sample
            assert value.chosen.id in ids
            if hasattr(value, "rejected"):
                assert value.rejected.id in ids - {value.chosen.id}

    def test_ids_are_unique(self, component: Any, judged: Judged) -> None:
        """Reference log-probabilities are kept by id."""
        ids = [value.id for value in component.select(judged, seed=3)]
        assert len(ids) == len(set(ids))

    def test_the_same_seed_selects_the_same(self, component: Any, judged: Judged) -> None:
        """A part that is made again must come out the same."""
        assert list(component.select(judged, seed=5)) == list(component.select(judged, seed=5))

    def test_nothing_comes_of_nothing(self, component: Any) -> None:
        """A sample may have no response."""
        assert list(component.select(Judged(sample=Sample(id="s", prompt=user("?")), responses=()), seed=0)) == []

"""Every loss, with its defaults and with the options that change its shape, does what a loss must."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pairsmith.interfaces import Run
from pairsmith.registry import Registry
from pairsmith.testing import LossContract, make_run
from pairsmith.within import builder
from pairsmith_losses import _LOSSES

MORE: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("sft", {"reduction": "item"}),
    ("dpo", {"nll": 1.0, "tail": 0.5}),
    ("dpo", {"link": "hinge"}),
    ("dpo", {"link": "ipo"}),
    ("dpo", {"link": "robust", "smoothing": 0.1}),
    ("dpo", {"link": "exo", "smoothing": 0.1}),
    ("dpo", {"link": "discopop", "log_probs": "mean"}),
    ("slic", {"nll": 0.1, "margin": 9.0}),
    ("kto", {"reference_point": "zero", "desirable": 2.0}),
    ("bco", {"shift": "zero"}),
    ("ddpo", {"log_probs": "sum"}),
    ("chip", {"combine": "sum"}),
    ("chip", {"image": 0.0, "token": 0.0}),
    ("v-dpo", {"guidance": 1.0}),
    ("symmpo", {"symmetric": 0.0, "consistency": 0.0}),
    ("symmpo", {"symmetric": 0.0, "consistency": 0.0, "anchor": 0.0}),
    ("mcm-dpo", {"combine": "sum"}),
)
TERMS = ({"use": "mdpo"}, {"use": "tdpo", "weight": 0.5}, {"use": "sft", "weight": 0.1}, {"use": "dpo", "link": "ipo"})
CASES = (*((name, {}) for name, *_ in _LOSSES if name != "sum"), *MORE, ("sum", {"terms": TERMS}))


@pytest.mark.parametrize(
    ("name", "options"), CASES, ids=[f"{name} {options}" for name, options in CASES], scope="class"
)
class TestLosses(LossContract):
    test_listing_it_is_light = None  # once for all, below

    @pytest.fixture(autouse=True)
    def case(self, name: str, options: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(type(self), "name", f"pairsmith-losses/{name}", raising=False)
        monkeypatch.setattr(type(self), "options", options)

    @pytest.fixture
    def offer(self, case: None):
        return Registry.discover().find("losses", self.name)

    def make_run(self, tmp_path: Path) -> Run:
        run = make_run(tmp_path / "run", component=builder(Registry.discover(), lambda: run))
        return run


class TestListing(LossContract):
    name = "pairsmith-losses/sft"

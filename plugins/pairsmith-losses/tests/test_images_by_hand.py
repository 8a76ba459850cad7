"""The losses that compare images, and the weighted sum, on numbers small enough to work out with a pencil."""

from math import exp, log
from pathlib import Path
from typing import Any

import pytest
import torch

from pairsmith.errors import ComponentNotFoundError, OptionsError
from pairsmith.interfaces import LogProbs, Run
from pairsmith.registry import Registry
from pairsmith.testing import make_run
from pairsmith.values import Cell
from pairsmith.within import builder

CHOSEN, REJECTED = Cell("chosen"), Cell("rejected")
OTHER_IMAGE, OTHER_ANSWER = Cell("chosen", image="corrupted"), Cell("rejected", image="corrupted")
LN2 = log(2)


def run() -> Run:
    made = make_run(Path("unused"), component=builder(Registry.discover(), lambda: made))
    return made


def loss(name: str, **options: Any) -> Any:
    component = Registry.discover().find("losses", f"pairsmith-losses/{name}").component
    return component.build(component.options_class(**options), run())


def of(*values: float, ids: list[int] | None = None, kl: float = 0.0) -> LogProbs:
    row = torch.tensor([values], dtype=torch.float64)
    places = torch.tensor([ids or list(range(len(values)))])
    return LogProbs(row, torch.ones_like(row, dtype=torch.bool), places, torch.full_like(row, kl / len(values)))


def s(x: float) -> float:
    return 1 / (1 + exp(-x))


def value(name: str, policy: dict[Cell, LogProbs], reference: dict[Cell, LogProbs], **options: Any) -> float:
    return loss(name, **options)(policy, reference).loss.item()


# Shared: three tokens; changed: one of the chosen answer, two of the rejected. The reference is 0 everywhere.
POLICY = {
    CHOSEN: of(-1.0, -1.0, -1.0, -2.0, ids=[1, 2, 3, 4], kl=0.5),
    REJECTED: of(-1.0, -1.0, -1.0, -3.0, -1.0, ids=[1, 2, 3, 8, 9], kl=1.5),
    OTHER_IMAGE: of(-2.0, -1.0, -1.0, -4.0, ids=[1, 2, 3, 4], kl=7.0),
    OTHER_ANSWER: of(-1.0, -1.0, -1.0, -1.0, -0.5, ids=[1, 2, 3, 8, 9], kl=7.0),
}
REFERENCE = {cell: of(*[0.0] * one.tokens.shape[1]) for cell, one in POLICY.items()}
# So h is -5, -7, -8 and -4.5; with weight 4 on what is changed -11, -19, -20.


def test_chip_by_hand() -> None:
    joint = value("chip", POLICY, REFERENCE, beta=0.1, token=0.5, image=2.0)
    assert joint == pytest.approx(-log(s(0.1 * (8.0 + 2 * 9.0 - 0.5 * 1.0))))
    summed = value("chip", POLICY, REFERENCE, beta=0.1, token=0.5, image=2.0, segment=3.0, combine="sum")
    terms = -log(s(0.2)) - 2 * log(s(0.3)) - 3 * log(s(0.8)) + 0.5 * 0.1 * 1.0
    assert summed == pytest.approx(terms)


def test_chip_at_the_reference() -> None:
    same = {cell: of(-1.0, -2.0) for cell in POLICY}
    assert value("chip", same, same) == pytest.approx(LN2)
    assert value("chip", same, same, combine="sum", segment=0.5) == pytest.approx(2.5 * LN2)


@pytest.mark.parametrize("combine", ["joint", "sum"])
def test_chip_without_its_own_terms_is_dpo(combine: str) -> None:
    chip = loss("chip", image=0.0, token=0.0, segment=0.0, weight=1.0, combine=combine)
    assert chip.cells == (CHOSEN, REJECTED)
    assert not chip.uses_kl
    assert chip(POLICY, REFERENCE).loss.item() == pytest.approx(value("dpo", POLICY, REFERENCE))


def test_v_dpo_by_hand() -> None:
    # 2 h(m, y) - h(m0, y) is -2 for the chosen answer and -9.5 for the rejected.
    assert value("v-dpo", POLICY, REFERENCE, guidance=2.0) == pytest.approx(-log(s(0.1 * 7.5)))
    assert value("v-dpo", POLICY, POLICY, guidance=2.0) == pytest.approx(LN2)


def test_v_dpo_without_guidance_is_dpo() -> None:
    assert loss("v-dpo", guidance=1.0).cells == (CHOSEN, REJECTED)
    assert value("v-dpo", POLICY, REFERENCE, guidance=1.0) == value("dpo", POLICY, REFERENCE)


def test_symmpo_by_hand() -> None:
    # d1 = -5 + 7 = 2 and d2 = -4.5 + 8 = 3.5.
    found = value("symmpo", POLICY, REFERENCE, symmetric=0.5, anchor=2.0, consistency=0.01)
    symmetric = 0.5 * (-log(s(0.2)) - log(s(0.35)))
    anchors = 2 * (-log(s(-0.5)) - log(s(-0.45)))
    assert found == pytest.approx(-log(s(0.2)) + symmetric + anchors + 0.01 * 1.5**2)


def test_symmpo_at_the_reference_and_without_its_own_terms() -> None:
    assert value("symmpo", POLICY, POLICY, symmetric=0.5, anchor=2.0) == pytest.approx((1 + 1 + 4) * LN2)
    plain = loss("symmpo", symmetric=0.0, anchor=0.0, consistency=0.0)
    assert plain.cells == (CHOSEN, REJECTED)
    assert plain(POLICY, REFERENCE).loss.item() == value("dpo", POLICY, REFERENCE)


def test_a_sum_is_the_sum_of_its_terms() -> None:
    terms = ({"use": "dpo", "weight": 0.8}, {"use": "bco", "weight": 0.2, "beta": 0.3}, {"use": "sft"})
    expected = (
        0.8 * value("dpo", POLICY, REFERENCE)
        + 0.2 * value("bco", POLICY, REFERENCE, beta=0.3)
        + loss("sft")(POLICY, {}).loss.item()
    )
    found = loss("sum", terms=terms)(POLICY, REFERENCE)
    assert found.loss.item() == pytest.approx(expected)
    assert found.metrics["loss/bco"].item() == pytest.approx(value("bco", POLICY, REFERENCE, beta=0.3))


def test_a_sum_asks_for_what_its_terms_ask_for_once() -> None:
    both = loss("sum", terms=({"use": "sft"}, {"use": "mdpo"}, {"use": "mdpo"}, {"use": "tdpo"}))
    assert both.cells == (CHOSEN, REJECTED, OTHER_IMAGE)
    assert both.uses_reference
    assert both.uses_kl
    assert {"loss/mdpo", "loss/mdpo#2"} <= set(both(POLICY, REFERENCE).metrics)
    alone = loss("sum", terms=({"use": "sft"}, {"use": "simpo"}))
    assert not alone.uses_reference
    assert not alone.uses_kl


def test_a_sum_of_one_is_that_loss() -> None:
    assert value("sum", POLICY, REFERENCE, terms=({"use": "dpo"},)) == value("dpo", POLICY, REFERENCE)


def test_what_is_wrong_with_a_term_is_said_with_its_place() -> None:
    with pytest.raises(ComponentNotFoundError, match=r"loss\.terms\[1\]\.use: .*'dop'"):
        loss("sum", terms=({"use": "dpo"}, {"use": "dop"}))
    with pytest.raises(OptionsError, match=r"loss\.terms\[0\]\.beta"):
        loss("sum", terms=({"use": "dpo", "beta": -1.0},))


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ((), r"'terms' needs at least one table \[\[loss\.terms\]\]"),
        (({"weight": 1.0},), r"terms\[0\] needs use = \"NAME\""),
        (({"use": "dpo", "weight": -1},), r"terms\[0\]\.weight must be a number above 0: -1"),
    ],
)
def test_a_sum_that_cannot_be_meant_is_refused(terms: tuple[Any, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        loss("sum", terms=terms)

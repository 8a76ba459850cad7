"""The losses of answers on numbers small enough to work out with a pencil, with what they are at the reference."""

from math import exp, log
from pathlib import Path
from typing import Any

import pytest
import torch

from pairsmith.errors import PluginError
from pairsmith.interfaces import LogProbs
from pairsmith.registry import Registry
from pairsmith.testing import make_run
from pairsmith.values import Cell
from pairsmith_losses.segments import changed

CHOSEN, REJECTED = Cell("chosen"), Cell("rejected")
LN2 = log(2)


def loss(name: str, **options: Any) -> Any:
    component = Registry.discover().find("losses", f"pairsmith-losses/{name}").component
    return component.build(component.options_class(**options), make_run(Path("unused")))


def tokens(*rows: list[float], ids: list[list[int]] | None = None, kl: list[list[float]] | None = None) -> LogProbs:
    """Log-probabilities of the tokens of answers, which may differ in length."""
    longest = max(map(len, rows))
    padded = torch.tensor([row + [0.0] * (longest - len(row)) for row in rows], dtype=torch.float64)
    mask = torch.tensor([[k < len(row) for k in range(longest)] for row in rows])
    return LogProbs(
        padded,
        mask,
        None if ids is None else torch.tensor([row + [-1] * (longest - len(row)) for row in ids]),
        None if kl is None else torch.tensor([row + [9.0] * (longest - len(row)) for row in kl], dtype=torch.float64),
    )


def pair(chosen: LogProbs, rejected: LogProbs) -> dict[Cell, LogProbs]:
    return {CHOSEN: chosen, REJECTED: rejected}


def s(x: float) -> float:
    return 1 / (1 + exp(-x))


def value(name: str, policy: dict[Cell, LogProbs], reference: dict[Cell, LogProbs], **options: Any) -> float:
    return loss(name, **options)(policy, reference).loss.mean().item()


# The chosen answer gained 1 nat in 2 tokens and the rejected lost 3 in 3: with beta 0.5 the rewards are 0.5 and -1.5.
POLICY = pair(tokens([-1.0, -2.0]), tokens([-2.0, -2.0, -3.0]))
REFERENCE = pair(tokens([-2.0, -2.0]), tokens([-1.0, -1.0, -2.0]))


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("dpo", {}, -log(s(2.0))),
        ("dpo", {"smoothing": 0.1}, -0.9 * log(s(2.0)) - 0.1 * log(s(-2.0))),
        ("dpo", {"link": "robust", "smoothing": 0.1}, (-0.9 * log(s(2.0)) + 0.1 * log(s(-2.0))) / 0.8),
        ("dpo", {"link": "hinge"}, 0.0),
        ("dpo", {"link": "ipo"}, (0.5 + 1.0 - 1.0) ** 2),
        ("dpo", {"link": "ipo", "log_probs": "sum"}, (4.0 - 1.0) ** 2),
        (
            "dpo",
            {"link": "exo", "smoothing": 0.1},
            s(2.0) * log(s(2.0) / 0.9) + s(-2.0) * log(s(-2.0) / 0.1),
        ),
        ("dpo", {"link": "discopop"}, -(1 - s(40.0)) * log(s(2.0)) + s(40.0) * exp(-2.0)),
        ("dpo", {"log_probs": "mean"}, -log(s(0.5 * 1.5))),
        ("dpo", {"nll": 2.0}, -log(s(2.0)) + 2 * 1.5),
        # The rejected answer's third token lost 1 nat; of it a quarter counts.
        ("dpo", {"tail": 0.25}, -log(s(0.5 * (1.0 + 2.25)))),
        ("dpop", {}, -log(s(2.0))),
        ("kto", {"reference_point": "zero"}, (1 - s(0.5) + 1 - s(1.5)) / 2),
        ("kto", {"reference_point": "zero", "desirable": 2.0, "undesirable": 3.0}, (2 * s(-0.5) + 3 * s(-1.5)) / 2),
        # The mean reward is -0.5: KTO's reference point is at least 0, BCO's shift is not.
        ("kto", {}, (1 - s(0.5) + 1 - s(1.5)) / 2),
        ("bco", {}, -log(s(1.0)) - log(s(1.0))),
        ("bco", {"shift": "zero"}, -log(s(0.5)) - log(s(1.5))),
        ("apo-zero", {}, 1 - s(0.5) + s(-1.5)),
        ("apo-down", {}, s(0.5) + 1 - s(2.0)),
        ("nca", {}, -log(s(0.5)) - (log(s(-0.5)) + log(s(1.5))) / 2),
        ("sppo", {}, (1.0 - 1.0) ** 2 + (-3.0 + 1.0) ** 2),
    ],
)
def test_by_hand(name: str, options: dict[str, Any], expected: float) -> None:
    assert value(name, POLICY, REFERENCE, beta=0.5, **options) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("dpo", {"smoothing": 0.2}, LN2),
        ("dpo", {"link": "robust", "smoothing": 0.2}, LN2),
        ("dpo", {"link": "hinge"}, 1.0),
        ("dpo", {"link": "ipo", "beta": 0.5}, 1.0),
        ("dpo", {"link": "exo", "smoothing": 0.2}, -LN2 - log(0.2 * 0.8) / 2),
        ("dpo", {"link": "discopop"}, (1 + LN2) / 2),
        ("dpo", {"tail": 0.5, "log_probs": "mean"}, LN2),
        ("dpop", {}, LN2),
        ("ddpo", {}, LN2),
        ("tdpo", {}, LN2),
        ("kto", {"desirable": 1.0, "undesirable": 2.0}, 0.75),
        ("bco", {}, 2 * LN2),
        ("apo-zero", {}, 1.0),
        ("apo-down", {}, 1.0),
        ("nca", {}, 2 * LN2),
        ("sppo", {"beta": 0.5}, 2.0),
    ],
)
def test_where_policy_and_reference_are_one(name: str, options: dict[str, Any], expected: float) -> None:
    chosen = tokens([-1.0, -2.0], ids=[[1, 2]], kl=[[0.0, 0.0]])
    same = pair(chosen, tokens([-2.0, -2.0, -3.0], ids=[[3, 4, 5]], kl=[[0.0] * 3]))
    assert value(name, same, same, **options) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("name", "options"),
    [("dpo", {"tail": 1.0}), ("dpop", {"penalty": 0.0}), ("ddpo", {"weight": 1.0, "log_probs": "sum"})],
)
def test_what_reduces_to_dpo(name: str, options: dict[str, Any]) -> None:
    policy = pair(tokens([-3.0, -2.0], ids=[[1, 2]]), tokens([-2.0, -2.0, -3.0], ids=[[3, 4, 5]]))
    assert value(name, policy, REFERENCE, beta=0.5, **options) == value("dpo", policy, REFERENCE, beta=0.5)


def test_kto_at_a_reference_point_of_0_is_half_of_apo_zero() -> None:
    kto = value("kto", POLICY, REFERENCE, reference_point="zero")
    assert kto == pytest.approx(value("apo-zero", POLICY, REFERENCE) / 2)


def test_dpop_charges_for_a_chosen_answer_that_became_unlikelier() -> None:
    # h_w = -1 and h_l = -3: the margin 2 loses 50 times 1.
    policy = pair(tokens([-3.0, -2.0]), POLICY[REJECTED])
    assert value("dpop", policy, REFERENCE, beta=0.1) == pytest.approx(-log(s(0.1 * (2.0 - 50.0))))


def test_the_reference_point_of_kto_and_the_shift_of_bco_are_the_batchs() -> None:
    # Rewards 2 and 0 of the chosen, 4 and -2 of the rejected: their mean is 1.
    policy = pair(tokens([2.0], [0.0]), tokens([4.0], [-2.0]))
    reference = pair(tokens([0.0], [0.0]), tokens([0.0], [0.0]))
    kto = loss("kto", beta=1.0)(policy, reference)
    assert kto.loss.tolist() == pytest.approx([(s(-1.0) + s(3.0)) / 2, (s(1.0) + s(-3.0)) / 2])
    assert kto.metrics["rewards/reference_point"].tolist() == [1.0, 1.0]
    bco = loss("bco", beta=1.0)(policy, reference)
    assert bco.loss.tolist() == pytest.approx([-log(s(1.0)) - log(s(-3.0)), -log(s(-1.0)) - log(s(3.0))])


def test_no_gradient_flows_through_the_reference_point() -> None:
    chosen = tokens([2.0], [1.0]).tokens.requires_grad_()
    policy = pair(LogProbs(chosen, torch.ones(2, 1, dtype=torch.bool)), tokens([0.0], [0.0]))
    zeros = pair(tokens([0.0], [0.0]), tokens([0.0], [0.0]))
    loss("kto", beta=1.0)(policy, zeros).loss[0].backward()
    assert chosen.grad is not None
    assert chosen.grad[:, 0].tolist() == pytest.approx([-s(1.25) * s(-1.25) / 2, 0.0])


def test_simpo_by_hand() -> None:
    # Means -1.5 and -7/3; without a margin and a reference this is DPO on means against equal references.
    assert value("simpo", POLICY, {}, beta=2.0, margin=0.5) == pytest.approx(-log(s(2 * (7 / 3 - 1.5) - 0.5)))
    flat = pair(tokens([0.0, 0.0]), tokens([0.0, 0.0, 0.0]))
    assert value("simpo", POLICY, {}, beta=2.0, margin=0.0) == value("dpo", POLICY, flat, beta=2.0, log_probs="mean")


def test_simpo_of_answers_equally_likely_is_the_margins() -> None:
    equal = pair(tokens([-1.0]), tokens([-1.0, -1.0]))
    assert value("simpo", equal, {}, margin=0.7) == pytest.approx(-log(s(-0.7)))


def test_orpo_by_hand() -> None:
    # Probabilities of a token 1/2 and 1/4, so odds 1 and 1/3.
    policy = pair(tokens([log(0.5), log(0.5)]), tokens([log(0.25)]))
    assert value("orpo", policy, {}, weight=0.2) == pytest.approx(LN2 - 0.2 * log(s(log(3.0))))
    equal = pair(policy[CHOSEN], policy[CHOSEN])
    assert value("orpo", equal, {}, weight=0.2) == pytest.approx(LN2 + 0.2 * LN2)


def test_orpo_of_a_certain_answer_is_finite() -> None:
    certain = LogProbs(torch.zeros(1, 2, requires_grad=True), torch.ones(1, 2, dtype=torch.bool))
    found = loss("orpo")(pair(certain, tokens([-1.0])), {}).loss
    found.sum().backward()
    assert found.isfinite().all()
    assert certain.tokens.grad is not None
    assert certain.tokens.grad.isfinite().all()


def test_slic_by_hand() -> None:
    # The chosen answer is 4 nats likelier: too little by 1 for a margin of 5, enough for one of 3.
    assert value("slic", POLICY, {}, margin=5.0) == pytest.approx(1.0)
    assert value("slic", POLICY, {}, margin=3.0, nll=0.5) == pytest.approx(0.5 * 1.5)
    assert value("slic", pair(POLICY[CHOSEN], POLICY[CHOSEN]), {}, margin=3.0) == 3.0


# Shared: the first three tokens. Changed: the fourth of the chosen, the fourth and fifth of the rejected.
DENSE = pair(
    tokens([-1.0, -1.0, -1.0, -2.0], ids=[[1, 2, 3, 4]]),
    tokens([-1.0, -1.0, -1.0, -3.0, -1.0], ids=[[1, 2, 3, 8, 9]]),
)
FLAT = pair(tokens([0.0] * 4), tokens([0.0] * 5))


def test_ddpo_by_hand() -> None:
    chosen, rejected = -(3 + 5 * 2), -(3 + 5 * 4)
    assert value("ddpo", DENSE, FLAT, beta=0.5) == pytest.approx(-log(s(0.5 * (chosen / 8 - rejected / 13))))
    summed = value("ddpo", DENSE, FLAT, beta=0.5, log_probs="sum")
    assert summed == pytest.approx(-log(s(0.5 * (chosen - rejected))))


def test_ddpo_without_weight_is_dpo_of_means() -> None:
    assert value("ddpo", DENSE, FLAT, beta=0.5, weight=1.0) == pytest.approx(
        value("dpo", DENSE, FLAT, beta=0.5, log_probs="mean")
    )


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ([1, 2, 3], [1, 2, 3], ([], [])),
        ([1, 2, 3], [4, 5], ([0, 1, 2], [0, 1])),
        ([1, 2, 7, 8, 9], [1, 2, 6, 7, 8, 9], ([0, 1], [0, 1, 2])),
        ([], [1], ([], [0])),
    ],
)
def test_fewer_than_three_tokens_in_a_row_are_not_shared(one: list[int], other: list[int], expected: Any) -> None:
    assert changed(one, other) == expected


def test_segments_need_tokens() -> None:
    with pytest.raises(PluginError, match="the trainer gave none"):
        value("ddpo", POLICY, REFERENCE)


def test_tdpo_by_hand() -> None:
    # Rewards 0.5 and -1.5 as above; divergences 0.3 and 0.9, the padding's left out.
    policy = pair(
        tokens([-1.0, -2.0], [-1.0], kl=[[0.1, 0.2], [0.4]]), tokens([-2.0, -2.0, -3.0], [-1.0], kl=[[0.3] * 3, [0.1]])
    )
    reference = pair(tokens([-2.0, -2.0], [-1.0]), tokens([-1.0, -1.0, -2.0], [-1.0]))
    found = loss("tdpo", beta=0.5, alpha=0.4)(policy, reference).loss
    assert found.tolist() == pytest.approx([-log(s(2.0 - 0.4 * 0.5 * 0.6)), -log(s(0.4 * 0.5 * 0.3))])


def test_the_chosen_answers_divergence_is_not_trained() -> None:
    kept = torch.tensor([[0.2]], requires_grad=True)
    moved = torch.tensor([[0.3]], requires_grad=True)
    mask = torch.ones(1, 1, dtype=torch.bool)
    policy = {CHOSEN: LogProbs(-torch.ones(1, 1), mask, kl=kept), REJECTED: LogProbs(-torch.ones(1, 1), mask, kl=moved)}
    loss("tdpo")(policy, policy).loss.sum().backward()
    assert kept.grad is None
    assert moved.grad is not None
    assert moved.grad.item() > 0, "a step makes the rejected answer's divergence smaller"


def test_tdpo_needs_divergences() -> None:
    with pytest.raises(PluginError, match="the trainer gave none"):
        value("tdpo", POLICY, REFERENCE)

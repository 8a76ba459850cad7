"""Each loss on numbers small enough to work out with a pencil."""

from math import exp, log
from pathlib import Path

import pytest
import torch

from pairsmith.interfaces import LogProbs
from pairsmith.testing import make_run
from pairsmith.values import Cell
from pairsmith_losses.dpo import Dpo
from pairsmith_losses.image_options import McmDpoOptions, MdpoOptions
from pairsmith_losses.mcm_dpo import COMPARED, McmDpo
from pairsmith_losses.mdpo import OTHER_IMAGE, Mdpo
from pairsmith_losses.options import DpoOptions, SftOptions
from pairsmith_losses.sft import Sft

RUN = make_run(Path("unused"))
CHOSEN, REJECTED = Cell("chosen"), Cell("rejected")


def of(*sums: float, tokens: int = 2) -> LogProbs:
    """Log-probabilities of responses of ``tokens`` tokens each that add up to these, with a token of padding."""
    rows = [[value / tokens] * tokens + [0.0] for value in sums]
    mask = torch.tensor([[True] * tokens + [False]] * len(sums))
    return LogProbs(torch.tensor(rows, dtype=torch.float64), mask)


def softplus(x: float) -> float:
    """-log sigmoid(-x)."""
    return log(1 + exp(x))


def test_dpo_by_hand() -> None:
    # rewards: 0.5 * (-3 + 4) = 0.5 and 0.5 * (-6 + 5) = -0.5, so the margin is 1.
    policy, reference = {CHOSEN: of(-3.0), REJECTED: of(-6.0)}, {CHOSEN: of(-4.0), REJECTED: of(-5.0)}
    terms = Dpo(DpoOptions(beta=0.5), RUN)(policy, reference)
    assert terms.loss.item() == pytest.approx(softplus(-1.0))
    assert terms.metrics["rewards/chosen"].item() == pytest.approx(0.5)
    assert terms.metrics["rewards/margin"].item() == pytest.approx(1.0)
    assert terms.metrics["rewards/accuracy"].item() == 1.0


def test_the_likelihood_is_of_a_token_of_each_answer_alone() -> None:
    policy = {CHOSEN: of(-3.0, -1.0), REJECTED: of(-6.0, -6.0)}
    plain = Dpo(DpoOptions(), RUN)(policy, policy).loss
    with_it = Dpo(DpoOptions(nll=2.0), RUN)(policy, policy).loss
    assert (with_it - plain).tolist() == pytest.approx([2 * 1.5, 2 * 0.5])


def test_dpo_is_ln_2_at_the_reference() -> None:
    policy = {CHOSEN: of(-3.0), REJECTED: of(-6.0)}
    assert Dpo(DpoOptions(), RUN)(policy, policy).loss.item() == pytest.approx(log(2))


def test_equal_rewards_are_not_accurate() -> None:
    policy = {CHOSEN: of(-3.0), REJECTED: of(-6.0)}
    assert Dpo(DpoOptions(), RUN)(policy, policy).metrics["rewards/accuracy"].item() == 0.0


def test_sft_by_hand() -> None:
    policy = {CHOSEN: LogProbs(torch.tensor([[-1.0, 0.0], [-2.0, -3.0]]), torch.tensor([[True, False], [True, True]]))}
    by_token = Sft(SftOptions(), RUN)(policy, {}).loss
    by_item = Sft(SftOptions(reduction="item"), RUN)(policy, {}).loss
    assert by_token.mean().item() == pytest.approx((1 + 2 + 3) / 3)
    assert by_item.tolist() == pytest.approx([1.0, 2.5])


def test_mdpo_by_hand() -> None:
    # With beta 1 and a reference of zeros the rewards are -1, -3 and -2.
    policy = {CHOSEN: of(-1.0), REJECTED: of(-3.0), OTHER_IMAGE: of(-2.0)}
    reference = dict.fromkeys(policy, of(0.0))
    loss = Mdpo(MdpoOptions(beta=1.0), RUN)(policy, reference).loss.item()
    assert loss == pytest.approx(softplus(-2.0) + softplus(-1.0) + softplus(1.0))


def test_mdpo_without_its_own_terms_is_dpo() -> None:
    policy = {CHOSEN: of(-1.0), REJECTED: of(-3.0), OTHER_IMAGE: of(-2.0)}
    reference = {CHOSEN: of(-2.0), REJECTED: of(-2.5), OTHER_IMAGE: of(-9.0)}
    mdpo = Mdpo(MdpoOptions(image=0.0, anchor=0.0), RUN)(policy, reference).loss
    assert mdpo.item() == Dpo(DpoOptions(), RUN)(policy, reference).loss.item()


def test_mdpo_is_three_ln_2_at_the_reference() -> None:
    policy = {CHOSEN: of(-1.0), REJECTED: of(-3.0), OTHER_IMAGE: of(-2.0)}
    assert Mdpo(MdpoOptions(), RUN)(policy, policy).loss.item() == pytest.approx(3 * log(2))


def corners() -> tuple[dict[Cell, LogProbs], dict[Cell, LogProbs], list[float]]:
    """The chosen answer's reward is 0 and the k-th corner's is -k, so the margins are 1 to 7."""
    margins = [float(k) for k in range(1, 8)]
    policy = {CHOSEN: of(0.0), **{cell: of(-margin) for cell, margin in zip(COMPARED, margins, strict=True)}}
    return policy, dict.fromkeys(policy, of(0.0)), margins


def test_mcm_dpo_by_hand() -> None:
    policy, reference, margins = corners()
    weights = (1.0, 0.5, 0.5, 0.2, 0.2, 0.2, 0.2)
    mean = sum(weight * margin for weight, margin in zip(weights, margins, strict=True)) / 2.8
    joint = McmDpo(McmDpoOptions(beta=1.0), RUN)(policy, reference).loss.item()
    assert joint == pytest.approx(softplus(-mean))
    summed = McmDpo(McmDpoOptions(beta=1.0, combine="sum"), RUN)(policy, reference).loss.item()
    expected = sum(weight * softplus(-margin) for weight, margin in zip(weights, margins, strict=True)) / 2.8
    assert summed == pytest.approx(expected)


@pytest.mark.parametrize("combine", ["joint", "sum"])
def test_mcm_dpo_is_ln_2_at_the_reference(combine: str) -> None:
    policy, _, _ = corners()
    loss = McmDpo(McmDpoOptions(combine=combine), RUN)(policy, policy).loss.item()
    assert loss == pytest.approx(log(2))


@pytest.mark.parametrize("combine", ["joint", "sum"])
def test_mcm_dpo_with_one_weight_is_dpo(combine: str) -> None:
    policy, reference, _ = corners()
    loss = McmDpo(McmDpoOptions(weights=(1, 0, 0, 0, 0, 0, 0), combine=combine), RUN)
    assert loss.cells == (CHOSEN, REJECTED)
    assert loss(policy, reference).loss.item() == pytest.approx(Dpo(DpoOptions(), RUN)(policy, reference).loss.item())


def test_what_has_no_weight_is_not_asked_for() -> None:
    loss = McmDpo(McmDpoOptions(weights=(1, 0.5, 0, 0, 0, 0, 0)), RUN)
    assert [str(cell) for cell in loss.cells] == [
        "chosen|image=original|context=original",
        "rejected|image=original|context=original",
        "chosen|image=corrupted|context=original",
    ]

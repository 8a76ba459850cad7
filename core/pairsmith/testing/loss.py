"""What every loss must do."""

from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

from pairsmith.interfaces import Kind, LogProbs
from pairsmith.testing.component import ComponentContract
from pairsmith.values import Cell


def log_probs(cells: tuple[Cell, ...], seed: int, *, items: int = 5) -> dict[Cell, LogProbs]:
    """Return random log-probabilities of answers of different lengths, ``[items, 7]``, that gradients flow to.

    Ids and divergences are random as well, and are given whether a loss asks for them or not.
    """
    torch = pytest.importorskip("torch")

    dice = torch.Generator().manual_seed(seed)
    made = {}
    for cell in cells:
        lengths = torch.randint(1, 8, (items, 1), generator=torch.Generator().manual_seed(len(str(cell))))
        mask = torch.arange(7)[None] < lengths
        tokens = -torch.rand(items, 7, generator=dice, dtype=torch.float64) * mask
        ids = torch.randint(0, 3, (items, 7), generator=dice).masked_fill(~mask, -1)
        kl = torch.rand(items, 7, generator=dice, dtype=torch.float64) * mask
        made[cell] = LogProbs(tokens.requires_grad_(), mask, ids, kl)
    return made


def _rows(values: Mapping[Cell, LogProbs], order: list[int]) -> dict[Cell, LogProbs]:
    def rows(tensor: Any) -> Any:
        return None if tensor is None else tensor[order]

    return {
        cell: LogProbs(rows(one.tokens), rows(one.mask), rows(one.ids), rows(one.kl)) for cell, one in values.items()
    }


class LossContract(ComponentContract):
    """For components of ``pairsmith_losses``. Needs torch."""

    kind: ClassVar[Kind] = "losses"

    def test_it_says_what_it_needs(self, component: Any) -> None:
        """Cells are distinct, and begin with the chosen answer as it is."""
        assert component.cells
        assert len(set(component.cells)) == len(component.cells)
        assert Cell("chosen") in component.cells

    def test_every_item_has_a_finite_loss(self, component: Any) -> None:
        """``[B]``, and so is what is watched."""
        terms = component(log_probs(component.cells, 1), log_probs(component.cells, 2))
        assert terms.loss.shape == (5,)
        assert terms.loss.isfinite().all()
        assert all(value.shape == (5,) and not value.requires_grad for value in terms.metrics.values())

    def test_gradients_reach_every_cell(self, component: Any) -> None:
        """A cell that the loss does not read should not have been asked for."""
        policy = log_probs(component.cells, 1)
        component(policy, log_probs(component.cells, 2)).loss.sum().backward()
        unused = [str(cell) for cell, one in policy.items() if one.tokens.grad is None or not one.tokens.grad.any()]
        assert not unused, f"no gradient reaches {unused}"

    def test_the_reference_is_not_trained(self, component: Any) -> None:
        """It is a number, not a parameter: the same loss with and without its gradient."""
        policy, reference = log_probs(component.cells, 1), log_probs(component.cells, 2)
        detached = {cell: LogProbs(one.tokens.detach(), one.mask) for cell, one in reference.items()}
        assert (component(policy, reference).loss == component(policy, detached).loss).all()

    def test_the_order_of_items_does_not_matter(self, component: Any) -> None:
        """Shuffled items have shuffled losses."""
        policy, reference = log_probs(component.cells, 1), log_probs(component.cells, 2)
        order = [3, 1, 4, 0, 2]
        straight = component(policy, reference).loss[order]
        assert (straight - component(_rows(policy, order), _rows(reference, order)).loss).abs().max() < 1e-12

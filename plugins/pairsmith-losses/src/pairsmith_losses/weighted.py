"""A weighted sum of losses."""

from collections.abc import Mapping

from torch import Tensor

from pairsmith.interfaces import LogProbs, Loss, LossTerms, Run
from pairsmith.values import Cell
from pairsmith_losses.options import SumOptions
from pairsmith_losses.rewards import CHOSEN


class Sum:
    """``sum_k weight_k * loss_k``: MPO of InternVL (arXiv 2411.10442) is 0.8 DPO + 0.2 BCO + 1 SFT.

    Its cells are those of all its terms, each computed once; each term sees its own alone. What is watched is every
    term's value, ``loss/NAME``, and what the terms watch, the first one's where several do.
    """

    def __init__(self, options: SumOptions, run: Run) -> None:
        """Build the terms."""
        self._terms: list[tuple[str, float, Loss]] = []
        for number, table in enumerate(options.terms):
            rest = {name: value for name, value in table.items() if name != "weight"}
            loss: Loss = run.component("losses", rest, f"loss.terms[{number}]")()
            taken = sum(name.partition("#")[0] == rest["use"] for name, _, _ in self._terms)
            name = f"{rest['use']}#{taken + 1}" if taken else str(rest["use"])
            self._terms.append((name, float(table.get("weight", 1.0)), loss))
        asked = dict.fromkeys(cell for _, _, loss in self._terms for cell in loss.cells)
        self.cells = tuple(sorted(asked, key=lambda cell: cell != CHOSEN))
        self.uses_reference = any(loss.uses_reference for _, _, loss in self._terms)
        self.uses_kl = any(getattr(loss, "uses_kl", False) for _, _, loss in self._terms)

    def __call__(self, policy: Mapping[Cell, LogProbs], reference: Mapping[Cell, LogProbs]) -> LossTerms:
        """Return the loss of each item, ``[B]``."""
        total = None
        metrics: dict[str, Tensor] = {}
        for name, weight, loss in self._terms:
            known = {cell: reference[cell] for cell in loss.cells} if loss.uses_reference else {}
            terms = loss({cell: policy[cell] for cell in loss.cells}, known)
            total = weight * terms.loss if total is None else total + weight * terms.loss
            metrics |= {key: value for key, value in terms.metrics.items() if key not in metrics}
            metrics[f"loss/{name}"] = terms.loss.detach()
        assert total is not None
        return LossTerms(total, metrics)

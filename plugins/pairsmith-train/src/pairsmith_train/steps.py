"""The steps of a training: transformers' trainer with a loss of its own."""

from collections.abc import Mapping
from typing import Any

import torch
from transformers import Trainer

from pairsmith.interfaces import Loss
from pairsmith_train import guards
from pairsmith_train.batch import Batch, by_cell, stored
from pairsmith_train.trainable import COPY


class LossTrainer(Trainer):  # type: ignore[misc]
    """transformers' trainer with a loss of its own, and a learning rate for what is trained in full beside an adapter."""

    loss: Loss
    precision: str = "fp32"
    checked: bool = True
    """Whether the first step is still to be checked; dropout makes a policy differ from its own reference."""
    full_learning_rate: float | None = None

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:  # noqa: ANN401 - transformers' signature
        """Return transformers' optimizer, with a group of their own for the modules that are trained in full."""
        fresh = self.optimizer is None
        optimizer: torch.optim.Optimizer = super().create_optimizer(model)
        if fresh and self.full_learning_rate is not None:
            named = (self.model if model is None else model).named_parameters()
            regroup(optimizer, {id(value) for name, value in named if COPY in name}, self.full_learning_rate)
        return optimizer

    def compute_loss(
        self,
        model: torch.nn.Module,
        inputs: Batch,
        return_outputs: bool = False,  # noqa: FBT001, FBT002 - transformers' signature
        num_items_in_batch: Any = None,  # noqa: ANN401, ARG002
    ) -> Any:  # noqa: ANN401
        """Return the mean loss of a batch, and keep what is watched for the next log line."""
        flat = model(inputs)
        policy = by_cell(flat, inputs, self.loss.cells)
        reference = stored(inputs, self.loss.cells) if self.loss.uses_reference else {}
        if self.loss.uses_reference and self.checked and self.state.global_step == 0:
            guards.first_step(self.loss, policy, reference, self.precision)
        self.checked = False
        terms = self.loss(policy, reference)
        self._watch({name: float(value.float().mean()) for name, value in terms.metrics.items()})
        mean = terms.loss.mean()
        return (mean, {"log_probs": flat}) if return_outputs else mean

    def _watch(self, metrics: Mapping[str, float]) -> None:
        self.state.watched = [*getattr(self.state, "watched", []), metrics]


def regroup(optimizer: torch.optim.Optimizer, chosen: set[int], rate: float) -> None:
    """Move parameters, known by ``id``, to groups with a learning rate of their own, behind the others."""
    groups = list(optimizer.param_groups)
    optimizer.param_groups.clear()
    kept, moved = [], []
    for group in groups:
        own = [value for value in group["params"] if id(value) in chosen]
        rest = [value for value in group["params"] if id(value) not in chosen]
        if own:
            moved.append({**group, "params": own, "lr": rate})
        if rest or not own:
            kept.append({**group, "params": rest})
    optimizer.param_groups.extend([*kept, *moved])

"""The reference in a training step, for losses that compare whole distributions with it.

Stored reference log-probabilities are of the answers' tokens only; the distributions they come from are as large as the
vocabulary, for every token. So the reference is run once more beside the policy, without gradients.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from attrs import frozen
from torch import nn

from pairsmith.interfaces import ModelFamily
from pairsmith_train.batch import Batch, tree_batch
from pairsmith_train.head import Beside, plain


@frozen
class Frozen:
    """The reference: ``model``, or the trained model without its adapter where that is ``None``."""

    family: ModelFamily
    model: nn.Module | None = None

    def beside(self, trained: nn.Module, batch: Batch) -> Beside:
        """Run the reference on a batch."""
        with torch.no_grad(), self._model(trained) as model:
            hidden = self.family.hidden_states(model, tree_batch(batch))
            head = self.family.head(model)
        return Beside(hidden.flatten(0, 1)[batch["heads"]], plain(head))

    @contextmanager
    def _model(self, trained: Any) -> Iterator[nn.Module]:  # noqa: ANN401 - a peft model, whose type is not known here
        if self.model is not None:
            yield self.model
            return
        mode = trained.training
        trained.eval()  # the reference has no dropout
        try:
            with trained.disable_adapter():
                yield trained
        finally:
            trained.train(mode)

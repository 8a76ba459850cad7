"""The one module that is trained: a model, asked for log-probabilities only.

accelerate wraps this, so DDP, ZeRO and FSDP see an ordinary module with an ordinary forward, and everything that is
computed is computed inside it.
"""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn
from torch.nn.modules.module import _IncompatibleKeys

from pairsmith.interfaces import ModelFamily
from pairsmith_train.batch import Batch, tree_batch
from pairsmith_train.frozen import Frozen
from pairsmith_train.head import log_probs


class Scorer(nn.Module):
    """Returns the log-probability of every response token of a batch, ``[K]`` in float32.

    Given the reference it returns ``[K, 2]``: with each log-probability the divergence ``KL(pi_ref || pi)`` over the whole
    vocabulary at its place. The head runs only where something is predicted, and once where several cells predict the same
    at the same place.
    """

    def __init__(self, model: nn.Module, family: ModelFamily, reference: Frozen | None = None) -> None:
        """Wrap a model of a family."""
        super().__init__()
        self.model = model
        self._family = family
        self._reference = reference

    @property
    def config(self) -> Any:  # noqa: ANN401 - DeepSpeed asks for the hidden size of whatever it is
        """The model's configuration."""
        return self.model.config

    @property
    def _no_split_modules(self) -> list[str]:
        """The classes of the layers that FSDP2 gathers one at a time: accelerate asks for them by transformers' name."""
        named = getattr(self.model, "_no_split_modules", None) or ()
        there = {type(module).__name__ for module in self.model.modules()}
        return sorted(there.intersection(named))

    def forward(self, batch: Batch) -> Tensor:
        """Return the log-probabilities of ``batch["targets"]``, and the divergences where they are wanted."""
        beside = None if self._reference is None else self._reference.beside(self.model, batch)
        hidden = self._family.hidden_states(self.model, tree_batch(batch))
        places = hidden.flatten(0, 1)[batch["heads"]]
        return log_probs(self._family.head(self.model), places, batch["predicted"], beside)[batch["at"]]

    def state_dict(self, *args: Any, **kwargs: Any) -> dict[str, Any]:  # type: ignore[override]  # noqa: ANN401, ARG002 - torch's signature
        """Return what is trained and nothing else: a frozen base has no place in a checkpoint of its adapter."""
        return {name: value.detach() for name, value in self.named_parameters() if value.requires_grad}

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Any:  # noqa: ANN401, ARG002, FBT001, FBT002
        """Load what is trained. A checkpoint that lacks any of it is refused: training would go on from the base."""
        missing = sorted({name for name, value in self.named_parameters() if value.requires_grad} - set(state_dict))
        if missing:
            msg = f"the checkpoint lacks {len(missing)} of the trained weights, the first is {missing[0]!r}"
            raise RuntimeError(msg)
        super().load_state_dict(state_dict, strict=False, assign=assign)
        return _IncompatibleKeys([], [])  # what is frozen or tied to a trained weight is not missing

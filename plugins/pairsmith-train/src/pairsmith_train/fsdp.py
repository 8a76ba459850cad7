"""What FSDP2 needs that accelerate does not see to, where a model is evaluated on the way or trained in part."""

from typing import Any

import torch
from torch.distributed.fsdp import FSDPModule
from transformers import TrainerCallback

from pairsmith.errors import StageError
from pairsmith_train.scorer import Scorer


def check_layers(scorer: Scorer) -> None:
    """Refuse a model that does not name its layers: FSDP2 would gather all of it for every pass, without a word."""
    if not scorer._no_split_modules:  # noqa: SLF001 - transformers' name, see Scorer
        msg = (
            f"train.parallel = 'fsdp2' shares layers out, and {type(scorer.model).__name__} names none "
            f"(_no_split_modules); take 'zero3'"
        )
        raise StageError(msg)


def shared_out(model: torch.nn.Module) -> None:
    """Let each process hold its part again after a pass that no backward pass followed. Nothing else than FSDP2 is touched.

    FSDP2 gives what the outermost module gathered back in the backward pass, and until then neither an optimizer nor a
    checkpoint finds its parameters.
    """
    for module in model.modules():
        if isinstance(module, FSDPModule):
            module.reshard()


class StateForAll(TrainerCallback):  # type: ignore[misc]
    """Gives the optimizer a state, of zeros, for trained parameters that never get a gradient.

    A LLaVA's vision tower has layers behind the one whose features are read. torch writes a sharded optimizer without them,
    and then refuses to load it.
    """

    def on_step_end(self, args: Any, state: Any, control: Any, optimizer: Any = None, **_: Any) -> None:  # noqa: ANN401, ARG002
        """Fill in what is missing, before a checkpoint is written."""
        known: dict[torch.Tensor, dict[str, torch.Tensor]] = optimizer.state
        like: dict[str, torch.Tensor] = next(iter(known.values()), {})
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                if parameter not in known:
                    known[parameter] = {
                        name: torch.zeros_like(value if value.dim() == 0 else parameter) for name, value in like.items()
                    }

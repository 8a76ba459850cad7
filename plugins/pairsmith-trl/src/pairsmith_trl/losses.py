"""The losses that TRL computes: here stands only which of its trainers does, and with what."""

from collections.abc import Mapping
from typing import Any, ClassVar

from pairsmith.errors import StageError
from pairsmith.interfaces import LogProbs, LossTerms, Run
from pairsmith.values import Cell
from pairsmith_trl import installed
from pairsmith_trl.loss_options import DpoOptions, KtoOptions, SftOptions

CHOSEN, REJECTED = Cell("chosen"), Cell("rejected")


class TrlLoss:
    """A loss that only TRL's own trainer computes, with its own reference: no reference stage is made for it.

    ``name`` is what a recipe calls it; ``config`` and ``trainer`` are TRL's classes.
    """

    name: ClassVar[str]
    config: ClassVar[str]
    trainer: ClassVar[str]
    keeps_reference: ClassVar[bool] = True
    """Whether TRL runs a reference beside the policy."""
    cells: tuple[Cell, ...] = (CHOSEN, REJECTED)
    uses_reference = False

    def __init__(self, options: DpoOptions | KtoOptions | SftOptions, run: Run) -> None:  # noqa: ARG002
        """Take the options, and ask the installed TRL whether it knows the loss types."""
        self.options = options
        installed.check(self.config, options)

    def given(self) -> dict[str, Any]:
        """Return what TRL's configuration is given."""
        return self.options.given()

    def __call__(self, policy: Mapping[Cell, LogProbs], reference: Mapping[Cell, LogProbs]) -> LossTerms:  # noqa: ARG002
        """Refuse: TRL takes no log-probabilities, it makes them."""
        msg = f"{self.name!r} is computed by TRL's own trainer; write train.use = 'trl', or take another loss"
        raise StageError(msg)


class Dpo(TrlLoss):
    """TRL's ``DPOTrainer``."""

    name, config, trainer = "trl-dpo", "DPOConfig", "DPOTrainer"


class Kto(TrlLoss):
    """TRL's ``KTOTrainer``. A pair is two of its rows: the chosen answer is desirable, the rejected one is not."""

    name, config, trainer = "trl-kto", "KTOConfig", "KTOTrainer"

    @property
    def estimates(self) -> bool:
        """Tell whether the loss compares rewards with those of other prompts' answers, which each pass must then hold."""
        return self.options.types != ("apo_zero_unpaired",)


class Sft(TrlLoss):
    """TRL's ``SFTTrainer``, which looks at the chosen answers only."""

    name, config, trainer = "trl-sft", "SFTConfig", "SFTTrainer"
    keeps_reference = False
    cells = (CHOSEN,)

"""Options of the losses that TRL computes, by TRL's own names. Imports no model library."""

from typing import Any, Literal

from attrs import Attribute, asdict, field, frozen
from attrs.validators import ge, gt, le, optional

_SORTED = {"aot", "aot_unpaired"}
_ONE_BY_ONE = {"nca_pair", "bco_pair", "sppo_hard", "apo_zero", "apo_down", *_SORTED}
"""Loss types that are not a function of the difference of two rewards; with another divergence only that one is defined."""


def _not_empty(_: object, attribute: "Attribute[Any]", value: tuple[str, ...]) -> None:
    if not value:
        msg = f"{attribute.name!r} must name at least one of TRL's loss types"
        raise ValueError(msg)


@frozen(kw_only=True)
class DpoOptions:
    """Options of ``[loss] use = "trl-dpo"``: those of TRL's ``DPOConfig`` that say what the loss is."""

    loss_type: str | tuple[str, ...] = field(
        default=("sigmoid",),
        validator=_not_empty,
        metadata={"help": "TRL's name of the loss, or of several to be summed"},
    )
    loss_weights: tuple[float, ...] | None = field(
        default=None, metadata={"help": "the weight of each of several loss types; 1 where absent"}
    )
    beta: float = field(default=0.1, validator=gt(0.0), metadata={"help": "strength of the tie to the reference"})
    label_smoothing: float = field(
        default=0.0,
        validator=[ge(0.0), le(0.5)],
        metadata={"help": "share of pairs taken to be the wrong way round, for robust, exo_pair, aot, aot_unpaired"},
    )
    ld_alpha: float | None = field(
        default=None,
        validator=optional([ge(0.0), le(1.0)]),
        metadata={"help": "LD-DPO: weight of the tokens beyond the shorter answer's length; 1 where absent"},
    )
    f_divergence_type: Literal["reverse_kl", "forward_kl", "js_divergence", "alpha_divergence"] = field(
        default="reverse_kl", metadata={"help": "f-DPO: the divergence that ties policy and reference"}
    )
    f_alpha_divergence_coef: float = field(default=0.5, metadata={"help": "the alpha of alpha_divergence"})
    use_weighting: bool = field(
        default=False, metadata={"help": "WPO: weigh pairs by how likely the policy finds them"}
    )
    discopop_tau: float = field(default=0.05, validator=gt(0.0), metadata={"help": "temperature of discopop"})

    def __attrs_post_init__(self) -> None:
        """Refuse what TRL would refuse, only before a model is loaded."""
        types = self.types
        if self.loss_weights is not None and len(self.loss_weights) != len(types):
            msg = f"'loss_weights' has {len(self.loss_weights)} weights for {len(types)} loss types"
            raise ValueError(msg)
        if "exo_pair" in types and not self.label_smoothing:
            msg = "loss type 'exo_pair' needs 'label_smoothing' over 0; its paper recommends 0.001"
            raise ValueError(msg)
        if "robust" in types and self.label_smoothing >= 0.5:  # noqa: PLR2004 - half the labels wrong say nothing
            msg = f"loss type 'robust' needs 'label_smoothing' under 0.5, not {self.label_smoothing}"
            raise ValueError(msg)
        if self.use_weighting and _SORTED & {*types}:
            msg = f"'use_weighting' cannot be had with {sorted(_SORTED & {*types})}, which sort the pairs of a pass"
            raise ValueError(msg)
        if self.f_divergence_type != "reverse_kl" and _ONE_BY_ONE & {*types}:
            msg = (
                f"'f_divergence_type' = {self.f_divergence_type!r} is not defined for {sorted(_ONE_BY_ONE & {*types})}; "
                f"take 'reverse_kl'"
            )
            raise ValueError(msg)

    @property
    def types(self) -> tuple[str, ...]:
        """The loss types."""
        return (self.loss_type,) if isinstance(self.loss_type, str) else self.loss_type

    def given(self) -> dict[str, Any]:
        """Return what ``DPOConfig`` is given."""
        weights = None if self.loss_weights is None else list(self.loss_weights)
        return {**asdict(self), "loss_type": list(self.types), "loss_weights": weights}


@frozen(kw_only=True)
class KtoOptions:
    """Options of ``[loss] use = "trl-kto"``: those of TRL's ``KTOConfig`` that say what the loss is."""

    loss_type: str = field(default="kto", metadata={"help": "TRL's name of the loss: kto or apo_zero_unpaired"})
    beta: float = field(default=0.1, validator=gt(0.0), metadata={"help": "strength of the tie to the reference"})
    desirable_weight: float = field(default=1.0, validator=ge(0.0), metadata={"help": "weight of chosen answers"})
    undesirable_weight: float = field(default=1.0, validator=ge(0.0), metadata={"help": "weight of rejected answers"})

    @property
    def types(self) -> tuple[str, ...]:
        """The loss type."""
        return (self.loss_type,)

    def given(self) -> dict[str, Any]:
        """Return what ``KTOConfig`` is given."""
        return asdict(self)


@frozen(kw_only=True)
class SftOptions:
    """Options of ``[loss] use = "trl-sft"``: those of TRL's ``SFTConfig`` that say what the loss is."""

    loss_type: str = field(default="nll", metadata={"help": "TRL's name of the loss: nll or dft (arXiv 2508.05629)"})

    @property
    def types(self) -> tuple[str, ...]:
        """The loss type."""
        return (self.loss_type,)

    def given(self) -> dict[str, Any]:
        """Return what ``SFTConfig`` is given."""
        return asdict(self)

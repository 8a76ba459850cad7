"""Options of the losses of answers. Imports no model library."""

from collections.abc import Mapping
from typing import Any, Literal

from attrs import Attribute, field, frozen
from attrs.validators import ge, gt, in_, le, lt

BETA = {"help": "how far the policy may move from the reference: larger stays nearer"}
NLL = {"help": "weight of the mean negative log-likelihood of a token of the chosen answer; 0 leaves it out"}


@frozen(kw_only=True)
class SftOptions:
    """Options of ``[loss] use = "sft"``."""

    reduction: Literal["token", "item"] = field(
        default="token",
        validator=in_(("token", "item")),
        metadata={"help": "token: every token of the batch counts the same; item: every answer counts the same"},
    )


@frozen(kw_only=True)
class DpoOptions:
    """Options of ``[loss] use = "dpo"``.

    >>> DpoOptions(link="hinge", smoothing=0.1)
    Traceback (most recent call last):
    ValueError: smoothing = 0.1 is for link = 'sigmoid', 'robust' and 'exo'; leave it out for 'hinge'
    >>> DpoOptions(link="exo")
    Traceback (most recent call last):
    ValueError: link = 'exo' needs smoothing above 0, how often a label is wrong; the paper takes 0.001
    """

    beta: float = field(default=0.1, validator=gt(0.0), metadata=BETA)
    nll: float = field(default=0.0, validator=ge(0.0), metadata=NLL)
    link: Literal["sigmoid", "hinge", "ipo", "robust", "exo", "discopop"] = field(
        default="sigmoid",
        validator=in_(("sigmoid", "hinge", "ipo", "robust", "exo", "discopop")),
        metadata={"help": "from the difference of the rewards to the loss; sigmoid with smoothing is cDPO"},
    )
    smoothing: float = field(
        default=0.0,
        validator=[ge(0.0), lt(0.5)],
        metadata={"help": "how often a label is thought wrong, for sigmoid, robust and exo"},
    )
    log_probs: Literal["", "sum", "mean"] = field(
        default="",
        validator=in_(("", "sum", "mean")),
        metadata={
            "help": "an answer's log-probability: the sum over its tokens or their mean; empty: sum, for ipo mean"
        },
    )
    tail: float = field(
        default=1.0,
        validator=[ge(0.0), le(1.0)],
        metadata={"help": "weight of the tokens beyond the shorter answer's length (LD-DPO's alpha); 1 is DPO"},
    )

    def __attrs_post_init__(self) -> None:
        """Refuse combinations that cannot be meant."""
        if self.smoothing and self.link not in {"sigmoid", "robust", "exo"}:
            msg = f"smoothing = {self.smoothing} is for link = 'sigmoid', 'robust' and 'exo'; leave it out for {self.link!r}"
            raise ValueError(msg)
        if self.link == "exo" and not self.smoothing:
            msg = "link = 'exo' needs smoothing above 0, how often a label is wrong; the paper takes 0.001"
            raise ValueError(msg)

    @property
    def averages(self) -> bool:
        """Whether an answer's log-probability is the mean over its tokens."""
        return self.log_probs == "mean" or (self.link == "ipo" and not self.log_probs)


@frozen(kw_only=True)
class DpopOptions:
    """Options of ``[loss] use = "dpop"``. The default penalty is the paper's."""

    beta: float = field(default=0.1, validator=gt(0.0), metadata=BETA)
    penalty: float = field(
        default=50.0, validator=ge(0.0), metadata={"help": "weight of a chosen answer's loss of log-probability"}
    )


@frozen(kw_only=True)
class SimpoOptions:
    """Options of ``[loss] use = "simpo"``."""

    beta: float = field(
        default=2.0, validator=gt(0.0), metadata={"help": "scale of the difference of mean log-probabilities"}
    )
    margin: float = field(
        default=1.0, validator=ge(0.0), metadata={"help": "gamma: by how much the chosen reward is to be higher"}
    )


@frozen(kw_only=True)
class OrpoOptions:
    """Options of ``[loss] use = "orpo"``."""

    weight: float = field(
        default=0.1, validator=gt(0.0), metadata={"help": "lambda: weight of the odds ratio beside the likelihood"}
    )


@frozen(kw_only=True)
class SlicOptions:
    """Options of ``[loss] use = "slic"``."""

    margin: float = field(
        default=1.0, validator=gt(0.0), metadata={"help": "delta: nats by which the chosen answer is to be likelier"}
    )
    nll: float = field(default=0.0, validator=ge(0.0), metadata=NLL)


@frozen(kw_only=True)
class KtoOptions:
    """Options of ``[loss] use = "kto"``."""

    beta: float = field(default=0.1, validator=gt(0.0), metadata=BETA)
    desirable: float = field(default=1.0, validator=gt(0.0), metadata={"help": "weight of the chosen answers"})
    undesirable: float = field(default=1.0, validator=gt(0.0), metadata={"help": "weight of the rejected answers"})
    reference_point: Literal["batch", "zero"] = field(
        default="batch",
        validator=in_(("batch", "zero")),
        metadata={"help": "batch: the mean reward of the answers of a pass, at least 0; zero: 0"},
    )


@frozen(kw_only=True)
class BcoOptions:
    """Options of ``[loss] use = "bco"``."""

    beta: float = field(default=0.1, validator=gt(0.0), metadata=BETA)
    shift: Literal["batch", "zero"] = field(
        default="batch",
        validator=in_(("batch", "zero")),
        metadata={"help": "batch: rewards count from the mean of the answers of a pass; zero: from 0"},
    )


@frozen(kw_only=True)
class AnchoredOptions:
    """Options of ``[loss] use = "apo-zero"``, ``"apo-down"``, ``"nca"`` and ``"sppo"``."""

    beta: float = field(default=0.1, validator=gt(0.0), metadata=BETA)


@frozen(kw_only=True)
class DdpoOptions:
    """Options of ``[loss] use = "ddpo"``. The defaults are those of RLHF-V."""

    beta: float = field(default=0.5, validator=gt(0.0), metadata=BETA)
    weight: float = field(
        default=5.0,
        validator=ge(1.0),
        metadata={"help": "gamma: how much more a token counts that the answers do not share"},
    )
    log_probs: Literal["mean", "sum"] = field(
        default="mean",
        validator=in_(("mean", "sum")),
        metadata={
            "help": "an answer's log-probability: the weighted mean over its tokens, as in the paper, or their sum"
        },
    )


@frozen(kw_only=True)
class TdpoOptions:
    """Options of ``[loss] use = "tdpo"``."""

    beta: float = field(default=0.1, validator=gt(0.0), metadata=BETA)
    alpha: float = field(
        default=0.5, validator=gt(0.0), metadata={"help": "weight of the difference of the answers' divergences"}
    )


def _terms(_: object, attribute: "Attribute[Any]", value: tuple[Mapping[str, Any], ...]) -> None:
    if not value:
        msg = f"{attribute.name!r} needs at least one table [[loss.{attribute.name}]]"
        raise ValueError(msg)
    for number, table in enumerate(value):
        where = f"{attribute.name}[{number}]"
        if not isinstance(table.get("use"), str):
            msg = f'{where} needs use = "NAME", one of the losses: {table.get("use")!r}'
            raise ValueError(msg)  # noqa: TRY004 - a value of the recipe
        weight = table.get("weight", 1.0)
        if not isinstance(weight, int | float) or isinstance(weight, bool) or not 0 < weight < float("inf"):
            msg = f"{where}.weight must be a number above 0: {weight!r}"
            raise ValueError(msg)


@frozen(kw_only=True)
class SumOptions:
    """Options of ``[loss] use = "sum"``.

    >>> SumOptions(terms=({"use": "dpo", "weight": 0},))
    Traceback (most recent call last):
    ValueError: terms[0].weight must be a number above 0: 0
    """

    terms: tuple[Mapping[str, Any], ...] = field(
        validator=_terms,
        metadata={
            "help": "tables [[loss.terms]]: use, weight (1 where absent) and that loss's options",
            "component": "losses",
            "besides": ("weight",),
        },
    )

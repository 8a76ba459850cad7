"""Options of the losses. Imports no model library."""

from typing import Any, Literal

from attrs import Attribute, field, frozen
from attrs.validators import ge, gt, in_

_BETA = {"help": "how far the policy may move from the reference: larger stays nearer"}
_NLL = {"help": "weight of the mean negative log-likelihood of a token of the chosen answer; 0 leaves it out"}


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
    """Options of ``[loss] use = "dpo"``."""

    beta: float = field(default=0.1, validator=gt(0.0), metadata=_BETA)
    nll: float = field(default=0.0, validator=ge(0.0), metadata=_NLL)


@frozen(kw_only=True)
class MdpoOptions:
    """Options of ``[loss] use = "mdpo"``."""

    beta: float = field(default=0.1, validator=gt(0.0), metadata=_BETA)
    image: float = field(
        default=1.0, validator=ge(0.0), metadata={"help": "weight of preferring the answer with its own image"}
    )
    anchor: float = field(
        default=1.0, validator=ge(0.0), metadata={"help": "weight of keeping the chosen answer's reward positive"}
    )
    nll: float = field(default=0.0, validator=ge(0.0), metadata=_NLL)


def _some(_: object, attribute: "Attribute[Any]", value: tuple[float, ...]) -> None:
    if min(value) < 0 or sum(value) == 0:
        msg = f"{attribute.name!r} must be weights of at least 0, not all 0: {list(value)}"
        raise ValueError(msg)


@frozen(kw_only=True)
class McmDpoOptions:
    """Options of ``[loss] use = "mcm-dpo"``. The defaults are the published weights.

    >>> McmDpoOptions(weights=(0, 0, 0, 0, 0, 0, 0))
    Traceback (most recent call last):
    ValueError: 'weights' must be weights of at least 0, not all 0: [0, 0, 0, 0, 0, 0, 0]
    """

    beta: float = field(default=0.1, validator=gt(0.0), metadata=_BETA)
    weights: tuple[float, float, float, float, float, float, float] = field(
        default=(1.0, 0.5, 0.5, 0.2, 0.2, 0.2, 0.2),
        validator=_some,
        metadata={
            "help": "of the comparisons that change answer, image, context, answer+image, answer+context, "
            "image+context, all three"
        },
    )
    combine: Literal["joint", "sum"] = field(
        default="joint",
        validator=in_(("joint", "sum")),
        metadata={"help": "joint: one sigmoid of the weighted mean margin; sum: a weighted mean of sigmoid losses"},
    )

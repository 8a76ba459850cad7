"""Options of the losses that compare images as well as answers. Imports no model library."""

from typing import Any, Literal

from attrs import Attribute, field, frozen
from attrs.validators import ge, gt, in_

from pairsmith_losses.options import BETA, NLL


@frozen(kw_only=True)
class MdpoOptions:
    """Options of ``[loss] use = "mdpo"``."""

    beta: float = field(default=0.1, validator=gt(0.0), metadata=BETA)
    image: float = field(
        default=1.0, validator=ge(0.0), metadata={"help": "weight of preferring the answer with its own image"}
    )
    anchor: float = field(
        default=1.0, validator=ge(0.0), metadata={"help": "weight of keeping the chosen answer's reward positive"}
    )
    nll: float = field(default=0.0, validator=ge(0.0), metadata=NLL)


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

    beta: float = field(default=0.1, validator=gt(0.0), metadata=BETA)
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


@frozen(kw_only=True)
class ChipOptions:
    """Options of ``[loss] use = "chip"``. The defaults are those of the released script."""

    beta: float = field(default=0.1, validator=gt(0.0), metadata=BETA)
    image: float = field(
        default=1.0, validator=ge(0.0), metadata={"help": "weight of preferring the answer with its own image"}
    )
    weight: float = field(
        default=4.0, validator=ge(1.0), metadata={"help": "how much more a token counts that the answers do not share"}
    )
    token: float = field(
        default=0.1,
        validator=ge(0.0),
        metadata={"help": "weight of the difference of the answers' divergences; 0: none"},
    )
    segment: float = field(
        default=1.0, validator=ge(0.0), metadata={"help": "weight of the segments' own term, for combine = 'sum'"}
    )
    combine: Literal["joint", "sum"] = field(
        default="joint",
        validator=in_(("joint", "sum")),
        metadata={"help": "joint: one sigmoid, as released; sum: a term for answer, image, segments and tokens each"},
    )


@frozen(kw_only=True)
class VDpoOptions:
    """Options of ``[loss] use = "v-dpo"``."""

    beta: float = field(default=0.1, validator=gt(0.0), metadata=BETA)
    guidance: float = field(
        default=1.5, validator=ge(1.0), metadata={"help": "gamma: how much the image guides an answer; 1 is DPO"}
    )


@frozen(kw_only=True)
class SymmpoOptions:
    """Options of ``[loss] use = "symmpo"``. The defaults are those of the released script."""

    beta: float = field(default=0.1, validator=gt(0.0), metadata=BETA)
    symmetric: float = field(
        default=0.5,
        validator=ge(0.0),
        metadata={"help": "lambda: weight of both images' preferences of their own answer"},
    )
    anchor: float = field(
        default=1.0, validator=ge(0.0), metadata={"help": "weight of keeping both right answers' rewards positive"}
    )
    consistency: float = field(
        default=1e-4,
        validator=ge(0.0),
        metadata={"help": "weight of the squared difference of the two margins, in nats"},
    )

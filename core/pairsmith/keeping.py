"""Which of a prompt's candidate images are kept, once image judges have scored them all: ``[image_keep]``."""

from collections.abc import Mapping, Sequence
from typing import Literal

from attrs import field, frozen
from attrs.validators import ge, in_, optional

Rule = Literal["best", "threshold", "top-k"]
RULES: tuple[Rule, ...] = ("best", "threshold", "top-k")


@frozen(kw_only=True)
class KeepOptions:
    """The rule, and what it needs. A candidate's score is the weighted mean of what the judges gave it.

    >>> KeepOptions(rule="top-k")
    Traceback (most recent call last):
    ValueError: rule 'top-k' needs 'k', the number of candidates to keep
    """

    rule: Rule = field(
        default="best",
        validator=in_(RULES),
        metadata={"help": "best: the first of the best; threshold: all that reach it; top-k: the k best"},
    )
    threshold: float | None = field(
        default=None, metadata={"help": "least score of an image that is kept, with any rule; none where left out"}
    )
    k: int | None = field(default=None, validator=optional(ge(1)), metadata={"help": "with top-k: how many are kept"})
    weights: Mapping[str, float] = field(
        factory=dict, metadata={"help": "how much a judge counts, by its name; 1 where not named, 0 leaves it out"}
    )

    def __attrs_post_init__(self) -> None:
        """Ask for what the rule needs and for nothing else."""
        if self.rule == "top-k" and self.k is None:
            msg = "rule 'top-k' needs 'k', the number of candidates to keep"
            raise ValueError(msg)
        if self.rule != "top-k" and self.k is not None:
            msg = f"'k' belongs to rule 'top-k', not to {self.rule!r}: {self.k!r}"
            raise ValueError(msg)
        if self.rule == "threshold" and self.threshold is None:
            msg = "rule 'threshold' needs 'threshold', the least score of an image that is kept"
            raise ValueError(msg)
        for name, weight in self.weights.items():
            if not 0 <= weight < float("inf"):
                msg = f"'weights': the weight of {name!r} must be a finite number of at least 0: {weight!r}"
                raise ValueError(msg)


def kept(means: Sequence[float], options: KeepOptions) -> list[int]:
    """Return the numbers of the candidates that are kept, the best first, and of equal ones the first.

    >>> kept([0.5, 0.9, 0.9, 0.1], KeepOptions())
    [1]
    >>> kept([0.5, 0.9, 0.9, 0.1], KeepOptions(rule="threshold", threshold=0.5))
    [1, 2, 0]
    >>> kept([0.5, 0.9, 0.9, 0.1], KeepOptions(rule="top-k", k=2, threshold=0.95))
    []
    """
    order = sorted(range(len(means)), key=lambda number: -means[number])  # a stable sort keeps equals in order
    if options.threshold is not None:
        order = [number for number in order if means[number] >= options.threshold]
    return order[: {"best": 1, "top-k": options.k}.get(options.rule)]

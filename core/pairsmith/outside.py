"""What a recipe says besides its components: plain values, and the tables of rules."""

import re
from typing import Literal

from attrs import field, frozen
from attrs.validators import ge

from pairsmith.during import DuringOptions
from pairsmith.keeping import KeepOptions
from pairsmith.reference import ReferenceOptions


@frozen(kw_only=True)
class RoundsOptions:
    """How often the chain is gone through, and with which samples."""

    n: int = field(
        default=1, validator=ge(1), metadata={"help": "rounds; after the first, the model of the one before answers"}
    )
    samples: Literal["fresh", "same"] = field(
        default="fresh",
        metadata={"help": "fresh: each round has a share of the samples to itself; same: every round has all of them"},
    )


@frozen(kw_only=True)
class Plain:
    """The plain values of a recipe, and what each is where a recipe does not say."""

    schema: int
    summary: str = ""
    requires: tuple[str, ...] = field(default=())
    seed: int = 0
    part_size: int = field(default=256)
    on_bad_image: Literal["skip", "stop"] = "skip"
    max_failures: int = field(default=0, validator=ge(0))
    evaluate: tuple[Literal["base", "rounds", "trained", "control"], ...] = ()
    rounds: RoundsOptions = field(factory=RoundsOptions)
    image_keep: KeepOptions = field(factory=KeepOptions)
    during_training: DuringOptions | None = None
    reference: ReferenceOptions | None = None

    @requires.validator
    def _are_names(self, _: object, value: tuple[str, ...]) -> None:
        for name in value:
            if not re.fullmatch(r"[A-Za-z0-9]([\w.-]*[A-Za-z0-9])?", name, re.ASCII):
                msg = f"{name!r} is no name of a distribution; write it without a version, as 'pairsmith-x'"
                raise ValueError(msg)

    @part_size.validator
    def _is_positive(self, _: object, value: int) -> None:
        if value < 1:
            msg = f"must be at least 1: {value}"
            raise ValueError(msg)

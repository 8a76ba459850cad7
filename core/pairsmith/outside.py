"""What a recipe says besides its components: plain values, and the table of a rule."""

import re
from typing import Literal

from attrs import field, frozen
from attrs.validators import ge

from pairsmith.during import DuringOptions
from pairsmith.keeping import KeepOptions
from pairsmith.reference import ReferenceOptions


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
    evaluate: tuple[Literal["base", "trained", "control"], ...] = ()
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

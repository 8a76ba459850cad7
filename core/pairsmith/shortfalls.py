"""What a component gives in place of what it could not make. Part of :mod:`pairsmith.values`; import it from there."""

from attrs import field, frozen
from attrs.validators import matches_re


@frozen(kw_only=True)
class Dropped:
    """Something that a component had to leave out: what it belongs to, the sort of reason, and what was seen.

    ``reason`` is a word or two that is counted, e.g. ``"unparsed"``; ``detail`` is for a person.
    """

    id: str
    reason: str = field(validator=matches_re(r"[a-z][a-z -]*"))
    detail: str = ""


@frozen(kw_only=True)
class Failed:
    """What a component gives in place of its work on one sample, where that could not be done.

    For what may work another time, as a server that did not answer: the stage goes on with its other samples and says at
    its end how many failed. The same command then asks for the parts with failures again, so a component that gives this
    keeps what it has already been answered. What can never work is a skipped verdict, or an error.

    >>> Failed(reason="")
    Traceback (most recent call last):
    ValueError: a failure needs a reason
    """

    reason: str = field()

    @reason.validator
    def _said(self, _: object, value: str) -> None:
        if not value.strip():
            msg = "a failure needs a reason"
            raise ValueError(msg)

"""Offers the judge. Imports no model library: what does the work is named as text."""

from attrs import field, frozen
from attrs.validators import gt

from pairsmith import Component, hookimpl


@frozen(kw_only=True)
class JudgeOptions:
    """Options of ``[[judges]] use = "NAME"``."""

    ideal: int = field(default=40, validator=gt(0), metadata={"help": "words of an ideal answer"})


@hookimpl
def pairsmith_judges():
    """Offer the judge."""
    yield Component(
        name="NAME",
        factory="pairsmith_judge_NAME.judge:Judge",
        options=JudgeOptions,
        summary="Prefers answers of an ideal length.",
    )

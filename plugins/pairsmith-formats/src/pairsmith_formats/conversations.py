"""Turns with and without markers for images, and the two ways of writing them down."""

import re
from collections.abc import Mapping, Sequence

from pairsmith.values import Role, Turn
from pairsmith_formats.reading import MARKER

_MARKED = re.compile(rf"(\s*){MARKER}(\s*)")
_SPEAKERS: Mapping[Role, str] = {"user": "human", "assistant": "gpt", "system": "system"}


def without_marker(text: str) -> str:
    r"""Return a text without ``<image>`` and the space around it; what it stood between stays apart.

    >>> without_marker("<image>\nWhat is this?"), without_marker("Is <image> a cat?"), without_marker(" as it is ")
    ('What is this?', 'Is a cat?', ' as it is ')
    """
    if MARKER not in text:
        return text
    return _MARKED.sub(lambda found: "\n" if "\n" in found.group() else " ", text).strip()


def bare(turns: Sequence[Turn]) -> tuple[Turn, ...]:
    """Return turns without markers."""
    return tuple(Turn(role=turn.role, text=without_marker(turn.text)) for turn in turns)


def marked(turns: Sequence[Turn], images: int) -> tuple[Turn, ...]:
    r"""Return turns with a marker per image before the first question.

    >>> marked((Turn(role="user", text="What is this?"),), 1)[0].text
    '<image>\nWhat is this?'
    """
    first = next((number for number, turn in enumerate(turns) if turn.role == "user"), None)
    return tuple(
        Turn(role=turn.role, text=f"{MARKER}\n" * images + turn.text) if number == first else turn
        for number, turn in enumerate(turns)
    )


def as_values(turns: Sequence[Turn], answer: str | None = None) -> list[dict[str, str]]:
    """Return turns as LLaVA writes them: ``{"from": "human", "value": ...}``."""
    said = [{"from": _SPEAKERS[turn.role], "value": turn.text} for turn in turns]
    return said if answer is None else [*said, {"from": "gpt", "value": answer}]


def as_messages(turns: Sequence[Turn], answer: str | None = None) -> list[dict[str, str]]:
    """Return turns as chat templates take them: ``{"role": "user", "content": ...}``."""
    said: list[dict[str, str]] = [{"role": turn.role, "content": turn.text} for turn in turns]
    return said if answer is None else [*said, {"role": "assistant", "content": answer}]

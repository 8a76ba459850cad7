"""LLaVA's conversations and pairsmith's turns, both ways."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pairsmith.values import Role, Turn

MARKER = "<image>"
_MARKED = re.compile(rf"(\s*){MARKER}(\s*)")
_ROLES: Mapping[str, Role] = {
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "assistant": "assistant",
    "system": "system",
}
_SPEAKERS: Mapping[Role, str] = {"user": "human", "assistant": "gpt", "system": "system"}


class BadRowError(Exception):
    """A row cannot be used; the message says why, to follow its place."""


def parse(row: Mapping[str, Any], name: str) -> tuple[tuple[Turn, ...], str]:
    """Return the prompt and the answer of one of a row's conversations."""
    said = row.get(name)
    if not isinstance(said, list) or not all(isinstance(one, dict) for one in said):
        msg = f"has no list of turns {name!r}"
        raise BadRowError(msg)
    turns = tuple(_turn(one, name) for one in said)
    roles = [turn.role for turn in turns]
    if roles[-2:] != ["user", "assistant"]:
        speakers = [one.get("from") for one in said]
        msg = f"must end {name!r} with a question and an answer ('human', 'gpt'); its turns are {speakers!r}"
        raise BadRowError(msg)
    return turns[:-1], turns[-1].text


def _turn(said: Mapping[str, Any], name: str) -> Turn:
    speaker, text = said.get("from"), said.get("value")
    if not isinstance(speaker, str) or speaker not in _ROLES or not isinstance(text, str):
        msg = f"has a turn in {name!r} that is no {{'from': one of {', '.join(_ROLES)}, 'value': text}}: {said!r:.80}"
        raise BadRowError(msg)
    return Turn(role=_ROLES[speaker], text=without_marker(text))


def mentions_image(row: Mapping[str, Any], name: str) -> bool:
    """Tell whether a conversation shows where an image goes."""
    return any(MARKER in one["value"] for one in row[name])


def without_marker(text: str) -> str:
    r"""Return a text without ``<image>`` and the space around it; what it stood between stays apart.

    >>> without_marker("<image>\nWhat is this?"), without_marker("Is <image> a cat?"), without_marker(" as it is ")
    ('What is this?', 'Is a cat?', ' as it is ')
    """
    if MARKER not in text:
        return text
    return _MARKED.sub(lambda found: "\n" if "\n" in found.group() else " ", text).strip()


def write(turns: Sequence[Turn], answer: str, images: int) -> list[dict[str, str]]:
    r"""Return turns and an answer as a conversation, with a marker per image before the first question.

    >>> write((Turn(role="user", text="What is this?"),), "A cat.", 1)[0]
    {'from': 'human', 'value': '<image>\nWhat is this?'}
    """
    said = [{"from": _SPEAKERS[turn.role], "value": turn.text} for turn in turns]
    first = next((one for one in said if one["from"] == "human"), None)
    if first is not None:
        first["value"] = f"{MARKER}\n" * images + first["value"]
    return [*said, {"from": "gpt", "value": answer}]

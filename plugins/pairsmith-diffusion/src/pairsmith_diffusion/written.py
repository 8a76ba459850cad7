"""Reads prompts and questions out of a model's reply, whatever is written around them."""

import json
import re
from collections.abc import Iterator
from typing import Any

from attrs import frozen

_THINKING = re.compile(r"<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL)
_PROMPT = re.compile(r"""["']prompt["']\s*:""", re.IGNORECASE)
_DECODER = json.JSONDecoder(strict=False)
_EXCERPT = 120


@frozen(kw_only=True)
class Written:
    """A prompt with its question."""

    prompt: str
    question: str


@frozen(kw_only=True)
class Malformed:
    """Something that was to be one, and why it is none."""

    why: str
    excerpt: str


def read(reply: str) -> Iterator[Written | Malformed]:
    r"""Yield what a reply holds, in order: JSON objects, one a line or over several, in an array, a fence or an object.

    What begins like one and is none is :class:`Malformed`, and so is a reply without any.

    >>> [one.prompt for one in read('Sure!\n1. {"prompt": "A fox.", "question": "What is it?"}')]
    ['A fox.']
    """
    text = _THINKING.sub("", reply)
    at, found = text.find("{"), False
    while at >= 0:
        one, end = _object(text, at)
        if one is not None:
            found = True
            yield one
        at = text.find("{", end)
    if not found:
        yield Malformed(why="no prompt in the reply", excerpt=_short(text))


def _object(text: str, at: int) -> tuple[Written | Malformed | None, int]:
    """Return what begins at a brace, ``None`` where it is something around prompts, and where to look on."""
    try:
        value, end = _DECODER.raw_decode(text, at)
    except (ValueError, RecursionError):
        after = text.find("{", at + 1)
        end = after if after >= 0 else len(text)
        broken = _PROMPT.search(text, at, end)
        return (Malformed(why="no JSON", excerpt=_short(text[at:end])) if broken else None), end
    given = {str(name).strip().lower(): one for name, one in value.items()}
    if "prompt" not in given and "question" not in given:
        return None, at + 1
    return _row(given, text[at:end]), end


def _row(given: dict[str, Any], said: str) -> Written | Malformed:
    for name in ("prompt", "question"):
        if not isinstance(given.get(name), str) or not given[name].strip():
            return Malformed(why=f"no {name}", excerpt=_short(said))
    return Written(**{name: _one_line(given[name]) for name in ("prompt", "question")})


def _one_line(text: str) -> str:
    """Return a text on one line, as files with a line each need it, without halves of surrogate pairs."""
    return " ".join(text.replace("<image>", " ").split()).encode(errors="replace").decode()


def _short(text: str) -> str:
    said = " ".join(text.split())
    return said if len(said) <= _EXCERPT else f"{said[: _EXCERPT - 1]}…"

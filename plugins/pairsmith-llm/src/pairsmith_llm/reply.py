"""Reads what comes back: the envelope of a reply, and JSON in whatever a model wraps it."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pairsmith_llm.failures import BadReplyError, short
from pairsmith_llm.journal import Answer

_THINKING = re.compile(r"<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL)
_FENCED = re.compile(r"```[\w-]*\n(.*?)```", re.DOTALL)
_TRAILING_COMMA = re.compile(r",(?=\s*[}\]])")
_STRING = re.compile(r'("(?:[^"\\]|\\.)*")', re.DOTALL)
_CUT = "length"


class UnusableError(Exception):
    """A reply cannot be used; the message tells the model why."""


def answer_of(data: bytes, number: int) -> Answer:
    """Return what an endpoint's reply says, ``number`` texts of it.

    Raises :class:`BadReplyError` for anything that is not a whole reply.
    """
    try:
        reply = json.loads(data)
    except ValueError as error:
        msg = f"sent a reply that is no JSON ({short(str(error))}): {short(data[:80].decode(errors='replace'))!r}"
        raise BadReplyError(msg) from None
    if not isinstance(reply, dict):
        msg = f"sent no object but {short(repr(reply))}"
        raise BadReplyError(msg)
    if reply.get("error"):
        msg = f"sent an error: {short(json.dumps(reply['error'], default=str))}"
        raise BadReplyError(msg)
    choices = reply.get("choices")
    if not isinstance(choices, list) or len(choices) < number:
        there = len(choices) if isinstance(choices, list) else "no"
        msg = f"sent {there} answers where {number} were asked for"
        raise BadReplyError(msg)
    usage = reply.get("usage")
    return Answer(
        texts=tuple(_text(choice) for choice in choices[:number]),
        model=_clean(reply["model"]) if isinstance(reply.get("model"), str) else "",
        tokens_in=_tokens(usage, "prompt_tokens"),
        tokens_out=_tokens(usage, "completion_tokens"),
    )


def _text(choice: Any) -> tuple[str, str]:  # noqa: ANN401 - JSON
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(message, dict):
        msg = f"sent an answer without a message: {short(repr(choice))}"
        raise BadReplyError(msg)
    content = message.get("content")
    if isinstance(content, list):  # some servers send parts, as requests do
        content = "".join(part.get("text") or "" for part in content if isinstance(part, dict))
    if content is None:
        content = message.get("refusal") or ""
    if not isinstance(content, str):
        msg = f"sent an answer that is no text: {short(repr(content))}"
        raise BadReplyError(msg)
    return _clean(content), str(choice.get("finish_reason") or "")


def _clean(text: str) -> str:
    """Return a text that can be written as UTF-8: half a surrogate pair is legal in JSON and nowhere else."""
    return text.encode(errors="replace").decode()


def _tokens(usage: Any, name: str) -> int:  # noqa: ANN401 - JSON
    number = usage.get(name) if isinstance(usage, dict) else None
    return number if isinstance(number, int) and number >= 0 else 0


def read_json(text: str, finish: str = "") -> Any:  # noqa: ANN401 - JSON
    """Return the JSON value in a model's reply, whatever is written around it.

    Reasoning, code fences, words before and after, commas too many and line ends inside strings are no obstacle.

    Raises :class:`UnusableError` where there is none, and where the reply was cut off.

    >>> read_json('Sure! Here it is: {"a": [1, 2,],} I hope this helps.')
    {'a': [1, 2]}
    """
    spoken = _THINKING.sub("", text).strip()
    if not spoken:
        msg = "it is empty"
        raise UnusableError(msg)
    for candidate in _candidates(spoken):
        for form in (candidate, _without_trailing_commas(candidate)):
            try:
                value = json.loads(form, strict=False)
            except (ValueError, RecursionError):
                continue
            if isinstance(value, dict | list):
                return value
    if finish == _CUT:
        msg = "it was cut off because it is too long; be briefer"
        raise UnusableError(msg)
    msg = "it holds no JSON object"
    raise UnusableError(msg)


def _candidates(text: str) -> Iterator[str]:
    """Yield what could be the JSON, the likeliest first."""
    yield text
    yield from (found.strip() for found in reversed(_FENCED.findall(text)))
    yield from sorted(_balanced(text), key=len, reverse=True)


def _balanced(text: str) -> Iterator[str]:
    """Yield the outermost stretches of text from an opening bracket to the one that closes it."""
    stack, start, in_string, escaped = list[str](), 0, False, False
    for place, character in enumerate(text):
        if in_string:
            in_string = escaped or character != '"'
            escaped = character == "\\" and not escaped
        elif character == '"' and stack:
            in_string, escaped = True, False
        elif character in "{[":
            if not stack:
                start = place
            stack.append("}" if character == "{" else "]")
        elif stack and character == stack[-1]:
            stack.pop()
            if not stack:
                yield text[start : place + 1]


def _without_trailing_commas(text: str) -> str:
    parts = _STRING.split(text)
    return "".join(part if n % 2 else _TRAILING_COMMA.sub("", part) for n, part in enumerate(parts))


def named(value: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401 - JSON
    """Return a field whatever the case of its name, and ``None`` where it is absent."""
    return next((one for key, one in value.items() if str(key).strip().lower() == name.lower()), None)

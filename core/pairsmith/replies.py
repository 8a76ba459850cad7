"""JSON in whatever a model wraps it: what judges and decomposers that ask a model share.

Pure functions, public for plugins.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_THINKING = re.compile(r"<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL)
_FENCED = re.compile(r"```[\w-]*\n(.*?)```", re.DOTALL)
_TRAILING_COMMA = re.compile(r",(?=\s*[}\]])")
_STRING = re.compile(r'("(?:[^"\\]|\\.)*")', re.DOTALL)
_CUT = "length"


class UnusableError(Exception):
    """A reply cannot be used; the message tells the model why."""


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

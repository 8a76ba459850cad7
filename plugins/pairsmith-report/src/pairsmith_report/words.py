"""Words of answers: how many there are, and which of them only one of two answers has."""

import re
from difflib import SequenceMatcher

from attrs import frozen

MOST_COMPARED = 2000
"""Words beyond which two answers are not compared: the time grows with the product of their lengths."""

_UNSPACED = "\u0e00-\u0eff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_UNSPACED}]|[^\s{_UNSPACED}]+")


@frozen
class Span:
    """A stretch of an answer; ``only`` where the other answer has no such words at that place."""

    text: str
    only: bool


def length(text: str) -> int:
    """Return the number of words; in scripts without spaces each character is one.

    >>> length("A  red circle."), length("一只猫")
    (3, 3)
    """
    return sum(1 for _ in _WORD.finditer(text))


def compare(one: str, other: str) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
    """Return both answers as spans that say which words are theirs alone.

    >>> [span.text for span in compare("a red circle", "a blue circle")[1] if span.only]
    ['blue']
    """
    first, second = list(_WORD.finditer(one)), list(_WORD.finditer(other))
    if max(len(first), len(second)) > MOST_COMPARED:
        return (Span(one, only=False),), (Span(other, only=False),)
    matcher = SequenceMatcher(None, [m.group() for m in first], [m.group() for m in second], autojunk=False)
    changes = [change for change in matcher.get_opcodes() if change[0] != "equal"]
    return (
        _spans(one, [_stretch(first, start, end) for _, start, end, _, _ in changes]),
        _spans(other, [_stretch(second, start, end) for _, _, _, start, end in changes]),
    )


def _stretch(words: "list[re.Match[str]]", start: int, end: int) -> tuple[int, int]:
    return (words[start].start(), words[end - 1].end()) if start < end else (0, 0)


def _spans(text: str, changed: list[tuple[int, int]]) -> tuple[Span, ...]:
    spans, at = [], 0
    for start, end in changed:
        if start < end:
            spans += [Span(text[at:start], only=False), Span(text[start:end], only=True)]
            at = end
    spans.append(Span(text[at:], only=False))
    return tuple(span for span in spans if span.text)

"""Whether a text was read. Pure functions of lines of text."""

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from attrs import frozen

_DROPPED = str.maketrans("", "", '.,?!*"\u201c\u201d')
_SLACK = 1
"""A text of n words is compared with n - 1 to n + 1 words in a row: OCR splits and joins words."""


@frozen
class Match:
    """The most similar thing that was read, and how alike it is, 0 to 1."""

    text: str
    similarity: float


def plain(text: str) -> str:
    """Return a text in lower case, without quotation marks and the marks that OCR makes up, with single spaces.

    >>> plain("  STOP! ")
    'stop'
    """
    return " ".join(text.lower().translate(_DROPPED).split())


def whole_line(claimed: str, lines: Sequence[str]) -> Match:
    """Return the line that is the text, with similarity 1, or none with 0 (DecompGen, arXiv 2411.13697).

    >>> whole_line("Stop", ["STOP!", "Main Street"])
    Match(text='STOP!', similarity=1.0)
    """
    wanted = plain(claimed)
    found = next((line for line in lines if plain(line) == wanted), None) if wanted else None
    return Match("", 0.0) if found is None else Match(found, 1.0)


def alike(claimed: str, lines: Sequence[str]) -> Match:
    """Return the words in a row, across lines, that are most like the text.

    >>> alike("Main Street", ["STOP 42 Main", "Streot"])
    Match(text='main streot', similarity=0.909)
    """
    wanted = plain(claimed)
    words = [word for line in lines for word in plain(line).split()]
    best = Match("", 0.0)
    matcher = SequenceMatcher(None, b=wanted, autojunk=False)
    for window in _windows(words, len(wanted.split())) if wanted else ():
        matcher.set_seq1(window)
        if matcher.real_quick_ratio() > best.similarity and matcher.quick_ratio() > best.similarity:
            ratio = round(matcher.ratio(), 3)
            best = Match(window, ratio) if ratio > best.similarity else best
    return best


def _windows(words: Sequence[str], length: int) -> Iterator[str]:
    for size in range(max(1, length - _SLACK), length + _SLACK + 1):
        for start in range(max(0, len(words) - size + 1)):
            yield " ".join(words[start : start + size])

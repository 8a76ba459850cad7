"""What can be counted in an answer without knowing whether it is right."""

import re
from collections.abc import Mapping

from pairsmith.hygiene import words

NGRAM = 4
_ITEM = re.compile(r"^[ \t]*(?:[-*+\u2022]|\d{1,3}[.)])[ \t]+\S", re.MULTILINE)
_MARKDOWN = re.compile(
    r"^#{1,6} \S|\*\*(?=\S)[^*\n]+(?<=\S)\*\*|__[^_\n]+__|`[^`\n]+`|^```|^> \S|\[[^\]\n]+\]\([^)\n]+\)|^\|.*\|[ \t]*$",
    re.MULTILINE,
)
MEASURES: Mapping[str, str] = {
    "words": "words",
    "characters": "characters",
    "list": "answers with a list, %",
    "markdown": "answers with Markdown, %",
    "repetition": "four-word sequences that the answer had before, %",
}
"""Name of each measure, and how a table calls it."""


def measures(text: str) -> dict[str, float]:
    r"""Return the measures of an answer; shares are 0 or 100, repetition 0 to 100.

    A list has at least two lines that begin with a bullet or a number.

    >>> found = measures("Here is what I see:\n- a cat\n- a cat")
    >>> found["words"], found["list"], found["markdown"]
    (9.0, 100.0, 0.0)
    """
    said = words(text)
    return {
        "words": float(len(said)),
        "characters": float(len(text.strip())),
        "list": 100.0 * (len(_ITEM.findall(text)) >= 2),  # noqa: PLR2004 - one line is no list
        "markdown": 100.0 * bool(_MARKDOWN.search(text)),
        "repetition": repetition(said),
    }


def repetition(said: list[str]) -> float:
    """Return the share of four-word sequences that came before in the same answer, in percent.

    >>> repetition("a cat on a mat a cat on a mat".split())
    28.57142857142857
    """
    grams = [tuple(said[start : start + NGRAM]) for start in range(len(said) - NGRAM + 1)]
    return 100.0 * (1 - len(set(grams)) / len(grams)) if grams else 0.0

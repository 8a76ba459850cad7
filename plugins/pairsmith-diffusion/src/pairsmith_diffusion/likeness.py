"""Finds the text that says nearly the same, among thousands, without comparing with each."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from math import ceil

from pairsmith.hygiene import words

_SLACK = 1e-9
_Word = tuple[str, int]
"""A word and how often it was there before, so that equal words count as often as they stand there."""


def rouge_l(one: str, other: str) -> float:
    """Return twice the length of the longest common subsequence of two texts' words, over the words of both.

    >>> round(rouge_l("a red circle left of it", "A blue circle, left of it"), 3)
    0.833
    """
    return _Words(words(one)).rouge_l(words(other))


class _Words:
    """A text's words, ready to be compared with many others."""

    def __init__(self, said: Sequence[str]) -> None:
        self.said = said
        self._places: dict[str, int] = {}
        for place, word in enumerate(said):
            self._places[word] = self._places.get(word, 0) | 1 << place

    def rouge_l(self, other: Sequence[str]) -> float:
        if not self.said or not other:
            return float(list(self.said) == list(other))
        whole = (1 << len(self.said)) - 1
        row, places = whole, self._places
        for (
            word
        ) in other:  # a bit is cleared where the subsequence grows by one (Hyyro 2004): a row of the table at once
            met = row & places.get(word, 0)
            row = (row + met) | (row - met)
        return 2 * (len(self.said) - (row & whole).bit_count()) / (len(self.said) + len(other))


class Likeness:
    """Texts that are told apart by ROUGE-L, as Self-Instruct (arXiv 2212.10560) does: from 0.7 on two are alike.

    Two texts that reach ``t`` share at least ``t / (2 - t)`` of the words of either, so not all of the rarest others are
    missing: only texts that have one of those in common are compared, and none is overlooked.
    """

    def __init__(self, at_least: float, vocabulary: Iterable[str]) -> None:
        """``vocabulary`` are texts, as many as are known: how often a word is in them says which are rare."""
        self._at_least = at_least
        self._often = Counter(word for text in vocabulary for word in set(words(text)))
        self._by_word: dict[_Word, list[int]] = defaultdict(list)
        self._texts: list[tuple[str, Sequence[str]]] = []

    def find(self, text: str) -> str | None:
        """Return the first text so far that is like this one."""
        said = _Words(words(text))
        least = self._at_least - _SLACK
        compared = sorted({place for word in self._rare(said.said) for place in self._by_word.get(word, ())})
        return next((self._texts[k][0] for k in compared if said.rouge_l(self._texts[k][1]) >= least), None)

    def add(self, text: str) -> None:
        """Compare later texts with this one as well."""
        said = words(text)
        for word in self._rare(said):
            self._by_word[word].append(len(self._texts))
        self._texts.append((text, said))

    def _rare(self, said: Sequence[str]) -> list[_Word]:
        before: Counter[str] = Counter()
        marked = []
        for word in said:
            marked.append((word, before[word]))
            before[word] += 1
        marked.sort(key=lambda one: (self._often[one[0]], one))
        shared = ceil(len(marked) * self._at_least / (2 - self._at_least) - _SLACK)
        return marked[: len(marked) - max(1, shared) + 1]

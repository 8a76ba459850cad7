"""Which COCO objects a text names: string matching as in Rohrbach et al., arXiv 1809.02156, section 3.1.

The rules: every word is put in the singular; two words that name one thing together are merged, so that a hot dog is no
dog; "baby" or "adult" before an animal and "passenger" before a jet or a train are dropped, for they name no person; a
bow tie is a tie; a toilet seat is a toilet, and next to a toilet no seat is a chair. What is left is looked up among
the words for the 80 categories. A thing named twice is two mentions.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path

from attrs import field, frozen

from pairsmith.errors import StageError
from pairsmith_benchmarks.nouns import singular, tokens

_ANIMALS = ("animal", "bear", "bird", "cat", "cow", "cub", "dog", "elephant", "giraffe", "horse", "sheep", "zebra")
_VEHICLES = ("jet", "train")
_MERGED = {
    **{f"{age} {animal}": animal for age in ("baby", "adult") for animal in _ANIMALS},
    **{f"passenger {vehicle}": vehicle for vehicle in _VEHICLES},
    "bow tie": "tie",
    "toilet seat": "toilet",
    "home plate": "home plate",
    "train track": "train track",
    "street light": "street light",
}
"""Pairs of words that mean something else than their parts, whatever the list of synonyms says."""

CATEGORIES = 80


@frozen
class Mention:
    """A word of a text, and the category it names."""

    word: str
    category: str


@frozen
class Lexicon:
    """The words for each category."""

    category: Mapping[str, str]
    _pairs: Mapping[str, str] = field(init=False)
    _whole: frozenset[str] = field(init=False)

    @_pairs.default
    def _make_pairs(self) -> Mapping[str, str]:
        return {word: word for word in self.category if word.count(" ") == 1} | _MERGED

    @_whole.default
    def _make_whole(self) -> frozenset[str]:
        return frozenset(part for word in (*self.category, *self._pairs) for part in word.split())

    def mentions(self, text: str) -> list[Mention]:
        """Return the objects a text names, in order, as often as it names them.

        >>> [one.category for one in lexicon().mentions("Two hot dogs, a baby elephant and a man with his dogs")]
        ['hot dog', 'elephant', 'person', 'dog']
        """
        words = self._merged([word if word in self._whole else singular(word) for word in tokens(text)])
        if "toilet" in words:
            words = [word for word in words if word != "seat"]
        return [Mention(word, self.category[word]) for word in words if word in self.category]

    def _merged(self, words: Sequence[str]) -> list[str]:
        made = []
        after = 0
        for place, word in enumerate(words):
            if place < after:
                continue
            pair = " ".join(words[place : place + 2])
            if pair not in self._pairs:
                # The last word of a pair may be a plural that the list has as a word of its own, as in "tv sets".
                pair = " ".join((word, *map(singular, words[place + 1 : place + 2])))
            made.append(self._pairs.get(pair, word))
            after = place + 2 if pair in self._pairs else place + 1
        return made

    def objects(self, texts: Sequence[str]) -> set[str]:
        """Return the categories that any of the texts names."""
        return {one.category for text in texts for one in self.mentions(text)}


@cache
def lexicon(path: Path | None = None) -> Lexicon:
    """Return the lexicon of a file with a line per category: the category, and words for it, between commas.

    Without a path it is the plugin's own. Raises :class:`StageError` for a file that is not such a list.
    """
    source = path or files("pairsmith_benchmarks").joinpath("coco_synonyms.txt")
    try:
        text = source.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        msg = f"synonyms: {str(source)!r} cannot be read: {error}"
        raise StageError(msg) from None
    category: dict[str, str] = {}
    names = []
    for number, words in _lines(text):
        names.append(words[0])
        for word in words:
            if category.setdefault(word, words[0]) != words[0]:
                msg = f"synonyms: {str(source)!r}, line {number}: {word!r} is a word for {category[word]!r} already"
                raise StageError(msg)
    if len(names) != CATEGORIES:
        msg = f"synonyms: {str(source)!r} must have {CATEGORIES} lines, one a category of MSCOCO: it has {len(names)}"
        raise StageError(msg)
    return Lexicon(category)


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(text.splitlines(), start=1):
        words = [word.strip().lower() for word in line.split(",") if word.strip()]
        if words and not words[0].startswith("#"):
            yield number, words

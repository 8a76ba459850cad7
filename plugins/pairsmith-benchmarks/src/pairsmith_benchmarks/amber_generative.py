"""AMBER's generative task: Wang et al., arXiv 2311.07397, section 3.3, as their ``inference.py`` computes it.

Of an answer's nouns, those in AMBER's vocabulary are looked at. One of the safe words is passed over. One that is a
truth word or associated with one covers that truth word; one that is neither, but similar to one, covers it too; any
other is made up. Independently, a noun that no truth word explains exactly, and that is, or is similar to, one of the
objects which people expect in such a picture, is a cognitive slip.

    chair  made-up nouns / nouns looked at          over all answers, lower is better
    cover  truth words covered / truth words        over all answers
    hal    answers with a made-up noun / answers    lower is better
    cog    expected objects named / expected ones   over all answers, lower is better

In percent. The brackets in a metric's name say how nouns were found and which rule of similarity held:
``[nltk,spacy:en_core_web_lg]`` is the original's.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from attrs import frozen

from pairsmith.errors import StageError
from pairsmith.interfaces import Run, Scores
from pairsmith_benchmarks.amber import Associations, associations, folder_of, items
from pairsmith_benchmarks.answers import Answers, Record, added, average, known, named, share
from pairsmith_benchmarks.items import Directions, Item, ItemBenchmark, matched
from pairsmith_benchmarks.noun_finders import NounFinder, noun_finder
from pairsmith_benchmarks.options import AmberGenerativeOptions
from pairsmith_benchmarks.similarity import Similar, same_word, similarity

DIRECTIONS = Directions(lower=("chair", "hal", "cog"), neutral=("length",))


class AmberGenerative(ItemBenchmark):
    """Descriptions of 1,004 images."""

    source: ClassVar[str] = "AMBER, generative: Wang et al., arXiv 2311.07397"

    def __init__(self, options: AmberGenerativeOptions, run: Run) -> None:  # noqa: ARG002 - every factory is given the run
        """Read the vocabulary, and load what finds nouns and compares words."""
        self._options = options
        self.images = options.images or options.path / "image"
        self._folder = folder_of(options.path, "amber-generative")
        self._words = associations(self._folder)
        vocabulary = self._words.vocabulary
        self._nouns = noun_finder(options.nouns, vocabulary)
        self._similar = similarity(options.similarity, options.vectors, vocabulary, options.threshold)

    def items(self) -> Sequence[Item]:
        """Return the 1,004 questions."""
        found = list(items(self._folder, "generative"))
        for item in found:
            strangers = [word for word in (*item.truth["truth"], *item.truth["hallu"]) if word not in self._words.words]
            if strangers:
                self._folder.refuse(f"has no associations for {strangers[0]!r} of question {item.id} in relation.json")
        return found

    def check_images(self, items: Sequence[Item]) -> None:
        """Refuse to begin where images are missing."""
        self._folder.images(self.images, [item.image for item in items])

    def rate(self, items: Sequence[Item], answers: Answers) -> Scores:
        """Score answers to some items."""
        return score(items, answers, self._words, nouns=self._nouns, similar=self._similar, mode=self._options.mode)

    def metrics(self, sums: Mapping[str, float]) -> dict[str, float]:
        """Return the metrics of totals."""
        return known(named(of_sums(sums), f"[{self._options.mode}]", but=("length",)))


def score(
    items: Sequence[Item],
    answers: Answers,
    words: Associations,
    *,
    nouns: NounFinder,
    similar: Similar = same_word,
    mode: str = "",
) -> Scores:
    """Score answers; the truth of an item is ``{"truth": [words], "hallu": [words]}``."""
    found, by_id = matched("amber-generative", items, answers)
    vocabulary = words.vocabulary
    records = {}
    for one, text in found.texts.items():
        known_nouns = [noun for noun in nouns(text) if noun in vocabulary]
        records[one] = {**judge(known_nouns, by_id[one].truth, words, similar), "words": len(text.split())}
    every = found.records(records)
    suffix = f"[{mode}]" if mode else ""
    return DIRECTIONS.scores(named(rates(every), suffix, but=("length",)), found, every, sums_of)


@frozen
class _Expected:
    """Objects and the words that stand for them, in the order in which the original looks them up."""

    owners: Sequence[tuple[str, int]]
    count: int

    def exactly(self, noun: str) -> int | None:
        return next((owner for word, owner in self.owners if word == noun), None)

    def like(self, noun: str, similar: Similar) -> int | None:
        return next((owner for word, owner in self.owners if similar(noun, word)), None)


def _expected(objects: Sequence[str], words: Associations) -> _Expected:
    """Put all associated words first and the objects themselves last: a word of two objects is the first one's."""
    around = [(other, owner) for owner, one in enumerate(objects) for other in words.words[one]]
    return _Expected([*around, *((one, owner) for owner, one in enumerate(objects))], len(objects))


def judge(nouns: Sequence[str], truth: Mapping[str, Any], words: Associations, similar: Similar) -> dict[str, Any]:
    """Return what is kept of one answer: its nouns, which are made up, and how much of what was expected it names.

    Raises :class:`StageError` where an object of the truth has no associations.
    """
    try:
        there, feared = _expected(truth["truth"], words), _expected(truth["hallu"], words)
    except KeyError as error:
        msg = f"amber-generative: relation.json has no associations for {error}; download the file again"
        raise StageError(msg) from None
    covered: set[int | None] = set()
    slips: set[int | None] = set()
    made_up = []
    for noun in nouns:
        if noun in words.safe:
            continue
        if (owner := there.exactly(noun)) is not None:
            covered.add(owner)
            continue
        slips |= {feared.exactly(noun), feared.like(noun, similar)}
        owner = there.like(noun, similar)
        covered.add(owner)
        if owner is None:
            made_up.append(noun)
    return {
        "nouns": len(nouns),
        "made_up": made_up,
        "covered": len(covered - {None}),
        "truth": there.count,
        "slips": len(slips - {None}),
        "feared": feared.count,
    }


def rates(records: Sequence[Record]) -> dict[str, float | None]:
    """Return the metrics of records of nouns.

    >>> one = {"nouns": 4, "made_up": ["dog"], "covered": 2, "truth": 7, "slips": 1, "feared": 5, "words": 10}
    >>> rates([one, {**one, "nouns": 6, "made_up": [], "covered": 5, "slips": 0}])
    {'chair': 10.0, 'cover': 50.0, 'hal': 50.0, 'cog': 10.0, 'length': 10.0}
    """
    return of_sums(added(map(sums_of, records)))


def sums_of(record: Record) -> dict[str, float]:
    """Return what one answer adds to the sums that the metrics are made of."""
    if "nouns" not in record:
        return {}
    false = len(record["made_up"])
    own = {name: record[name] for name in ("nouns", "covered", "truth", "slips", "feared", "words")}
    return {"answers": 1, "made_up": false, "answers_false": int(false > 0), **own}


def of_sums(sums: Mapping[str, float]) -> dict[str, float | None]:
    """Return the metrics of totals."""
    return {
        "chair": share(sums, "made_up", "nouns"),
        "cover": share(sums, "covered", "truth"),
        "hal": share(sums, "answers_false", "answers"),
        "cog": share(sums, "slips", "feared"),
        "length": average(sums, "words", "answers"),
    }

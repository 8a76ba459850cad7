"""Rules for when two words mean about the same: by name only, or by the angle between word vectors."""

import math
from collections.abc import Callable, Sequence
from functools import cache
from operator import mul
from pathlib import Path
from typing import Any

from pairsmith.errors import StageError

Similar = Callable[[str, str], bool]
Vectors = Callable[[str], Sequence[float] | None]
"""Returns a word's vector, or nothing where the word is unknown."""


def same_word(one: str, other: str) -> bool:
    """Tell whether two words are the same."""
    return one == other


def similarity(rule: str, vectors: str, vocabulary: frozenset[str], threshold: float) -> Similar:
    """Return the rule ``synonyms`` (nothing but AMBER's associations), ``spacy`` or ``vectors`` (a text file).

    Raises :class:`StageError` where what a rule needs is missing.
    """
    match rule:
        case "synonyms":
            return same_word
        case "spacy":
            return above(spacy_vectors(vectors), threshold)
        case _:
            return above(text_vectors(Path(vectors), vocabulary), threshold)


def above(vectors: Vectors, threshold: float) -> Similar:
    """Return the rule that the cosine of two words' vectors is more than ``threshold``; an unknown one is only like itself.

    >>> rule = above({"cat": (1.0, 0.0), "kitten": (1.0, 0.5), "car": (0.0, 1.0)}.get, 0.8)
    >>> rule("cat", "kitten"), rule("cat", "car"), rule("cat", "dog"), rule("dog", "dog")
    (True, False, False, True)
    """

    @cache
    def unit(word: str) -> Sequence[float] | None:
        vector = vectors(word)
        length = math.hypot(*vector) if vector is not None else 0.0
        return [value / length for value in vector] if vector is not None and length else None

    @cache
    def ordered(one: str, other: str) -> bool:
        first, second = unit(one), unit(other)
        return first is not None and second is not None and sum(map(mul, first, second)) > threshold

    return lambda one, other: one == other or (ordered(one, other) if one < other else ordered(other, one))


def spacy_vectors(model: str) -> Vectors:
    """Return the vectors of a spaCy model, installed or in a folder; those of a text are the mean of its words'."""
    try:
        import spacy
    except ImportError:
        msg = "similarity = 'spacy' needs spaCy: pip install 'pairsmith-benchmarks[spacy]'"
        raise StageError(msg) from None
    try:
        pipeline: Any = spacy.load(model)
    except OSError:
        msg = (
            f"similarity = 'spacy' needs the model {model!r}: python -m spacy download en_core_web_lg, or give "
            f"'vectors' the path of a model that has vectors"
        )
        raise StageError(msg) from None
    if not pipeline.vocab.vectors_length:
        msg = f"the spaCy model {model!r} has no word vectors; use en_core_web_md or en_core_web_lg"
        raise StageError(msg)
    return lambda word: [float(value) for value in pipeline.make_doc(word).vector]


def text_vectors(path: Path, vocabulary: frozenset[str]) -> Vectors:
    """Read the vectors of a vocabulary from a text file as GloVe, word2vec and fastText publish them.

    A line is a word and its numbers between blanks; a first line of two numbers is a header. Raises
    :class:`StageError` for a file that is no such list, or knows none of the words.
    """
    if not path.is_file():
        msg = (
            f"similarity = 'vectors' needs a file of word vectors as 'vectors', such as GloVe's: {str(path)!r} is none"
        )
        raise StageError(msg)
    found: dict[str, list[float]] = {}
    sizes = set()
    with path.open(encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, start=1):
            word, _, rest = line.rstrip().partition(" ")
            if word not in vocabulary or (number == 1 and rest.isdigit()):
                continue
            try:
                found[word] = [float(value) for value in rest.split()]
            except ValueError:
                msg = f"{str(path)!r}, line {number}: {word!r} must be followed by numbers: {rest[:40]!r}"
                raise StageError(msg) from None
            sizes.add(len(found[word]))
    if len(sizes) != 1:
        known = "none of the words asked for" if not sizes else f"vectors of {sorted(sizes)} numbers"
        msg = f"{str(path)!r} has {known}; give a text file with a word and its numbers a line"
        raise StageError(msg)
    return found.get

"""METEOR through libraries. The programs that bear its name differ, so the name of each goes with its numbers.

``stem`` and ``wordnet`` are NLTK's, after Lavie and Agarwal, ACL 2007: exact words, then stems, then (``wordnet`` only,
for it needs WordNet's data) synonyms. ``java`` is METEOR 1.5 of Denkowski and Lavie, WMT 2014, as COCO's caption scores
run it, with paraphrases.
"""

from collections.abc import Callable, Sequence
from typing import Any

from pairsmith.errors import StageError
from pairsmith_benchmarks.tokenizers import need_java

Meteor = Callable[[Sequence[Sequence[str]], Sequence[Sequence[Sequence[str]]]], list[float]]
"""Scores many texts, each against its references, from 0 to 1."""


class _NoSynonyms:
    """Stands where NLTK asks WordNet."""

    @staticmethod
    def synsets(_: str) -> tuple[()]:
        return ()


def meteor(name: str) -> Meteor:
    """Return ``stem``, ``wordnet`` or ``java``. Raises :class:`StageError` where what it needs is missing."""
    if name == "java":
        return _java()
    from nltk.translate.meteor_score import meteor_score

    synonyms: Any = _NoSynonyms() if name == "stem" else _wordnet()
    return lambda texts, references: [
        float(meteor_score(list(some), text, wordnet=synonyms)) if text else 0.0
        for text, some in zip(texts, references, strict=True)
    ]


def _wordnet() -> Any:  # noqa: ANN401 - NLTK has no types
    from nltk.corpus import wordnet

    try:
        wordnet.ensure_loaded()
    except LookupError:
        msg = (
            "meteor = 'wordnet' needs WordNet, which is not on this machine: python -m nltk.downloader wordnet; "
            "or set meteor = 'stem', which needs none"
        )
        raise StageError(msg) from None
    return wordnet


def _java() -> Meteor:
    try:
        from pycocoevalcap.meteor.meteor import Meteor as Program
    except ImportError:
        msg = "meteor = 'java' needs pycocoevalcap: pip install 'pairsmith-benchmarks[coco]'"
        raise StageError(msg) from None
    need_java("meteor = 'java'")

    def score(texts: Sequence[Sequence[str]], references: Sequence[Sequence[Sequence[str]]]) -> list[float]:
        if not texts:
            return []
        given = {number: [" ".join(text)] for number, text in enumerate(texts)}
        wanted = {number: [" ".join(one) for one in some] for number, some in enumerate(references)}
        program = Program()
        try:
            _, scores = program.compute_score(wanted, given)
        finally:
            for pipe in (program.meteor_p.stdin, program.meteor_p.stdout, program.meteor_p.stderr):
                pipe.close()
            program.meteor_p.kill()
            program.meteor_p.wait()
        return [float(one) for one in scores]

    return score

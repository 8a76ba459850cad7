"""Ways to find the nouns of a text."""

import re
from collections.abc import Callable, Sequence

from pairsmith.errors import StageError
from pairsmith_benchmarks.nouns import singular

NounFinder = Callable[[str], Sequence[str]]
"""Returns the nouns of a text in the singular, in order, as often as they occur."""

_WORD = re.compile(r"[A-Za-z]+(?:-[A-Za-z]+)*")
_DATA = ("punkt_tab", "averaged_perceptron_tagger_eng", "wordnet")


def noun_finder(name: str, vocabulary: frozenset[str]) -> NounFinder:
    """Return the finder ``words`` (no download) or ``nltk`` (needs NLTK's data).

    Raises :class:`StageError` where the data is missing, before anything is asked of a model.
    """
    return Words(vocabulary) if name == "words" else nltk_nouns()


class Words:
    """Takes every word of a vocabulary of nouns for one, whatever its part of speech.

    A word that is not in the vocabulary as it stands is looked up in lower case, and then in the singular.

    >>> Words(frozenset({"dog", "TV", "person"}))("Dogs, a TV and people that dog him")
    ['dog', 'TV', 'person', 'dog']
    """

    def __init__(self, vocabulary: frozenset[str]) -> None:
        """Take the nouns there are."""
        self._vocabulary = vocabulary

    def __call__(self, text: str) -> list[str]:
        """Return the nouns of a text."""
        found = []
        for word in _WORD.findall(text):
            low = word.lower()
            noun = next((one for one in (word, low, singular(low)) if one in self._vocabulary), None)
            if noun is not None:
                found.append(noun)
        return found


def nltk_nouns() -> NounFinder:
    """Return AMBER's own way: NLTK's tokeniser, its tagger (tags ``NN...``) and WordNet's lemmas; case is kept."""
    from nltk import pos_tag, word_tokenize
    from nltk.stem import WordNetLemmatizer

    lemmatizer = WordNetLemmatizer()
    finder = tagged_nouns(lambda text: pos_tag(word_tokenize(text)), lemmatizer.lemmatize)
    try:
        finder("A dog.")
    except LookupError:
        msg = (
            f"nouns = 'nltk' needs data of NLTK's that is not on this machine: python -m nltk.downloader "
            f"{' '.join(_DATA)}; or set nouns = 'words', which needs none"
        )
        raise StageError(msg) from None
    return finder


def tagged_nouns(tag: Callable[[str], Sequence[tuple[str, str]]], lemma: Callable[[str], str]) -> NounFinder:
    """Return a finder made of a tagger with Penn Treebank tags and a lemmatiser."""
    return lambda text: [lemma(word) for word, kind in tag(text) if kind.startswith("NN")]

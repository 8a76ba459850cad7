"""Ways to cut a caption into tokens. Every overlap metric depends on it, so the name of the way goes with the numbers."""

import re
import shutil
from collections.abc import Callable, Sequence

from pairsmith.errors import StageError

Tokenizer = Callable[[Sequence[str]], list[list[str]]]
"""Cuts many texts at once."""

_WORD = re.compile(r"\w+(?:['-]\w+)*")


def tokenizer(name: str) -> Tokenizer:
    """Return ``words``, ``whitespace``, ``treebank`` or ``ptb``.

    Raises :class:`StageError` where what it needs is missing.
    """
    match name:
        case "words":
            return lambda texts: [words(text) for text in texts]
        case "whitespace":
            return lambda texts: [text.split() for text in texts]
        case "treebank":
            return _treebank()
        case _:
            return _ptb()


def words(text: str) -> list[str]:
    """Return the words in lower case, without any mark; what an apostrophe or a hyphen joins is one word.

    >>> words("A dog\N{RIGHT SINGLE QUOTATION MARK}s T-shirt, café No. 7!")
    ['a', "dog's", 't-shirt', 'café', 'no', '7']
    """
    return _WORD.findall(text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"))


def _treebank() -> Tokenizer:
    from nltk.tokenize import NLTKWordTokenizer

    cut = NLTKWordTokenizer().tokenize
    return lambda texts: [list(cut(text)) for text in texts]


def _ptb() -> Tokenizer:
    """Return the tokeniser of COCO's caption scores: Stanford's, in lower case, most marks left out."""
    try:
        from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer
    except ImportError:
        msg = "tokens = 'ptb' needs pycocoevalcap: pip install 'pairsmith-benchmarks[coco]'"
        raise StageError(msg) from None
    need_java("tokens = 'ptb'")

    def cut(texts: Sequence[str]) -> list[list[str]]:
        # It reads a caption a line, so nothing that ends a line may be left in one; an empty last line would be lost.
        rows = {number: [{"caption": " ".join(text.split())}] for number, text in enumerate(texts) if text.strip()}
        made = PTBTokenizer().tokenize(rows) if rows else {}
        return [made[number][0].split() if number in made else [] for number in range(len(texts))]

    return cut


def need_java(what: str) -> None:
    """Refuse where there is no Java."""
    if shutil.which("java") is None:
        msg = f"{what} runs a Java program and there is no 'java' on the path; install a Java runtime"
        raise StageError(msg)

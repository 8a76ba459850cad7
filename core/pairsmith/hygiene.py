"""Leaves out, by name, pairs and demonstrations that nothing good can be learnt from.

Applied after every selector. Published sets need it as much as fresh ones: they hold empty answers, fragments of
another language and answers that repeat themselves up to the token limit.
"""

import re
import unicodedata
from collections import Counter
from difflib import SequenceMatcher
from hashlib import blake2b

from attrs import field, frozen
from attrs.validators import and_, ge, gt, le

from pairsmith.values import Demonstration, Pair, Response, turns

SHORT = 40
"""Two answers of at most this many characters are both short answers ("yes", "no"), and neither is a fragment."""

_UNSPACED = "\u0e00-\u0eff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W_{_UNSPACED}]+")


@frozen(kw_only=True)
class HygieneOptions:
    """The filters of ``[hygiene]``: a switch each, and its threshold where it has one.

    The defaults keep what differs in one word of thirty, for that word may be the whole difference between true and
    false, and answers of a few letters to a question that asks for no more.
    """

    empty: bool = field(default=True, metadata={"help": "leave out pairs with a side that has no text"})
    identical: bool = field(default=True, metadata={"help": "leave out pairs whose sides are the same but for spaces"})
    near_identical: bool = field(default=True, metadata={"help": "leave out pairs whose sides say the same words"})
    similarity: float = field(
        default=0.995,
        validator=and_(gt(0.0), le(1.0)),
        metadata={"help": "share of words in common, in order, from which sides are near-identical, 0 to 1"},
    )
    fragment: bool = field(
        default=True, metadata={"help": "leave out pairs with a side of a few letters beside a longer one"}
    )
    min_words: int = field(default=2, validator=ge(0), metadata={"help": "a side of fewer words is a fragment"})
    min_letters: int = field(
        default=4, validator=ge(0), metadata={"help": "a side of fewer letters and digits is a fragment"}
    )
    over_long: bool = field(default=True, metadata={"help": "leave out pairs with a side that runs on"})
    max_characters: int = field(
        default=4000, validator=ge(1), metadata={"help": "characters beyond which a side is over-long"}
    )
    length_ratio: bool = field(
        default=True, metadata={"help": "leave out pairs with one side many times longer than the other"}
    )
    max_ratio: float = field(
        default=4.0, validator=ge(1.0), metadata={"help": "characters of the longer side per character of the shorter"}
    )
    duplicate: bool = field(
        default=True,
        metadata={"help": "leave out what has been seen in this run with the same images, prompt and texts"},
    )


@frozen
class Drop:
    """Why something was left out: the filter's name, and what it saw."""

    reason: str
    detail: str


class Hygiene:
    """Looks at everything that is selected in a run, in order.

    The duplicate rule holds over the whole run: it remembers 8 bytes of what it lets pass, 75 bytes of memory a pair
    (measured on a million). Two different pairs among a million are taken for one with a chance of 3 in 10^8.

    >>> from pairsmith.values import Sample, user
    >>> sample = Sample(id="s", prompt=user("What is this?"))
    >>> answer = lambda text: Response(id=text, sample_id="s", text=text)
    >>> Hygiene(HygieneOptions()).reason(Pair(id="p", sample=sample, chosen=answer("A cat."), rejected=answer("")))
    Drop(reason='empty', detail='the rejected answer has no text')
    """

    def __init__(self, options: HygieneOptions) -> None:
        """Start with nothing seen."""
        self._options = options
        self._seen: set[bytes] = set()

    def reason(self, value: Pair | Demonstration) -> Drop | None:
        """Return why a pair or demonstration is to be left out, or ``None``, and then remember it."""
        drop = _look(value, self._options)
        if drop is not None or not self._options.duplicate:
            return drop
        digest = _digest(value)
        if digest in self._seen:
            return Drop("duplicate", "the same images, prompt and texts were selected before in this run")
        self._seen.add(digest)
        return None

    def remember(self, value: Pair | Demonstration) -> None:
        """Take note of what an earlier, interrupted part of this run let pass."""
        if self._options.duplicate:
            self._seen.add(_digest(value))


def _sides(value: Pair | Demonstration) -> dict[str, Response]:
    if isinstance(value, Pair):
        return {"chosen": value.chosen, "rejected": value.rejected}
    return {"chosen": value.chosen}


def _look(value: Pair | Demonstration, options: HygieneOptions) -> Drop | None:
    texts = {side: response.text.strip() for side, response in _sides(value).items()}
    for side, text in texts.items():
        if options.empty and not text:
            return Drop("empty", f"the {side} answer has no text")
        if options.fragment and text and not any(map(str.isalnum, text)):
            return Drop("fragment", f"the {side} answer {_excerpt(text)} has no letter and no digit")
        if options.over_long and len(text) > options.max_characters:
            return Drop("over-long", f"the {side} answer has {len(text):,} characters, over {options.max_characters:,}")
    return _compare(texts["chosen"], texts["rejected"], options) if isinstance(value, Pair) else None


def _compare(chosen: str, rejected: str, options: HygieneOptions) -> Drop | None:
    if options.identical and chosen.split() == rejected.split():
        return Drop("identical", f"both answers are {_excerpt(chosen)}")
    if options.fragment and max(len(chosen), len(rejected)) > SHORT:
        for side, text in (("chosen", chosen), ("rejected", rejected)):
            if _is_fragment(text, options):
                return Drop("fragment", f"the {side} answer is only {_excerpt(text)}")
    if options.near_identical:
        alike = similarity(chosen, rejected, at_least=options.similarity)
        if alike >= options.similarity:
            return Drop("near-identical", f"the answers share {alike:.1%} of their words, in order")
    return _ratio(chosen, rejected, options) if options.length_ratio else None


def _is_fragment(text: str, options: HygieneOptions) -> bool:
    letters = sum(map(str.isalnum, text))
    return letters < options.min_letters or sum(1 for _ in _WORD.finditer(text)) < options.min_words


def _ratio(chosen: str, rejected: str, options: HygieneOptions) -> Drop | None:
    short, long = sorted((len(chosen), len(rejected)))
    if long <= SHORT or long <= options.max_ratio * short:
        return None
    return Drop("length-ratio", f"the answers have {len(chosen):,} and {len(rejected):,} characters")


def words(text: str) -> list[str]:
    r"""Return what a text says, without case, punctuation and spacing; in unspaced scripts each character is a word.

    >>> words("A  Cat\u2019s ball, red_ish.")
    ['a', 'cat', 's', 'ball', 'red', 'ish']
    """
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def similarity(one: str, other: str, *, at_least: float = 0.0) -> float:
    """Return twice the words two texts share in order, over the words of both; 0 where that is below ``at_least``.

    Bounds that cost little (lengths, then word counts) decide most cases before any comparison of order.

    >>> round(similarity("a red circle left of it", "A blue circle, left of it"), 3)
    0.833
    """
    first, second = words(one), words(other)
    total = len(first) + len(second)
    if not total:
        return 1.0 if one.split() == other.split() else 0.0
    if 2 * min(len(first), len(second)) / total < at_least:
        return 0.0
    if 2 * (Counter(first) & Counter(second)).total() / total < at_least:
        return 0.0
    start, end = _shared_ends(first, second)
    middle = SequenceMatcher(None, first[start : len(first) - end], second[start : len(second) - end], autojunk=False)
    ratio = 2 * (start + end + sum(block.size for block in middle.get_matching_blocks())) / total
    return ratio if ratio >= at_least else 0.0


def _shared_ends(first: list[str], second: list[str]) -> tuple[int, int]:
    """Return how many words two texts share at the start, and how many of the others at the end."""
    shorter = min(len(first), len(second))
    start = next((n for n in range(shorter) if first[n] != second[n]), shorter)
    rest = shorter - start
    end = next((n for n in range(rest) if first[-1 - n] != second[-1 - n]), rest)
    return start, end


def _excerpt(text: str) -> str:
    return repr(text if len(text) <= SHORT else text[: SHORT - 1] + "…")


def _digest(value: Pair | Demonstration) -> bytes:
    digest = blake2b(digest_size=8)
    parts = [image.id or str(image.path) for image in value.sample.images]
    for side, response in _sides(value).items():
        parts.append(side)
        for turn in turns(value.sample, response):
            parts += (turn.role, turn.text)
        parts.append(response.text)
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.digest()

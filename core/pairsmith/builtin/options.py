"""Options of the core's own selectors, and of the generator that steers another."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from attrs import Attribute, field, frozen
from attrs.validators import and_, ge, gt, in_, le, min_len, optional

from pairsmith.builtin.steering import INSTRUCTION, PLACE
from pairsmith.rubric import HELPSTEER
from pairsmith.scores import SCORINGS, ScoreOptions, Scoring


@frozen(kw_only=True)
class BestWorstOptions(ScoreOptions):
    """Options of ``best-worst``."""

    min_margin: float = field(
        default=0.0,
        validator=ge(0.0),
        metadata={"help": "least difference of the two scores; equal scores never make a pair"},
    )
    rejected: Literal["worst", "random"] = field(
        default="worst",
        validator=in_(("worst", "random")),
        metadata={"help": "the worst answer, or a random one among those at least min_margin below the best"},
    )


@frozen(kw_only=True)
class MarginOptions(ScoreOptions):
    """Options of ``margin``. The defaults are DecompGen's (arXiv 2411.13697)."""

    score: Scoring = field(
        default="average",
        validator=in_(SCORINGS),
        metadata={"help": "as in the other selectors; the average (micro-averaged error rate) by default"},
    )
    min_margin: float = field(
        default=0.3,
        validator=ge(0.0),
        metadata={"help": "least difference of two scores, inclusive; equal scores never make a pair"},
    )
    per_image: int | None = field(
        default=None,
        validator=optional(ge(1)),
        metadata={"help": "at most so many pairs of a sample, those with the largest margins; all where left out"},
    )
    same_prompt: bool = field(
        default=False, metadata={"help": "pair only answers to the same prompt, where answers bring their own"}
    )
    cut_words: int | None = field(
        default=None,
        validator=optional(ge(1)),
        metadata={"help": "keep the first so many words of each answer of a pair (DecompGen: 100); all where left out"},
    )


@frozen(kw_only=True)
class RandomOptions(ScoreOptions):
    """Options of ``random``."""

    min_margin: float | None = field(
        default=None,
        validator=optional(ge(0.0)),
        metadata={
            "help": "take only samples whose best and worst scores differ by so much, as the recipe's own pairs do"
        },
    )
    per_image: int = field(default=1, validator=ge(1), metadata={"help": "at most so many pairs of a sample"})


@frozen(kw_only=True)
class DemonstrationsOptions(ScoreOptions):
    """Options of ``demonstrations``."""

    best: bool = field(
        default=False, metadata={"help": "take the best scored answer (rejection sampling), not those that were given"}
    )
    min_score: float | None = field(
        default=None, metadata={"help": "with best: leave out a sample whose best score is lower"}
    )
    preferred: Literal["take", "skip"] = field(
        default="take",
        validator=in_(("take", "skip")),
        metadata={"help": "take the chosen answer of a sample that came with a rejected one, or nothing of it"},
    )

    def __attrs_post_init__(self) -> None:
        """Refuse to skip samples for answers that are not read."""
        if self.best and self.preferred == "skip":
            msg = "preferred = 'skip' is about the answers that came with samples, best = true about scores; leave one out"
            raise ValueError(msg)


@frozen(kw_only=True)
class PublishedOptions:
    """Options of ``published``."""

    unlabelled: Literal["stop", "skip"] = field(
        default="stop",
        validator=in_(("stop", "skip")),
        metadata={"help": "stop at a sample whose answers carry no label, or make no pair of it: a demonstration"},
    )


def _has_place(_: object, attribute: "Attribute[Any]", value: str) -> None:
    if PLACE not in value or not value.partition(PLACE)[0].strip():
        msg = f"{attribute.name!r} must say something before {PLACE!r}: {value!r}"
        raise ValueError(msg)


def _some(_: object, attribute: "Attribute[Any]", value: Mapping[str, float]) -> None:
    if not value:
        msg = f"{attribute.name!r} must name at least one attribute: {value!r}"
        raise ValueError(msg)


@frozen(kw_only=True)
class GradedOptions(ScoreOptions):
    """What a selector compares by default that learns from a rubric's grades, as mllm-dpo's do."""

    score: Scoring = field(
        default="attributes",
        validator=in_(SCORINGS),
        metadata={"help": "as in the other selectors; the sum of a rubric's attributes by default"},
    )
    attributes: tuple[str, ...] = field(
        default=HELPSTEER[:3], metadata={"help": "with score = 'attributes': those that are summed"}
    )


@frozen(kw_only=True)
class Wrapping:
    """What a selector can be told that works on another one's pairs."""

    seed: int = field(default=0, metadata={"help": "another number draws otherwise"})
    selector: Mapping[str, Any] = field(
        metadata={
            "help": "the selector whose pairs these are: a table with use = NAME and its options",
            "component": "pair_selectors",
        }
    )


@frozen(kw_only=True)
class Steering:
    """What asking for attributes takes, at training and at inference."""

    instruction: str = field(
        default=INSTRUCTION,
        validator=_has_place,
        metadata={"help": "what follows the question; {attributes} becomes Name:grade,Name:grade"},
    )


@frozen(kw_only=True)
class MaxVsRandomBelowOptions(GradedOptions):
    """Options of ``max-vs-random-below``. The defaults are mllm-dpo's (arXiv 2402.10884)."""

    seed: int = field(default=0, metadata={"help": "another number draws otherwise"})
    gap: float = field(
        default=2.0, validator=ge(0.0), metadata={"help": "how far below the best a rejected answer is at least"}
    )


@frozen(kw_only=True)
class RejectionSamplingOptions(ScoreOptions):
    """Options of ``rejection-sampling``."""

    seed: int = field(default=0, metadata={"help": "another number draws otherwise"})
    min_score: float | None = field(
        default=None, metadata={"help": "leave out a sample whose best score is lower; none is where left out"}
    )
    ties: Literal["first", "random"] = field(
        default="first", validator=in_(("first", "random")), metadata={"help": "which of equally good answers is taken"}
    )


@frozen(kw_only=True)
class BestOnlyOptions(GradedOptions):
    """Options of ``best-only``. The defaults are mllm-dpo's: three attributes of 4 each, one answer a sample."""

    min_score: float = field(default=12.0, metadata={"help": "the score from which an answer counts as perfect"})
    per_sample: int = field(
        default=1,
        validator=ge(1),
        metadata={"help": "at most so many answers of a sample, the first ones"},
    )


@frozen(kw_only=True)
class SteerlmOptions(Steering):
    """Options of ``steerlm``."""

    attributes: tuple[str, ...] = field(
        default=HELPSTEER, validator=min_len(1), metadata={"help": "the attributes that a prompt asks for, in order"}
    )
    judge: str = field(default="", metadata={"help": "whose grades, where several judges gave attributes"})


@frozen(kw_only=True)
class SteeredOptions(Steering):
    """Options of ``steered``."""

    generator: Mapping[str, Any] = field(
        metadata={
            "help": "the generator that answers: a table with use = NAME and its options",
            "component": "generators",
        }
    )
    grades: Mapping[str, float] = field(
        factory=lambda: dict.fromkeys(HELPSTEER, 4.0),
        validator=_some,
        metadata={"help": "the grade that is asked for, by attribute, in this order"},
    )


@frozen(kw_only=True)
class SubsetOptions(Wrapping):
    """Options of ``subset``."""

    share: float = field(
        default=1.0, validator=and_(gt(0.0), le(1.0)), metadata={"help": "share that is taken, above 0 to 1"}
    )
    count: int | None = field(
        default=None, validator=optional(ge(1)), metadata={"help": "how many are taken, in place of a share"}
    )

    def __attrs_post_init__(self) -> None:
        """Take a share or a number, not both."""
        if self.count is not None and self.share != 1.0:
            msg = f"give 'share' or 'count', not both: {self.share!r} and {self.count!r}"
            raise ValueError(msg)


@frozen(kw_only=True)
class FlipOptions(Wrapping):
    """Options of ``flip``."""

    share: float = field(
        validator=and_(ge(0.0), le(1.0)), metadata={"help": "share of the pairs that is exchanged, 0 to 1"}
    )


@frozen(kw_only=True)
class LengthBalanceOptions(Wrapping):
    """Options of ``length-balance``."""

    unit: Literal["words", "characters"] = field(
        default="words", validator=in_(("words", "characters")), metadata={"help": "what lengths are counted in"}
    )


def _named_once(_: object, attribute: "Attribute[Any]", value: tuple[Mapping[str, Any], ...]) -> None:
    names = [str(table.get("name", number)) for number, table in enumerate(value)]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        msg = f"{attribute.name!r}: two have the name {twice!r}, which the ids of their samples begin with"
        raise ValueError(msg)
    for table in value:
        take = table.get("take", 1)
        if type(take) is not int or take < 1:
            msg = f"{attribute.name!r}: 'take' must be a number of samples, at least 1: {take!r}"
            raise ValueError(msg)


@frozen(kw_only=True)
class SeveralOptions:
    """Options of the source ``several``."""

    sources: tuple[Mapping[str, Any], ...] = field(
        validator=[min_len(1), _named_once],
        metadata={
            "help": "tables with use = NAME and its options; perhaps name, which ids begin with, and take, how many samples",
            "component": "image_sources",
            "besides": ("name", "take"),
        },
    )


def several_inputs(options: SeveralOptions) -> Sequence[Path]:
    """Return the files and folders that the sources' options name."""
    return [Path(text) for table in options.sources for text in table.values() if _is_path(text)]


def _is_path(text: object) -> bool:
    try:
        return isinstance(text, str) and Path(text).exists()
    except OSError:  # a text too long to be a name
        return False

"""Options of the core's own components."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from attrs import field, frozen
from attrs.validators import ge, in_, min_len, optional

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


@frozen(kw_only=True)
class StoredOptions:
    """Options of ``stored``."""

    path: Path = field(
        metadata={
            "help": "JSON lines or a JSON array of {id, response | text | responses, model?}; rows may share an id"
        }
    )
    id_field: str = field(default="id", validator=min_len(1), metadata={"help": "the field that holds the sample's id"})
    allow_unmatched: bool = field(
        default=False, metadata={"help": "go on where not one sample of a part has an answer in the file"}
    )


def stored_inputs(options: "StoredOptions | StoredClaimsOptions | StoredVerdictsOptions") -> Sequence[Path]:
    """Return the file of answers, claims or verdicts."""
    return (options.path,)


@frozen(kw_only=True)
class StoredSamplesOptions:
    """Options of the source ``stored``."""

    path: Path = field(metadata={"help": "JSON lines or a JSON array of samples, as 'pairsmith import' writes them"})
    images: Path | None = field(
        default=None, metadata={"help": "the folder that image paths start from; the file's own where left out"}
    )


def stored_samples_inputs(options: StoredSamplesOptions) -> Sequence[Path]:
    """Return the file of samples, and the folder of images where it is another."""
    return (options.path, *([options.images] if options.images else []))


@frozen(kw_only=True)
class StoredClaimsOptions:
    """Options of the decomposer ``stored``."""

    path: Path = field(
        metadata={"help": "JSON lines or a JSON array of {response_id, aspect, text, id?, depends_on?, data?}"}
    )
    id_field: str = field(
        default="response_id", validator=min_len(1), metadata={"help": "the field that holds the response's id"}
    )
    allow_unmatched: bool = field(
        default=False, metadata={"help": "a response that the file does not name has no claims, and is no error"}
    )


@frozen(kw_only=True)
class StoredVerdictsOptions:
    """Options of the judge ``stored``."""

    path: Path = field(
        metadata={"help": "JSON lines or a JSON array of {claim_id | response_id, outcome | score, judge?, evidence?}"}
    )
    about: Literal["claims", "responses"] = field(
        default="claims",
        validator=in_(("claims", "responses")),
        metadata={"help": "what the verdicts are on: joined by claim_id, or by response_id"},
    )
    aspects: tuple[str, ...] = field(
        default=(), metadata={"help": "with claims: the aspects the file has verdicts on; all where left out"}
    )
    allow_unmatched: bool = field(
        default=False, metadata={"help": "what the file has no verdict on counts as skipped, and is no error"}
    )

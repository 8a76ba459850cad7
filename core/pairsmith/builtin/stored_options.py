"""Options of the components that read what is stored: samples, answers, claims and verdicts."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from attrs import field, frozen
from attrs.validators import in_, min_len


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

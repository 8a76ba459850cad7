"""Options of the filter and the report, readable without any of their libraries."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from attrs import Attribute, field, frozen
from attrs.validators import and_, ge, in_, le

Table = Mapping[str, Any]


def _tables(_: object, attribute: "Attribute[Any]", value: tuple[Table, ...]) -> None:
    for table in value:
        if not isinstance(table, Mapping):
            msg = f"{attribute.name!r} must hold tables with use = NAME: {table!r}"
            raise ValueError(msg)  # noqa: TRY004 - options are refused by ValueError


@frozen(kw_only=True)
class AlikeOptions:
    """What counts as alike, and what a run's data is compared with besides itself."""

    benchmarks: tuple[Table, ...] = field(
        default=(),
        validator=_tables,
        metadata={
            "help": "benchmarks whose images and prompts must not be learnt from: tables as in [[benchmarks]]",
            "component": "benchmarks",
        },
    )
    sources: tuple[Table, ...] = field(
        default=(),
        validator=_tables,
        metadata={
            "help": "other sets that the run must not repeat: tables as in [images]",
            "component": "image_sources",
        },
    )
    max_distance: int = field(
        default=4,
        validator=and_(ge(0), le(10)),
        metadata={"help": "bits of 64 by which the perceptual hashes of two images that are alike may differ, 0 to 10"},
    )
    max_colour: int = field(
        default=32,
        validator=and_(ge(0), le(255)),
        metadata={"help": "levels of 255 by which the colours of a sixteenth of two images may differ, 0 to 255"},
    )
    similarity: float = field(
        default=0.8,
        validator=and_(ge(0.7), le(1.0)),
        metadata={"help": "share of common three-word sequences from which texts are alike, 0.7 to 1"},
    )
    min_words: int = field(
        default=8,
        validator=ge(1),
        metadata={"help": "words a benchmark's prompt must have to be compared: shorter ones are common questions"},
    )


@frozen(kw_only=True)
class DeduplicateOptions(AlikeOptions):
    """Options of ``deduplicate``."""

    selector: Table = field(
        metadata={
            "help": "the selector whose pairs these are: a table with use = NAME and its options",
            "component": "pair_selectors",
        }
    )
    duplicate: Literal["both", "image", "text", "none"] = field(
        default="both",
        validator=in_(("both", "image", "text", "none")),
        metadata={
            "help": "what must be alike in two pairs for the later one to go: image and text, either one, nothing"
        },
    )
    contamination: Literal["image", "prompt", "either", "both", "none"] = field(
        default="image",
        validator=in_(("image", "prompt", "either", "both", "none")),
        metadata={"help": "what must be alike in a pair and a benchmark or other set for the pair to go"},
    )


@frozen(kw_only=True)
class QualityOptions(AlikeOptions):
    """Options of ``quality``."""

    resamples: int = field(
        default=1000,
        validator=and_(ge(100), le(100_000)),
        metadata={"help": "resamples of the bootstrap, 100 to 100000"},
    )
    confidence: float = field(
        default=0.95, validator=and_(ge(0.5), le(0.999)), metadata={"help": "coverage of the intervals, 0.5 to 0.999"}
    )
    folds: int = field(
        default=5, validator=and_(ge(2), le(20)), metadata={"help": "parts that images are split into, 2 to 20"}
    )
    judged_pairs: int = field(
        default=20_000,
        validator=ge(100),
        metadata={"help": "pairs that the text-only judge is shown at most; of more so many are drawn"},
    )
    examples: int = field(
        default=5, validator=and_(ge(0), le(100)), metadata={"help": "examples of each finding, 0 to 100"}
    )
    seed: int = field(default=0, metadata={"help": "another number draws otherwise"})


def table_inputs(options: DeduplicateOptions) -> Sequence[Path]:
    """Return the files and folders that the tables of benchmarks, sources and the other selector name."""
    return list(dict.fromkeys(_paths((*options.benchmarks, *options.sources, options.selector))))


def _paths(value: object) -> Iterator[Path]:
    if isinstance(value, Mapping):
        for one in value.values():
            yield from _paths(one)
    elif isinstance(value, tuple | list):
        for one in value:
            yield from _paths(one)
    elif isinstance(value, str) and value and "\0" not in value and len(value) < 1024:  # noqa: PLR2004 - no path is longer
        try:
            there = Path(value).exists()
        except OSError:
            return
        if there:
            yield Path(value)

"""Options of the components. Imports no model library."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from attrs import field, frozen
from attrs.validators import ge, gt, in_, min_len

from pairsmith_compat.things import UNCOUNTED


@frozen(kw_only=True)
class Wording:
    """How a conversation is put otherwise."""

    system: str = field(default="", metadata={"help": "a system sentence, where the conversation has none"})
    before: str = field(default="", metadata={"help": "goes before the last question"})
    after: str = field(default="", metadata={"help": "goes after the last question, as a line break"})


@frozen(kw_only=True)
class RewordedSourceOptions(Wording):
    """Options of ``[images] use = "reworded"``."""

    source: Mapping[str, Any] = field(
        metadata={"help": "the source: a table with use = NAME and its options", "component": "image_sources"}
    )


@frozen(kw_only=True)
class RewordedGeneratorOptions(Wording):
    """Options of ``[responses] use = "reworded"``."""

    generator: Mapping[str, Any] = field(
        metadata={"help": "the generator: a table with use = NAME and its options", "component": "generators"}
    )
    one_line: bool = field(default=False, metadata={"help": "put a space in place of every line break of an answer"})
    keep_prompt: bool = field(
        default=True, metadata={"help": "answers belong to the sample's own words; false: to those they were asked in"}
    )


@frozen(kw_only=True)
class RewordedTrainerOptions(Wording):
    """Options of ``[train] use = "reworded"``."""

    trainer: Mapping[str, Any] = field(
        metadata={"help": "the trainer: a table with use = NAME and its options", "component": "trainers"}
    )


@frozen(kw_only=True)
class ClaimsOptions:
    """Options of ``[claims] use = "published-claims"``."""

    decomposer: Mapping[str, Any] = field(
        metadata={
            "help": "the decomposer whose replies are read, llm-fewshot: a table with use = NAME and its options",
            "component": "decomposers",
        }
    )
    first_bracket: bool = field(
        default=False,
        metadata={"help": "read the things of the first bracket only, as templates that list them in one want it"},
    )


@frozen(kw_only=True)
class FreshDrawsOptions:
    """Options of ``[pairs] use = "fresh-draws"``."""

    selector: Mapping[str, Any] = field(
        metadata={"help": "the selector: a table with use = NAME and its options", "component": "pair_selectors"}
    )
    times: int = field(
        default=2,
        validator=ge(2),
        metadata={
            "help": "times each pair is there, to be seen once each: [hygiene] duplicate = false, epochs as many fewer"
        },
    )


@frozen(kw_only=True)
class SpatialOptions:
    """Options of ``[[judges]] use = "published-spatial"``."""

    judge: Mapping[str, Any] = field(
        metadata={"help": "the judge: a table with use = NAME and its options", "component": "judges"}
    )


@frozen(kw_only=True)
class AnswersOptions:
    """Options of ``[[judges]] use = "published-answers"``."""

    judge: Mapping[str, Any] = field(
        metadata={"help": "the judge, vqa: a table with use = NAME and its options", "component": "judges"}
    )


@frozen(kw_only=True)
class ObjectsOptions:
    """Options of ``[pairs] use = "published-objects"``."""

    selector: Mapping[str, Any] = field(
        metadata={"help": "the selector: a table with use = NAME and its options", "component": "pair_selectors"}
    )
    uncounted: tuple[str, ...] = field(
        default=UNCOUNTED, metadata={"help": "things whose being there counts neither way; DecompGen's by default"}
    )


@frozen(kw_only=True)
class ByRowOptions:
    """Options of ``[corruptions.image]`` and ``[corruptions.context]`` ``use = "by-row"``."""

    corruption: Mapping[str, Any] = field(
        metadata={"help": "the corruption: a table with use = NAME and its options", "component": "corruptions"}
    )


@frozen(kw_only=True)
class DpoOptions:
    """Options of ``[loss] use = "published-dpo"``."""

    beta: float = field(
        default=0.1, validator=gt(0.0), metadata={"help": "how far the policy may move from the reference"}
    )
    reference: Literal["sum", "mean"] = field(
        default="sum",
        validator=in_(("sum", "mean")),
        metadata={"help": "of the reference's tokens, while the policy's are summed (DecompGen: mean)"},
    )
    empty: Literal["end", "nothing"] = field(
        default="end",
        validator=in_(("end", "nothing")),
        metadata={"help": "an answer without words counts as its end token, or as nothing at all (PDS-DPO)"},
    )


@frozen(kw_only=True)
class FamilyOptions:
    """Options of ``[model] use = "without-end"``."""

    family: Mapping[str, Any] = field(
        metadata={"help": "the family: a table with use = NAME and its options", "component": "model_families"}
    )


@frozen(kw_only=True)
class TemplateOptions(FamilyOptions):
    """Options of ``[model] use = "with-template"``."""

    marks: tuple[str, ...] = field(
        default=("<|im_start|>", "<|im_end|>"),
        validator=min_len(1),
        metadata={"help": "the template's tokens around turns, learnt with a line break that follows one"},
    )


@frozen(kw_only=True)
class ReferenceOptions:
    """Options of ``[train] use = "published-reference"``."""

    trainer: Mapping[str, Any] = field(
        metadata={"help": "the trainer: a table with use = NAME and its options", "component": "trainers"}
    )
    cut_words: int = field(
        default=100, validator=ge(1), metadata={"help": "words of an answer that are trained on; its reference has all"}
    )
    keeps: Literal["mean", "sum"] = field(
        default="mean",
        validator=in_(("mean", "sum")),
        metadata={"help": "what of the whole answer's log-probability the cut answer's tokens come to"},
    )


def source_inputs(options: RewordedSourceOptions) -> Sequence[Path]:
    """Return the files and folders that the source's options name."""
    return [Path(text) for text in options.source.values() if isinstance(text, str) and _is_path(text)]


def _is_path(text: str) -> bool:
    try:
        return Path(text).exists()
    except OSError:  # a text too long to be a name
        return False

"""Options of this plugin's judges. Imports no model library."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from attrs import Attribute, field, frozen
from attrs.validators import ge, in_, matches_re, min_len, optional

from pairsmith.component import Needs
from pairsmith.grading import GradingOptions
from pairsmith_hf.options import BYTES, PlaceOptions, needs_of

Handling = Literal["strip", "keep", "add"]
HANDLINGS: tuple[Handling, ...] = ("strip", "keep", "add")
DTYPES = ("auto", "float32", "bfloat16", "float16")

OBJECTIVES = (
    "helpsteer-helpfulness",
    "helpsteer-correctness",
    "helpsteer-coherence",
    "helpsteer-complexity",
    "helpsteer-verbosity",
    "ultrafeedback-overall_score",
    "ultrafeedback-instruction_following",
    "ultrafeedback-truthfulness",
    "ultrafeedback-honesty",
    "ultrafeedback-helpfulness",
    "beavertails-is_safe",
    "prometheus-score",
    "argilla-overall_quality",
    "argilla-judge_lm",
    "code-complexity",
    "code-style",
    "code-explanation",
    "code-instruction-following",
    "code-readability",
)
"""ArmoRM's objectives, in the order of its head (arXiv 2406.12845, table 1, and the model's card)."""


@frozen(kw_only=True)
class RewardOptions:
    """Options of ``[[judges]] use = "reward-model"``."""

    model: str = field(validator=min_len(1), metadata={"help": "the reward model: a directory or a hub id"})
    revision: str | None = field(default=None, metadata={"help": "branch, tag or commit of a hub id"})
    score: Mapping[str, float] = field(
        factory=dict,
        metadata={"help": "the sum of these labels, each times its number; left out: the only label"},
    )
    image_marker: Handling = field(
        default="strip",
        validator=in_(HANDLINGS),
        metadata={
            "help": "<image> in a question: strip it, keep it, or add it where it is not, as PDS-DPO's judge saw it"
        },
    )
    echo: Handling = field(
        default="strip",
        validator=in_(HANDLINGS),
        metadata={"help": "the question at an answer's start: strip it, keep it, or add it, as PDS-DPO's judge saw it"},
    )
    batch_size: int = field(default=8, validator=ge(1), metadata={"help": "answers scored together"})
    max_length: int = field(
        default=0,
        validator=ge(0),
        metadata={"help": "tokens of question and answer; longer ones are skipped, never cut; 0: the model's limit"},
    )
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = field(
        default="auto",
        validator=in_(DTYPES),
        metadata={"help": "type of the weights; auto: bfloat16 on a GPU, or float32"},
    )
    device: str = field(default="auto", metadata={"help": "auto, cpu, cuda or cuda:N"})
    name: str | None = field(
        default=None,
        validator=optional(matches_re(r"[\w.-]+")),
        metadata={"help": "the name its work goes by; needed where a recipe has several of a kind"},
    )


def _objectives(_: object, attribute: "Attribute[Any]", value: Mapping[str, float]) -> None:
    for name in value:
        if name not in OBJECTIVES:
            msg = f"{attribute.name!r}: {name!r} is none of ArmoRM's objectives: {', '.join(OBJECTIVES)}"
            raise ValueError(msg)


@frozen(kw_only=True)
class ArmoOptions(RewardOptions):
    """Options of ``[[judges]] use = "armorm"``."""

    model: str = field(
        default="RLHFlow/ArmoRM-Llama3-8B-v0.1",
        validator=min_len(1),
        metadata={"help": "ArmoRM's weights: a directory or a hub id"},
    )
    score: Mapping[str, float] = field(
        factory=dict,
        validator=_objectives,
        metadata={"help": "the sum of these objectives, each times its number; left out: ArmoRM's gated score"},
    )


@frozen(kw_only=True)
class VlmOptions(PlaceOptions, GradingOptions):
    """Options of ``[[judges]] use = "vlm"``."""

    model: Mapping[str, Any] = field(
        metadata={"help": "the model that judges: a table as [model] has it", "component": "model_families"}
    )
    mode: Literal["rubric", "p-yes"] = field(
        default="rubric",
        validator=in_(("rubric", "p-yes")),
        metadata={"help": "rubric: grades of all answers at once; p-yes: the probability that each answer is right"},
    )
    prompt: Path | None = field(
        default=None, metadata={"help": "a file with the instructions, in place of those that come with the plugin"}
    )
    reasks: int = field(
        default=2,
        validator=ge(0),
        metadata={"help": "times a reply that cannot be used is sent back with what is wrong"},
    )
    max_new_tokens: int = field(default=1024, validator=ge(1), metadata={"help": "longest reply, in tokens"})
    batch_size: int = field(
        default=4, validator=ge(1), metadata={"help": "samples (p-yes: answers) asked about together"}
    )
    name: str | None = field(
        default=None,
        validator=optional(matches_re(r"[\w.-]+")),
        metadata={"help": "the name its work goes by; needed where a recipe has several of a kind"},
    )


def prompt_inputs(options: VlmOptions) -> Sequence[Path]:
    """Return the file of instructions, where there is one."""
    return () if options.prompt is None else (options.prompt,)


def reward_needs(options: RewardOptions) -> Needs:
    """Return what a reward model asks of the machine; with dtype auto, as on a GPU."""
    return needs_of(options.model, BYTES["bfloat16" if options.dtype == "auto" else options.dtype])


def reward_inputs(options: RewardOptions) -> Sequence[Path]:
    """Return the model where it is a directory."""
    return [path for path in (Path(options.model),) if path.is_dir()]

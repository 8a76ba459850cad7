"""Options of the judge. Imports no model library."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from attrs import Attribute, field, frozen
from attrs.validators import and_, deep_iterable, ge, in_, le, min_len

from pairsmith.checkpoints import model_needs
from pairsmith.component import Needs
from pairsmith.sizes import Size
from pairsmith_vqa.questions import QUESTIONS, unknown_place

Aspect = Literal["object", "attribute", "scale", "count", "relation", "spatial", "text"]
ASPECTS: tuple[Aspect, ...] = ("object", "attribute", "scale", "count", "relation", "spatial", "text")
DTYPES = ("auto", "float32", "bfloat16", "float16")
BYTES = {"auto": 2, "float32": 4, "bfloat16": 2, "float16": 2}
"""Bytes of a number in memory; auto is counted as on a GPU."""
SIZES = {
    "Salesforce/blip2-flan-t5-xl": Size(parameters=3.94e9, stored=4),
    "Salesforce/blip2-flan-t5-xxl": Size(parameters=12.2e9, stored=4),
    "Salesforce/blip2-opt-2.7b": Size(parameters=3.74e9, stored=4),
    "Salesforce/blip2-opt-6.7b": Size(parameters=7.75e9, stored=4),
    "Salesforce/blip-vqa-base": Size(parameters=0.385e9, stored=4),
    "Salesforce/blip-vqa-capfilt-large": Size(parameters=0.385e9, stored=4),
    "dandelin/vilt-b32-finetuned-vqa": Size(parameters=0.118e9, stored=4),
    "textattack/distilbert-base-uncased-CoLA": Size(parameters=0.067e9, stored=4, copies=2),
    "textattack/bert-base-uncased-CoLA": Size(parameters=0.11e9, stored=4, copies=2),
    "textattack/roberta-base-CoLA": Size(parameters=0.125e9, stored=4, copies=2),
}
"""Published models whose names do not tell how large they are."""
_SHARE = and_(ge(0.0), le(1.0))


def _questions(_: object, __: object, value: Mapping[str, str]) -> None:
    for aspect, text in value.items():
        if aspect not in QUESTIONS:
            msg = f"'questions' has no aspect {aspect!r}; there are {', '.join(QUESTIONS)}"
            raise ValueError(msg)
        wrong = unknown_place(aspect, text)
        if wrong is not None:
            msg = f"'questions': {aspect} = {text!r}: {wrong}"
            raise ValueError(msg)


def _prompt(_: object, attribute: "Attribute[Any]", value: str) -> None:
    if value and value.count("{}") != 1:
        msg = f"{attribute.name!r} must hold '{{}}' once, where the question goes: {value!r}"
        raise ValueError(msg)


@frozen(kw_only=True)
class VqaOptions:
    """Options of ``[[judges]] use = "vqa"``."""

    model: str = field(
        default="Salesforce/blip2-flan-t5-xl",
        validator=min_len(1),
        metadata={
            "help": "BLIP-2, BLIP or ViLT for questions, or any image-text-to-text model: a directory or a hub id"
        },
    )
    revision: str | None = field(default=None, metadata={"help": "branch, tag or commit of a hub id"})
    aspects: tuple[Aspect, ...] = field(
        default=("attribute", "relation"),
        validator=[min_len(1), deep_iterable(in_(ASPECTS))],
        metadata={"help": "the claims it is asked about"},
    )
    questions: Mapping[str, str] = field(
        factory=dict,
        validator=_questions,
        metadata={"help": "own wording of an aspect, e.g. 'Is the {object} {attribute}?'"},
    )
    prompt: str = field(
        default="",
        validator=_prompt,
        metadata={"help": "what stands around the question {}; empty: what the kind of model was trained with"},
    )
    answer: Literal["generated", "p-yes"] = field(
        default="generated",
        validator=in_(("generated", "p-yes")),
        metadata={"help": "generated: the yes or no it says; p-yes: its probability of yes against no"},
    )
    threshold: float = field(
        default=0.5, validator=_SHARE, metadata={"help": "probability of yes from which a claim is supported (p-yes)"}
    )
    gate: str = field(
        default="", metadata={"help": "a classifier of grammatical sentences: a directory or a hub id; empty: no gate"}
    )
    gate_revision: str | None = field(default=None, metadata={"help": "branch, tag or commit of the gate's hub id"})
    gate_label: int = field(default=1, validator=ge(0), metadata={"help": "the gate's label that means grammatical"})
    gate_threshold: float = field(
        default=0.75,
        validator=_SHARE,
        metadata={"help": "probability of being grammatical below which nothing is judged"},
    )
    beams: int = field(
        default=1, validator=ge(1), metadata={"help": "beams searched side by side for the answer (generated); 1: none"}
    )
    length_penalty: float = field(
        default=1.0, metadata={"help": "of beams: below 0 favours short answers, above 0 long ones"}
    )
    temperature: float = field(
        default=0.0,
        validator=ge(0.0),
        metadata={
            "help": "0 answers greedily; above, answers are drawn, one question at a time from a seed of its own"
        },
    )
    top_k: int = field(default=0, validator=ge(0), metadata={"help": "likeliest tokens to draw from; 0 for all"})
    max_new_tokens: int = field(default=10, validator=ge(1), metadata={"help": "longest answer, in tokens"})
    batch_size: int = field(default=16, validator=ge(1), metadata={"help": "questions put to the model together"})
    max_pixels: int = field(
        default=40_000_000, validator=ge(1), metadata={"help": "width times height beyond which no image is decoded"}
    )
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = field(
        default="auto",
        validator=in_(DTYPES),
        metadata={"help": "type of the weights; auto: bfloat16 on a GPU, or float32"},
    )
    device: str = field(default="auto", metadata={"help": "auto, cpu, cuda or cuda:N"})
    trust_remote_code: bool = field(
        default=False, metadata={"help": "run Python code that comes with the model; read it first"}
    )

    def __attrs_post_init__(self) -> None:
        """Refuse a way of speaking where nothing that is said counts."""
        if self.answer == "p-yes" and (self.beams > 1 or self.temperature > 0):
            msg = (
                "answer = 'p-yes' reads a probability and no words, which beams and temperature are about; leave them out, "
                "or set answer = 'generated'"
            )
            raise ValueError(msg)


def needs(options: VqaOptions) -> Needs:
    """Return what the models, which are loaded together, ask of the machine."""
    return model_needs(options.model, options.gate, loaded=BYTES[options.dtype], known=SIZES)


def inputs(options: VqaOptions) -> Sequence[Path]:
    """Return the models that are directories."""
    return [path for path in map(Path, filter(None, (options.model, options.gate))) if path.is_dir()]

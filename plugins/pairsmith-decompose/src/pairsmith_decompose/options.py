"""Options of the decomposer. Imports no model library."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from attrs import field, frozen
from attrs.validators import deep_iterable, ge, in_, min_len

from pairsmith.checkpoints import model_needs
from pairsmith.component import Needs

Split = Literal["entity", "attribute", "count", "relation", "text"]
SPLITS: tuple[Split, ...] = ("entity", "attribute", "count", "relation", "text")
DTYPES = ("auto", "float32", "bfloat16", "float16")
BYTES = {"auto": 2, "float32": 4, "bfloat16": 2, "float16": 2}
"""Bytes of a number in memory; auto is counted as on a GPU."""

IMAGE_WORDS = ("image", "picture", "photo", "scene", "view", "frame", "figure", "side", "backdrop", "background")
"""Words for the image itself (DecompGen, arXiv 2411.13697): what is said of it is no claim about a thing in it."""

VAGUE = (
    "area",
    "arrangement",
    "atmosphere",
    "color",
    "colour",
    "design",
    "detail",
    "distance",
    "edge",
    "element",
    "group",
    "item",
    "light",
    "mood",
    "number",
    "object",
    "part",
    "piece",
    "setting",
    "space",
    "style",
    "surface",
    "thing",
    "variety",
)
"""Things that no detector can tell to be there or not."""


@frozen(kw_only=True)
class LlmFewshotOptions:
    """Options of ``[claims] use = "llm-fewshot"``."""

    model: str = field(
        default="meta-llama/Meta-Llama-3-8B-Instruct",
        validator=min_len(1),
        metadata={"help": "a causal language model: a directory or a hub id"},
    )
    revision: str | None = field(default=None, metadata={"help": "branch, tag or commit of a hub id"})
    splits: tuple[Split, ...] = field(
        default=("entity", "attribute", "count", "relation"),
        validator=[min_len(1), deep_iterable(in_(SPLITS))],
        metadata={"help": "what the model is asked for, one question each an answer"},
    )
    quotes: bool = field(default=True, metadata={"help": "make a text claim of everything between quotation marks"})
    templates: Path | None = field(
        default=None, metadata={"help": "a folder with own prompts: entity.txt, attribute.txt, ...; others stay ours"}
    )
    image_words: tuple[str, ...] = field(
        default=IMAGE_WORDS, metadata={"help": "words that mean the image itself, not a thing in it"}
    )
    vague: tuple[str, ...] = field(default=VAGUE, metadata={"help": "things that make no claim of being there"})
    singular: bool = field(default=True, metadata={"help": "look for 'dog' where an answer says 'dogs'"})
    max_new_tokens: int = field(default=256, validator=ge(1), metadata={"help": "longest reply, in tokens"})
    batch_size: int = field(default=16, validator=ge(1), metadata={"help": "prompts put to the model together"})
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = field(
        default="auto",
        validator=in_(DTYPES),
        metadata={"help": "type of the weights; auto: bfloat16 on a GPU, or float32"},
    )
    device: str = field(default="auto", metadata={"help": "auto, cpu, cuda or cuda:N"})
    trust_remote_code: bool = field(
        default=False, metadata={"help": "run Python code that comes with the model; read it first"}
    )


def needs(options: LlmFewshotOptions) -> Needs:
    """Return what the model asks of the machine."""
    return model_needs(options.model, loaded=BYTES[options.dtype])


def inputs(options: LlmFewshotOptions) -> Sequence[Path]:
    """Return the folder of the user's prompts, and the model where it is a directory."""
    model = Path(options.model)
    return (*([options.templates] if options.templates else []), *([model] if model.is_dir() else []))

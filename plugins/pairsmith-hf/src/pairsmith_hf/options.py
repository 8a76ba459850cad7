"""Options of this plugin's components. Imports no model library."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

from attrs import Attribute, field, frozen
from attrs.validators import ge, gt, in_, le, matches_re, optional

from pairsmith import checkpoints
from pairsmith.component import Needs
from pairsmith.sizes import Size
from pairsmith_hf import foreign

Dtype = Literal["float32", "bfloat16", "float16"]
DTYPES: tuple[Dtype, ...] = ("float32", "bfloat16", "float16")
BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
Attention = Literal["auto", "sdpa", "flex", "eager"]
Quantization = Literal["none", "8bit", "4bit", "4bit-fp4"]
QUANTIZATIONS: tuple[Quantization, ...] = ("none", "8bit", "4bit", "4bit-fp4")
BITS = {"8bit": 1.0, "4bit": 0.55, "4bit-fp4": 0.6}
"""Bytes a parameter, the scales counted in."""
SIZES = {
    "Qwen/Qwen-VL-Chat": Size(parameters=9.66e9, copies=2),
    "Qwen/Qwen2-VL-2B-Instruct": Size(parameters=2.21e9),
    "Qwen/Qwen2-VL-7B-Instruct": Size(parameters=8.29e9),
    "Qwen/Qwen2.5-VL-3B-Instruct": Size(parameters=3.75e9),
    "Qwen/Qwen2.5-VL-7B-Instruct": Size(parameters=8.29e9),
}
"""Published models that are larger than their names tell, or whose names do not tell it."""


def _readable(_: object, attribute: "Attribute[Any]", value: str) -> None:
    why = foreign.by_name(value)
    if why is not None:
        msg = f"{attribute.name!r}: {value!r} {why}"
        raise ValueError(msg)


def _readable_by_its_code(_: object, attribute: "Attribute[Any]", value: str) -> None:
    why = foreign.by_name_but_chat(value)
    if why is not None:
        msg = f"{attribute.name!r}: {value!r} {why}"
        raise ValueError(msg)


def _trusted(_: object, attribute: "Attribute[Any]", value: bool) -> None:  # noqa: FBT001 - attrs calls it so
    if not value:
        msg = (
            f"{attribute.name!r}: this family runs Python code that comes with the model; read that code, pin its commit "
            f"with 'revision' and set {attribute.name} = true, or {foreign.INSTEAD}"
        )
        raise ValueError(msg)


@frozen(kw_only=True)
class ModelOptions:
    """Options of ``[model]`` for every family that reads a model from a directory or the hub."""

    path: str = field(
        validator=_readable, metadata={"help": "a directory, a hub id, or the name of a model that a plugin ships"}
    )
    revision: str | None = field(default=None, metadata={"help": "branch, tag or commit of a hub id"})
    dtype: Dtype = field(default="float32", validator=in_(DTYPES), metadata={"help": "type of the weights in memory"})
    quantization: Quantization = field(
        default="none",
        validator=in_(QUANTIZATIONS),
        metadata={
            "help": "load the weights in 8 or 4 bits (NF4, or FP4) with bitsandbytes; then only an adapter is trained"
        },
    )
    attention: Attention = field(
        default="auto",
        validator=in_(get_args(Attention)),
        metadata={
            "help": "auto: FlexAttention for a training's long passes on a GPU, branch by branch on a CPU, else sdpa"
        },
    )
    trust_remote_code: bool = field(
        default=False, metadata={"help": "run Python code that comes with the model; read it, pin its 'revision'"}
    )


@frozen(kw_only=True)
class LlavaOptions(ModelOptions):
    """Options of ``[model] use = "llava"``."""

    pad_to_square: bool = field(
        default=False,
        metadata={
            "help": "pad images to a square with the mean colour, as the original LLaVA-1.5, instead of cropping"
        },
    )


@frozen(kw_only=True)
class LlavaNextOptions(ModelOptions):
    """Options of ``[model] use = "llava-next"``."""

    tiles: bool = field(
        default=True,
        metadata={
            "help": "read the whole picture and its tiles; false: one padded square, as LLaVA-1.5 and MCM-DPO do"
        },
    )


@frozen(kw_only=True)
class AutoOptions(ModelOptions):
    """Options of ``[model] use = "auto"``."""

    passes: Literal["auto", "separate"] = field(
        default="auto",
        validator=in_(("auto", "separate")),
        metadata={"help": "separate: never read the cells of a pair as one tree; auto: where the model allows it"},
    )


@frozen(kw_only=True)
class QwenVLChatOptions(ModelOptions):
    """Options of ``[model] use = "qwen-vl-chat"``."""

    path: str = field(
        validator=_readable_by_its_code, metadata={"help": "a directory or a hub id, with its code and safetensors"}
    )
    quantization: Literal["none"] = field(
        default="none", validator=in_(("none",)), metadata={"help": "none only: this code is not read rounded"}
    )
    attention: Literal["auto"] = field(
        default="auto", validator=in_(("auto",)), metadata={"help": "auto only: the model's code attends its own way"}
    )
    trust_remote_code: bool = field(
        default=False,
        validator=_trusted,
        metadata={"help": "must be true: run the model's Python code; read it, pin its 'revision'"},
    )


@frozen(kw_only=True)
class RandomLlavaOptions:
    """Options of ``[model] use = "random-llava"``. The defaults have LLaVA-1.5's images: 336 pixels, 576 tokens."""

    image_size: int = field(default=336, validator=ge(8), metadata={"help": "side of the image, in pixels"})
    patch_size: int = field(default=14, validator=ge(2), metadata={"help": "side of a patch, in pixels"})
    hidden_size: int = field(default=64, validator=ge(8), metadata={"help": "width of the language model"})
    layers: int = field(default=2, validator=ge(1), metadata={"help": "layers of the language model"})
    heads: int = field(default=4, validator=ge(1), metadata={"help": "attention heads of both models"})
    vision_hidden_size: int = field(default=32, validator=ge(8), metadata={"help": "width of the vision model"})
    vision_layers: int = field(default=2, validator=ge(2), metadata={"help": "layers of the vision model"})
    vocabulary: int = field(default=2000, validator=ge(300), metadata={"help": "tokens of the BPE tokenizer"})
    context: int = field(default=4096, validator=ge(64), metadata={"help": "longest sequence, in tokens"})
    std: float = field(default=0.02, validator=gt(0.0), metadata={"help": "spread of the random weights"})
    seed: int = field(default=0, validator=ge(0), metadata={"help": "seed of the random weights"})
    dtype: Dtype = field(default="float32", validator=in_(DTYPES), metadata={"help": "type of the weights in memory"})
    attention: Attention = field(
        default="auto",
        validator=in_(get_args(Attention)),
        metadata={
            "help": "auto: FlexAttention for a training's long passes on a GPU, branch by branch on a CPU, else sdpa"
        },
    )


@frozen(kw_only=True)
class PlaceOptions:
    """Where a model runs that answers or judges."""

    dtype: Dtype | None = field(
        default=None,
        validator=optional(in_(DTYPES)),
        metadata={"help": "type of the weights; the model's where absent"},
    )
    device: str = field(default="auto", metadata={"help": "auto, cpu, cuda or cuda:N"})


@frozen(kw_only=True)
class GeneratorOptions(PlaceOptions):
    """Options of ``[responses] use = "hf"``."""

    model: Mapping[str, Any] | None = field(
        default=None,
        metadata={
            "help": "a model of its own, a table as [model]; left out: the recipe's. An evaluated model answers itself",
            "component": "model_families",
        },
    )
    n: int = field(default=1, validator=ge(1), metadata={"help": "answers per sample, to each prompt"})
    prompts: tuple[str, ...] | Path = field(
        default=(),
        metadata={
            "help": "questions, each put to every sample in place of its own; or a .txt or .json of them; none in evaluation"
        },
    )
    prompt_mode: Literal["chat", "raw"] = field(
        default="chat",
        validator=in_(("chat", "raw")),
        metadata={"help": "chat: in the model's chat template; raw: only the image mark and the text, as PDS-DPO did"},
    )
    temperature: float = field(default=1.0, validator=ge(0.0), metadata={"help": "0 answers greedily"})
    top_p: float = field(default=1.0, validator=[gt(0.0), le(1.0)], metadata={"help": "nucleus, share of probability"})
    top_k: int = field(default=0, validator=ge(0), metadata={"help": "likeliest tokens to draw from; 0 for all"})
    beams: int = field(
        default=1, validator=ge(1), metadata={"help": "beams searched side by side for the likeliest answer; 1: none"}
    )
    max_new_tokens: int = field(default=512, validator=ge(1), metadata={"help": "longest answer, in tokens"})
    batch_size: int = field(default=16, validator=ge(1), metadata={"help": "sequences generated together"})
    name: str | None = field(
        default=None,
        validator=optional(matches_re(r"[\w.-]+")),
        metadata={"help": "goes into the ids of the answers; needed where several generators answer"},
    )


def generator_inputs(options: GeneratorOptions) -> Sequence[Path]:
    """Return the file of questions, where there is one."""
    return (options.prompts,) if isinstance(options.prompts, Path) else ()


def model_needs(options: ModelOptions) -> Needs:
    """Return what a model asks of the machine, as far as its name tells."""
    return needs_of(options.path, BITS.get(options.quantization, BYTES[options.dtype]))


def needs_of(path: str, bytes_each: float) -> Needs:
    """Return what a model asks of the machine whose parameters take so many bytes each, as far as its name tells."""
    return checkpoints.model_needs(path, loaded=bytes_each, known=SIZES)

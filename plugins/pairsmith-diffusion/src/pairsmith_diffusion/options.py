"""Options of the components, readable without a model library."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from attrs import Attribute, field, frozen
from attrs.validators import and_, deep_iterable, ge, gt, in_, le, matches_re, min_len, optional

CATEGORIES = (
    "animal", "art", "culinary", "daily", "fashion", "holiday", "home", "industrial",
    "nature", "plant", "school", "scifi", "transport", "urban", "weather",
)  # fmt: skip
"""The categories of the prompts that come with this plugin: those PDS-DPO (arXiv 2412.17417) reports of its own."""

Dtype = Literal["float32", "bfloat16", "float16"]
DTYPES: tuple[Dtype, ...] = ("float32", "bfloat16", "float16")
MOST_NUMBERED = 1000
"""Images of a prompt from which numbered seeds would repeat."""

QUESTION = "Describe the image in detail."
"""What is asked about an image whose prompt comes without a question."""

_IMAGE_REWARD = "THUDM/ImageReward"
_BERT = "google-bert/bert-base-uncased"


def _of_eight(_: object, attribute: "Attribute[Any]", value: int | None) -> None:
    if value is not None and (value < 8 or value % 8):  # noqa: PLR2004 - what pipelines ask for
        msg = f"{attribute.name!r} must be a multiple of 8, in pixels: {value!r}"
        raise ValueError(msg)


def _once(_: object, attribute: "Attribute[Any]", value: tuple[str, ...]) -> None:
    twice = next((name for name in value if value.count(name) > 1), None)
    if twice is not None:
        msg = f"{attribute.name!r}: {twice!r} is there twice; 'rounds' asks more often"
        raise ValueError(msg)


@frozen(kw_only=True)
class TextToImageOptions:
    """Options of ``text-to-image``. Guidance, steps and number of images are PDS-DPO's (arXiv 2412.17417)."""

    path: str = field(metadata={"help": "a directory or hub id of a diffusers pipeline"})
    revision: str | None = field(default=None, metadata={"help": "branch, tag or commit of a hub id"})
    variant: str | None = field(default=None, metadata={"help": "variant of the weights' files, e.g. fp16"})
    prompts: Path | None = field(
        default=None,
        metadata={"help": "a .txt with a prompt a line, or .jsonl or .json rows; our own set where left out"},
    )
    questions: Path | None = field(
        default=None, metadata={"help": "with prompts in a .txt: a .txt with the question to each image, line by line"}
    )
    question: str = field(
        default=QUESTION,
        validator=min_len(1),
        metadata={"help": "what is asked about an image whose prompt comes without a question"},
    )
    categories: tuple[str, ...] = field(
        default=(), metadata={"help": "take only prompts of these categories; all where left out"}
    )
    n: int = field(default=4, validator=ge(1), metadata={"help": "candidate images per prompt"})
    guidance: tuple[float, ...] = field(
        default=(5.0, 7.0, 9.0, 11.0),
        validator=deep_iterable(ge(0.0)),
        metadata={
            "help": "guidance scales: image k takes the k-th, from the first again; the pipeline's own where empty"
        },
    )
    steps: int = field(default=28, validator=ge(1), metadata={"help": "denoising steps"})
    negative_prompt: str | None = field(
        default=None, metadata={"help": "what images shall not show; none where left out"}
    )
    height: int | None = field(default=None, validator=_of_eight, metadata={"help": "pixels; the pipeline's own"})
    width: int | None = field(default=None, validator=_of_eight, metadata={"help": "pixels; the pipeline's own"})
    seeds: Literal["derived", "numbered"] = field(
        default="derived",
        validator=in_(("derived", "numbered")),
        metadata={
            "help": "of each image, from: recipe's seed, prompt's id and k; or 1000 x prompt's number + k, from 1"
        },
    )
    image_format: Literal["png", "jpeg"] = field(
        default="png",
        validator=in_(("png", "jpeg")),
        metadata={
            "help": "how images are kept, and seen by all that follows; jpeg: at quality 75, a tenth of the size"
        },
    )
    batch_size: int = field(default=4, validator=ge(1), metadata={"help": "images made together"})
    dtype: Dtype | None = field(
        default=None,
        validator=optional(in_(DTYPES)),
        metadata={"help": "of the weights; float16 on a GPU and float32 on a CPU where left out"},
    )
    device: str = field(default="auto", metadata={"help": "auto, cpu, cuda or cuda:N"})
    offload: Literal["none", "model", "sequential"] = field(
        default="none",
        validator=in_(("none", "model", "sequential")),
        metadata={"help": "keep on the GPU: everything, the part at work (model), its layer at work (sequential)"},
    )
    attention_slicing: bool = field(default=False, metadata={"help": "attend a head at a time: less memory, slower"})
    vae_slicing: bool = field(default=False, metadata={"help": "decode one image of a batch at a time"})
    vae_tiling: bool = field(default=False, metadata={"help": "decode large images in tiles"})
    without: tuple[str, ...] = field(
        default=(),
        metadata={"help": "parts left out, e.g. text_encoder_3 and tokenizer_3 of SD3, its largest text encoder"},
    )
    safety_checker: bool = field(
        default=True, metadata={"help": "where the pipeline has one: leave out the images it blackens"}
    )
    call: Mapping[str, Any] = field(
        factory=dict, metadata={"help": "more arguments of the pipeline's call, e.g. max_sequence_length = 256"}
    )

    def __attrs_post_init__(self) -> None:
        """Refuse what does not go together."""
        if self.seeds == "numbered" and self.n >= MOST_NUMBERED:
            msg = f"seeds = 'numbered' would repeat from {MOST_NUMBERED} images a prompt on: n = {self.n!r}"
            raise ValueError(msg)
        if self.questions is not None and (self.prompts is None or self.prompts.suffix.lower() != ".txt"):
            msg = f"'questions' go with 'prompts' in a .txt, line by line: {str(self.questions)!r}"
            raise ValueError(msg)
        unknown = [name for name in self.categories if name not in CATEGORIES]
        if unknown and self.prompts is None:
            msg = f"'categories': there is no {unknown[0]!r} among our prompts; there are {', '.join(CATEGORIES)}"
            raise ValueError(msg)


@frozen(kw_only=True)
class ThereOptions:
    """What must know the prompts that there are."""

    prompts: Path | None = field(
        default=None,
        metadata={"help": "the prompts that there are already: .jsonl or .json rows; our own set where left out"},
    )


@frozen(kw_only=True)
class PromptRequestsOptions(ThereOptions):
    """Options of ``prompt-requests``."""

    categories: tuple[str, ...] = field(
        default=CATEGORIES,
        validator=[min_len(1), deep_iterable(matches_re(r"[\w-]+")), _once],
        metadata={"help": "what is asked for, each in requests of its own; any words will do"},
    )
    rounds: int = field(default=10, validator=ge(1), metadata={"help": "requests of each category"})
    per_request: int = field(
        default=10, validator=and_(ge(1), le(100)), metadata={"help": "prompts that a request asks for"}
    )
    examples: int = field(
        default=4,
        validator=ge(0),
        metadata={"help": "prompts of the category that a request shows, drawn anew each time"},
    )
    template: Path | None = field(
        default=None,
        metadata={
            "help": "a file with the request: {number}, {category}, perhaps {examples} and {angle}; ours where left out"
        },
    )


@frozen(kw_only=True)
class PromptFilesOptions(ThereOptions):
    """Options of the exporter ``prompts``."""

    similar: float = field(
        default=0.7,
        validator=and_(gt(0.0), le(1.0)),
        metadata={"help": "ROUGE-L, 0 to 1, from which a prompt is too like another (Self-Instruct: 0.7)"},
    )
    min_words: int = field(default=8, validator=ge(1), metadata={"help": "fewest words of a prompt"})
    max_words: int = field(
        default=40, validator=ge(1), metadata={"help": "most words of a prompt; ImageReward reads 35 tokens"}
    )
    include: bool = field(
        default=True, metadata={"help": "write the prompts that there are first, so that one file holds all of them"}
    )


@frozen(kw_only=True)
class JudgeOptions:
    """What every image judge of this plugin can be told."""

    revision: str | None = field(default=None, metadata={"help": "branch, tag or commit of a hub id"})
    batch_size: int = field(default=16, validator=ge(1), metadata={"help": "images looked at together"})
    dtype: Dtype = field(default="float32", validator=in_(DTYPES), metadata={"help": "of the weights in memory"})
    device: str = field(default="auto", metadata={"help": "auto, cpu, cuda or cuda:N"})


@frozen(kw_only=True)
class ImageRewardOptions(JudgeOptions):
    """Options of ``image-reward``."""

    path: str = field(
        default=_IMAGE_REWARD,
        metadata={"help": "a hub id, or a directory or file with ImageReward's state dict (.safetensors or .pt)"},
    )
    tokenizer: str = field(default=_BERT, metadata={"help": "a directory or hub id of BERT's tokenizer"})
    package: bool = field(
        default=False, metadata={"help": "score with the package image-reward, which must be installed, instead"}
    )


@frozen(kw_only=True)
class ClipScoreOptions(JudgeOptions):
    """Options of ``clip-score``."""

    path: str = field(
        default="openai/clip-vit-large-patch14", metadata={"help": "a directory or hub id of a CLIP model"}
    )
    processor: str | None = field(
        default=None, metadata={"help": "where tokenizer and image processor are, if not beside the model"}
    )
    prefix: str = field(default="", metadata={"help": "goes before each prompt; CLIPScore's paper: 'A photo depicts '"})
    scale: float = field(default=2.5, validator=gt(0.0), metadata={"help": "score of a cosine of 1 (CLIPScore: 2.5)"})


@frozen(kw_only=True)
class PickScoreOptions(JudgeOptions):
    """Options of ``pick-score``."""

    path: str = field(default="yuvalkirstain/PickScore_v1", metadata={"help": "a directory or hub id of a CLIP model"})
    processor: str | None = field(
        default="laion/CLIP-ViT-H-14-laion2B-s32B-b79K",
        metadata={"help": "a directory or hub id with tokenizer and image processor"},
    )


def source_inputs(options: TextToImageOptions) -> Sequence[Path]:
    """Return the files of prompts, and the pipeline where it is a directory."""
    given = (options.prompts, options.questions)
    return [*(path for path in given if path is not None), *_local(options.path)]


def request_inputs(options: PromptRequestsOptions) -> Sequence[Path]:
    """Return the files of prompts and of the request."""
    return [path for path in (options.prompts, options.template) if path is not None]


def judge_inputs(options: ImageRewardOptions | ClipScoreOptions | PickScoreOptions) -> Sequence[Path]:
    """Return the model where it is a directory or a file."""
    return _local(options.path)


def _local(path: str) -> list[Path]:
    return [Path(path)] if Path(path).exists() else []

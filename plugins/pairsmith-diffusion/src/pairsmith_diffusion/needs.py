"""What pipelines and judges ask of the machine. Imports no model library.

Numbers of parameters were counted on models made from the published configurations, without weights.
"""

from collections.abc import Mapping
from pathlib import Path

from attrs import frozen

from pairsmith.checkpoints import gated, model_needs
from pairsmith.component import Needs
from pairsmith.sizes import Size, size_in
from pairsmith_diffusion.options import ClipScoreOptions, ImageRewardOptions, PickScoreOptions, TextToImageOptions

BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
SIZES = {
    "THUDM/ImageReward": Size(parameters=0.446e9, stored=4, copies=2),
    "openai/clip-vit-base-patch32": Size(parameters=0.151e9, stored=4),
    "openai/clip-vit-large-patch14": Size(parameters=0.428e9, stored=4),
    "openai/clip-vit-large-patch14-336": Size(parameters=0.428e9, stored=4),
    "laion/CLIP-ViT-H-14-laion2B-s32B-b79K": Size(parameters=0.986e9, stored=4),
    "yuvalkirstain/PickScore_v1": Size(parameters=0.986e9, stored=4),
}


@frozen
class Parts:
    """A published pipeline: the bytes of a number in its files, and the parameters of each part."""

    stored: float
    parameters: Mapping[str, float]


_SD1 = {"unet": 0.860e9, "text_encoder": 0.123e9, "vae": 0.084e9, "safety_checker": 0.304e9}
_SDXL = {"unet": 2.567e9, "text_encoder": 0.123e9, "text_encoder_2": 0.695e9, "vae": 0.084e9}
_SD3 = {
    "transformer": 2.028e9, "text_encoder": 0.124e9, "text_encoder_2": 0.695e9, "text_encoder_3": 4.762e9, "vae": 0.084e9,
}  # fmt: skip
PIPELINES = {
    "stable-diffusion-v1-5/stable-diffusion-v1-5": Parts(4, _SD1),
    "CompVis/stable-diffusion-v1-4": Parts(4, _SD1),
    "stabilityai/stable-diffusion-xl-base-1.0": Parts(4, _SDXL),
    "stabilityai/sdxl-turbo": Parts(4, _SDXL),
    "stabilityai/stable-diffusion-3-medium-diffusers": Parts(2, _SD3),
}


def source_needs(options: TextToImageOptions) -> Needs:
    """Return what a pipeline asks of the machine: without the parts left out, and with what ``offload`` keeps on the GPU."""
    parts, stored = _here(options) if Path(options.path).exists() else _published(options)
    on_gpu = {"none": sum(parts.values()), "model": max(parts.values(), default=0), "sequential": 0}[options.offload]
    size = int(stored * sum(parts.values())) or None
    return Needs(
        downloads={} if Path(options.path).exists() else {options.path: size},
        gated=gated([options.path]),
        device_bytes=int(on_gpu * BYTES[options.dtype or "float16"]),
    )


def image_reward_needs(options: ImageRewardOptions) -> Needs:
    """Return what ImageReward asks of the machine; the package has a tokenizer of its own."""
    readers = () if options.package else (options.tokenizer,)
    return model_needs(options.path, loaded=BYTES[options.dtype], known=SIZES, readers=readers)


def clip_needs(options: ClipScoreOptions | PickScoreOptions) -> Needs:
    """Return what a CLIP model asks of the machine."""
    readers = (options.processor,) if options.processor else ()
    return model_needs(options.path, loaded=BYTES[options.dtype], known=SIZES, readers=readers)


def _published(options: TextToImageOptions) -> tuple[Mapping[str, float], float]:
    known = PIPELINES.get(options.path, Parts(0, {}))
    parts = {name: number for name, number in known.parameters.items() if name not in options.without}
    return parts, BYTES["float16"] if options.variant == "fp16" else known.stored


def _here(options: TextToImageOptions) -> tuple[Mapping[str, float], float]:
    """Return the parameters of each part of a pipeline's directory, by its files' headers."""
    folders = [one for one in Path(options.path).iterdir() if one.is_dir() and one.name not in options.without]
    ending = f".{options.variant}" if options.variant else ""
    files = {one.name: [f for f in one.glob("*.safetensors") if Path(f.stem).suffix == ending] for one in folders}
    return {name: size_in(found).parameters for name, found in files.items() if found}, 0

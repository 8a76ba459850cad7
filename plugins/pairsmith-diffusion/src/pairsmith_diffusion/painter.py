"""A diffusers pipeline that makes images from prompts: loading it, saving its memory, calling it."""

import inspect
import json
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

import numpy as np
import torch
from attrs import frozen
from diffusers import DiffusionPipeline
from diffusers.utils import logging
from PIL import Image as Pillow

from pairsmith.errors import StageError
from pairsmith_diffusion.options import TextToImageOptions
from pairsmith_diffusion.weights import device_of, explained, find

_OPTION = "[images] path"
_ALWAYS = ("prompt", "generator", "num_inference_steps", "output_type")


@frozen(kw_only=True)
class Order:
    """One image to make. ``guidance`` is ``None`` for the pipeline's own."""

    prompt: str
    seed: int
    guidance: float | None


class Painter:
    """Makes images with one pipeline."""

    def __init__(self, options: TextToImageOptions) -> None:
        """Load the pipeline.

        Raises :class:`StageError` where it cannot be loaded, does not make images from texts, or lacks what an option is
        about.
        """
        logging.disable_progress_bar()
        self._options = options
        self._where = f"{_OPTION} = {options.path!r}"
        self._pipeline: Any = self._load()
        self._pipeline.set_progress_bar_config(disable=True)
        self._takes = set(inspect.signature(self._pipeline.__call__).parameters)
        self._shared = self._arguments()
        self._place()

    @torch.inference_mode()
    def paint(self, orders: Sequence[Order]) -> list[bytes | None]:
        """Return the file of each image; ``None`` for one that the safety checker blackened.

        All orders have the same guidance. The noise an image begins with depends on its seed alone, and is drawn on the
        CPU, so that it is the same on every machine.
        """
        asked: dict[str, Any] = dict(self._shared)
        if orders[0].guidance is not None:
            asked["guidance_scale"] = orders[0].guidance
        if self._options.negative_prompt is not None:
            asked["negative_prompt"] = [self._options.negative_prompt] * len(orders)
        made = self._pipeline(
            prompt=[order.prompt for order in orders],
            generator=[torch.Generator("cpu").manual_seed(order.seed) for order in orders],
            **asked,
        )
        flagged = getattr(made, "nsfw_content_detected", None) or [False] * len(orders)
        return [None if bad else self._encoded(image) for image, bad in zip(made.images, flagged, strict=True)]

    def _encoded(self, image: "np.ndarray[Any, np.dtype[np.float32]]") -> bytes:
        if not np.isfinite(image).all():
            msg = f"{self._where} made an image that is not a number; set dtype = 'bfloat16' or 'float32'"
            raise StageError(msg)
        buffer = BytesIO()
        picture = Pillow.fromarray((image * 255).round().astype(np.uint8), "RGB")
        picture.save(buffer, self._options.image_format.upper())  # Pillow's own quality of a JPEG is 75
        return buffer.getvalue()

    def _load(self) -> Any:  # noqa: ANN401 - diffusers has no common type that can be called
        options = self._options
        index = find(options.path, ("model_index.json",), options.revision, _OPTION)
        left_out = self._left_out(json.loads(index.read_text(encoding="utf-8")))
        with explained(_OPTION, options.path):
            return DiffusionPipeline.from_pretrained(
                options.path,
                revision=options.revision,
                variant=options.variant,
                dtype=getattr(torch, options.dtype or self._default_dtype()),
                use_safetensors=True,
                **left_out,
            )

    def _left_out(self, parts: Mapping[str, Any]) -> dict[str, Any]:
        there = [name for name, value in parts.items() if isinstance(value, list | tuple) and not name.startswith("_")]
        for name in self._options.without:
            if name not in there:
                msg = f"[images] without: the pipeline has no part {name!r}; it has {', '.join(sorted(there))}"
                raise StageError(msg)
        left_out: dict[str, Any] = dict.fromkeys(self._options.without)
        if not self._options.safety_checker and "safety_checker" in there:
            left_out |= {"safety_checker": None, "requires_safety_checker": False}
        return left_out

    def _default_dtype(self) -> str:
        return "float32" if device_of(self._options.device) == "cpu" else "float16"

    def _arguments(self) -> dict[str, Any]:
        """Return what every call is given, having looked whether the pipeline takes it."""
        options = self._options
        if not set(_ALWAYS) <= self._takes or "image" in self._required():
            msg = f"{self._where} is a {type(self._pipeline).__name__}, which does not make images from texts alone"
            raise StageError(msg)
        wanted = {"height": options.height, "width": options.width, "negative_prompt": options.negative_prompt}
        given = {name: value for name, value in wanted.items() if value is not None}
        unknown = sorted((given.keys() | options.call.keys()) - self._takes)
        if options.guidance and "guidance_scale" not in self._takes:
            unknown.append("guidance_scale (set guidance = [])")
        if unknown:
            msg = f"{self._where} is a {type(self._pipeline).__name__}, which does not take {', '.join(unknown)}"
            raise StageError(msg)
        given.pop("negative_prompt", None)  # one for each image of a batch
        return {"num_inference_steps": options.steps, "output_type": "np", **given, **options.call}

    def _required(self) -> set[str]:
        parameters = inspect.signature(self._pipeline.__call__).parameters.values()
        return {one.name for one in parameters if one.default is one.empty}

    def _place(self) -> None:
        options, device = self._options, device_of(self._options.device)
        if options.attention_slicing:
            self._pipeline.enable_attention_slicing()
        for wanted, how in ((options.vae_slicing, "enable_slicing"), (options.vae_tiling, "enable_tiling")):
            if wanted:
                self._decoder(how)()
        if options.offload != "none" and device == "cpu":
            msg = (
                f"[images] offload = {options.offload!r} moves parts to a GPU, and the device is the CPU; leave it out"
            )
            raise StageError(msg)
        if options.offload == "model":
            self._pipeline.enable_model_cpu_offload(device=device)
        elif options.offload == "sequential":
            self._pipeline.enable_sequential_cpu_offload(device=device)
        else:
            self._pipeline.to(device)

    def _decoder(self, how: str) -> Any:  # noqa: ANN401
        decoder = getattr(self._pipeline, "vae", None)
        if not hasattr(decoder, how):
            msg = f"[images] vae_slicing and vae_tiling: the decoder of {self._options.path!r} has neither; leave them out"
            raise StageError(msg)
        return getattr(decoder, how)

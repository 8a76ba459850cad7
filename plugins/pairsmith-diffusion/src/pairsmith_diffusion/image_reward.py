"""The judge ``image-reward``: on transformers' BLIP, or by the package of its authors."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image as Pillow
from transformers import AutoTokenizer

from pairsmith.errors import StageError
from pairsmith.interfaces import Run
from pairsmith.values import Sample
from pairsmith_diffusion.blip_reward import from_state
from pairsmith_diffusion.options import ImageRewardOptions
from pairsmith_diffusion.scoring import Longest, image_prompt, scored
from pairsmith_diffusion.weights import device_of, explained, find, tensors

TOKENS = 35
"""Tokens of a prompt that ImageReward reads, the first and the last of BERT's own included."""

NAME = "image-reward"
FILES = ("ImageReward.safetensors", "model.safetensors", "ImageReward.pt")
_MEAN = np.array((0.48145466, 0.4578275, 0.40821073), dtype=np.float32)
_STD = np.array((0.26862954, 0.26130258, 0.27577711), dtype=np.float32)


def image_reward(options: ImageRewardOptions, run: Run) -> "ImageReward | PackagedImageReward":
    """Make the judge."""
    return PackagedImageReward(options, run) if options.package else ImageReward(options, run)


class ImageReward:
    """Scores each candidate for the prompt it was made from."""

    def __init__(self, options: ImageRewardOptions, run: Run) -> None:  # noqa: ARG002 - every factory is given the run
        """Load weights and tokenizer; a published ``.pt`` is converted to safetensors once."""
        where = "[[image_judges]] path"
        file = find(options.path, FILES, options.revision, where)
        self._device, self._dtype = device_of(options.device), getattr(torch, options.dtype)
        self._model = from_state(tensors(file, where), f"{where} = {options.path!r}").to(self._device, self._dtype)
        with explained("[[image_judges]] tokenizer", options.tokenizer):
            self._tokenizer: Any = AutoTokenizer.from_pretrained(options.tokenizer)
        self._batch_size = options.batch_size
        self._longest = Longest(NAME, TOKENS, lambda text: len(self._tokenizer(text)["input_ids"]))

    def judge(self, samples: Sequence[Sample]) -> list[list[float]]:
        """Return a score for each candidate; people prefer images with higher ones."""
        self._longest.warn(samples)
        return scored(samples, NAME, self._batch_size, self._score)

    @torch.inference_mode()
    def _score(self, prompts: Sequence[str], pictures: Sequence[Pillow.Image]) -> list[float]:
        read = self._tokenizer(
            list(prompts), padding="max_length", truncation=True, max_length=TOKENS, return_tensors="pt"
        ).to(self._device)
        seen = torch.from_numpy(np.stack([pixels(one, self._model.image_size) for one in pictures]))
        scores: list[float] = self._model(
            read["input_ids"], read["attention_mask"], seen.to(self._device, self._dtype)
        ).tolist()
        return scores


class PackagedImageReward:
    """Scores with the package ``image-reward`` as its authors wrote it."""

    def __init__(self, options: ImageRewardOptions, run: Run) -> None:  # noqa: ARG002
        """Import the package and have it load its model."""
        try:
            import ImageReward as package  # type: ignore[import-not-found]  # noqa: N813 - its authors' name
        except ImportError as error:
            msg = (
                f"[[image_judges]] package = true: the package image-reward cannot be imported ({error}); install it with "
                f"what it needs, or leave the option out"
            )
            raise StageError(msg) from None
        self._model: Any = package.load("ImageReward-v1.0", device=device_of(options.device))
        self._longest = Longest(NAME, TOKENS, lambda text: len(self._model.blip.tokenizer(text)["input_ids"]))

    def judge(self, samples: Sequence[Sample]) -> list[list[float]]:
        """Return a score for each candidate; the package cuts a long prompt without a word."""
        self._longest.warn(samples)
        return [
            [float(self._model.score(image_prompt(sample, NAME), str(image.path))) for image in sample.candidates]
            for sample in samples
        ]


def pixels(picture: Pillow.Image, side: int) -> "np.ndarray[Any, np.dtype[np.float32]]":
    """Return what the network looks at, ``[3, side, side]``.

    The shorter side is made ``side`` pixels long and the middle is taken, by the same rounding as torchvision's Resize
    and CenterCrop, and normalised as CLIP's images are.
    """
    width, height = picture.size
    short = min(width, height)
    longer = int(side * max(width, height) / short)
    resized = picture.resize((side, longer) if width == short else (longer, side), Pillow.Resampling.BICUBIC)
    left, top = round((resized.width - side) / 2), round((resized.height - side) / 2)
    square = np.asarray(resized.crop((left, top, left + side, top + side)), dtype=np.float32) / 255
    return ((square - _MEAN) / _STD).transpose(2, 0, 1).astype(np.float32)

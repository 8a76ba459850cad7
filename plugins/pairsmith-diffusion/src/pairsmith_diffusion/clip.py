"""The judges ``clip-score`` and ``pick-score``: how alike a CLIP model finds an image and its prompt."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
from PIL import Image as Pillow
from torch import Tensor
from transformers import AutoProcessor, CLIPModel

from pairsmith.interfaces import Run
from pairsmith.values import Sample
from pairsmith_diffusion.options import ClipScoreOptions, PickScoreOptions
from pairsmith_diffusion.scoring import Longest, scored
from pairsmith_diffusion.weights import WEIGHTS, device_of, explained, find

FILES = ("model.safetensors", "pytorch_model.bin")


class _Clip(ABC):
    """A CLIP model that compares images with prompts."""

    name: str

    def __init__(self, options: ClipScoreOptions | PickScoreOptions, run: Run) -> None:  # noqa: ARG002
        """Load the model and what prepares its inputs."""
        where = "[[image_judges]] path"
        self._device, self._dtype = device_of(options.device), getattr(torch, options.dtype)
        with explained(where, options.path):
            self._model: Any = CLIPModel.from_pretrained(
                _located(options, where), use_safetensors=True, dtype=self._dtype
            )
        self._model.eval().to(self._device)
        beside = options.processor or options.path
        with explained("[[image_judges]] processor", beside):
            own = options.revision if beside == options.path else None
            self._processor: Any = AutoProcessor.from_pretrained(beside, revision=own)
        self._batch_size = options.batch_size
        self._tokens = int(self._model.config.text_config.max_position_embeddings)
        self._longest = Longest(
            self.name, self._tokens, lambda text: len(self._tokenizer(self._text(text))["input_ids"])
        )

    @property
    def _tokenizer(self) -> Any:  # noqa: ANN401 - transformers has no common type
        return self._processor.tokenizer

    def judge(self, samples: Sequence[Sample]) -> list[list[float]]:
        """Return a score for each candidate."""
        self._longest.warn(samples)
        return scored(samples, self.name, self._batch_size, self._score)

    @torch.inference_mode()
    def _score(self, prompts: Sequence[str], pictures: Sequence[Pillow.Image]) -> list[float]:
        different = list(dict.fromkeys(prompts))
        inputs = self._processor(
            text=[self._text(prompt) for prompt in different],
            images=list(pictures),
            padding=True,
            truncation=True,
            max_length=self._tokens,
            return_tensors="pt",
        ).to(self._device)
        inputs["pixel_values"] = inputs["pixel_values"].to(self._dtype)
        found = self._model(**inputs)
        read = found.text_embeds[[different.index(prompt) for prompt in prompts]]
        scores: list[float] = self._scaled((read * found.image_embeds).sum(-1).float()).tolist()
        return scores

    def _text(self, prompt: str) -> str:
        return prompt

    @abstractmethod
    def _scaled(self, cosines: Tensor) -> Tensor:
        """Return the scores of some cosines."""


class ClipScore(_Clip):
    """``2.5 max(cos(image, prompt), 0)`` (CLIPScore, Hessel et al. 2021, arXiv 2104.08718, equation 1)."""

    name = "clip-score"

    def __init__(self, options: ClipScoreOptions, run: Run) -> None:
        """Load the model."""
        self._prefix, self._scale = options.prefix, options.scale
        super().__init__(options, run)

    def _text(self, prompt: str) -> str:
        return self._prefix + prompt

    def _scaled(self, cosines: Tensor) -> Tensor:
        return self._scale * cosines.clamp(min=0)


class PickScore(_Clip):
    """``exp(t) cos(image, prompt)`` with the model's own temperature ``t`` (Kirstain et al. 2023, arXiv 2305.01569)."""

    name = "pick-score"

    def _scaled(self, cosines: Tensor) -> Tensor:
        scores: Tensor = self._model.logit_scale.exp().float() * cosines
        return scores


def _located(options: ClipScoreOptions | PickScoreOptions, where: str) -> str:
    """Return a directory with the model as safetensors; one published as a pickle is converted once."""
    find(options.path, ("config.json",), options.revision, where)
    return WEIGHTS.located(str(find(options.path, FILES, options.revision, where).parent), None, where)

"""A model that speaks: loaded for one stage, asked in batches, let go after it."""

import gc
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from attrs import field, frozen
from torch import Tensor
from transformers import GenerationConfig

from pairsmith.interfaces import ModelFamily, Run, Weights
from pairsmith.values import Image, Turn
from pairsmith_hf.options import PlaceOptions
from pairsmith_hf.raw import without_template

Request = tuple[Sequence[Turn], Sequence[Image]]


@frozen
class Said:
    """What a model said: the text, and ``"stop"`` or ``"length"``."""

    text: str
    finish: str


@frozen
class Drawing:
    """How answers are drawn: from this seed. What stands in ``settings`` goes to ``generate``."""

    seed: int
    settings: Mapping[str, Any] = field(factory=dict)


class Speaker:
    """Any family's model, asked for text. Prompts are padded on the left; only what the recipe says changes the answers."""

    def __init__(self, options: PlaceOptions, family: ModelFamily, weights: Weights, *, raw: bool = False) -> None:
        """Load the model; with ``raw`` it is asked without the text of its chat template."""
        self.device = ("cuda" if torch.cuda.is_available() else "cpu") if options.device == "auto" else options.device
        self.dtype = str(options.dtype or getattr(family, "dtype", "float32"))
        self.codec: Any = family.codec(weights)
        self._ends = [self.codec.end]
        if raw:
            self._ends = without_template(self.codec)
        self._model: list[Any] = [family.load(weights, device=self.device, dtype=self.dtype)]

    def close(self) -> None:
        """Let the model's memory go, so that the next one has it."""
        self._model.clear()
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    @torch.inference_mode()
    def say(
        self,
        requests: Sequence[Request],
        *,
        max_new_tokens: int,
        number: int = 1,
        drawing: Drawing | None = None,
        beams: int = 1,
    ) -> list[list[Said]]:
        """Return ``number`` answers to each prompt, all in one batch; the likeliest where nothing is drawn.

        With ``beams`` the likeliest answer that so many beams find, instead of each likeliest token after the other.
        """
        # Each prompt as often as it is answered: generate's own way would tear the images of one prompt apart.
        repeated = [request for request in requests for _ in range(number)]
        made, length = self._generate(repeated, max_new_tokens, drawing, beams)
        said = [self._said(tokens) for tokens in made.sequences[:, length:].tolist()]
        return [said[start : start + number] for start in range(0, len(said), number)]

    @torch.inference_mode()
    def first(self, requests: Sequence[Request]) -> Tensor:
        """Return the logits of the first token of each answer, ``[prompts, vocabulary]``, in float32."""
        logits: Tensor = self._generate(requests, 1, None)[0].logits[0]
        return logits.float()

    def _generate(
        self, requests: Sequence[Request], max_new_tokens: int, drawing: Drawing | None, beams: int = 1
    ) -> tuple[Any, int]:
        batch = {name: tensor.to(self.device) for name, tensor in self.codec.requests(requests).items()}
        if "pixel_values" in batch:
            batch["pixel_values"] = batch["pixel_values"].to(getattr(torch, self.dtype))
        settings: dict[str, Any] = {"do_sample": False}
        if drawing is not None:
            torch.manual_seed(drawing.seed)
            settings = {"do_sample": True, **drawing.settings}
        tokens = {"pad_token_id": self.codec.pad_token, "eos_token_id": self._ends}
        settings |= {"use_cache": True, **getattr(self.codec, "generation", {})}
        config = GenerationConfig(
            max_new_tokens=max_new_tokens,
            num_beams=beams,
            return_dict_in_generate=True,
            output_logits=max_new_tokens == 1,
            **tokens,
            **settings,
        )
        # Only what the recipe says: a model's own generation_config would change the answers behind its back.
        self._model[0].generation_config = GenerationConfig(**tokens)
        return self._model[0].generate(**batch, generation_config=config), batch["input_ids"].shape[1]

    def _said(self, tokens: Sequence[int]) -> Said:
        stopped = next((n for n, token in enumerate(tokens) if token in self._ends), None)
        return Said(self.codec.text(tokens[:stopped]), "length" if stopped is None else "stop")


def batches(requests: Sequence[Request], size: int) -> Iterator[list[int]]:
    """Yield indices, prompts of like length together: what is padded costs as much as what is read."""
    order = sorted(
        range(len(requests)), key=lambda k: (len(requests[k][1]), sum(len(turn.text) for turn in requests[k][0]))
    )
    for start in range(0, len(order), size):
        yield order[start : start + size]


def name_of(run: Run, weights: Weights) -> str:
    """Return what answers: a hub id, a directory's path within the run, or else its last part."""
    path = Path(weights.path)
    if path.is_absolute():
        name = path.relative_to(run.directory).as_posix() if path.is_relative_to(run.directory) else path.name
    else:
        name = weights.path
    return name if weights.adapter is None else f"{name}+adapter"

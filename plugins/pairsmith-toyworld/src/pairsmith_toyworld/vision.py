"""Teaches the vision tower to see, patch by patch: what a pre-trained CLIP is to a real model."""

import json
import math
import random
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from transformers import LlavaConfig, LlavaForConditionalGeneration

from pairsmith.interfaces import Codec, Job, Run, Weights
from pairsmith.seeds import derive
from pairsmith.values import Item
from pairsmith_toyworld.blank import PATCH
from pairsmith_toyworld.options import VisionOptions
from pairsmith_toyworld.render import PIXELS, RADIUS, render
from pairsmith_toyworld.scene import COLOURS, SHAPES, SIZES, WORDS, Scene, draw

_CLASSES = (len(SHAPES) + 1, len(COLOURS) + 1, len(SIZES) + 1, len(WORDS) + 1)
_NOTHING = (0.3, 0.3, 0.3, 0.1)
"""Weight of a patch that shows nothing, for shape, colour, size and word: most do."""

_FLOOR = 0.05
_WITH_WORD = 0.6


def labels(scene: Scene) -> NDArray[np.int64]:
    """Return what each patch shows, ``[4, patches]``: shape, colour, size, word; 0 is nothing."""
    side = PIXELS // PATCH
    found = np.zeros((4, side * side), dtype=np.int64)
    for place in range(side * side):
        x, y = (place % side + 0.5) / side, (place // side + 0.5) / side
        for thing in scene.things:
            reach = max(RADIUS[thing.size] / 3, 0.5 / side)
            if abs(x - thing.x) < reach and abs(y - thing.y) < reach:
                kind = (SHAPES.index(thing.shape), COLOURS.index(thing.colour), SIZES.index(thing.size))
                found[:3, place] = [number + 1 for number in kind]
        word = scene.word
        if word and abs(x - word.x) < 0.14 and abs(y - word.y) < 0.07:  # noqa: PLR2004 - half a word's width and height
            found[:, place] = (0, 0, 0, WORDS.index(word.text) + 1)
    return found


class VisionTrainer:
    """Implements :class:`pairsmith.interfaces.Trainer`: starts from nothing and draws its own pictures.

    It needs neither the recipe's items nor its loss, and begins anew when it was killed: it takes less than a minute.
    """

    def __init__(self, options: VisionOptions, run: Run) -> None:  # noqa: ARG002 - the signature of every factory
        """Take the options."""
        self._options = options

    def launch(self, worker: Sequence[str]) -> Sequence[str]:
        """Run in one process."""
        return worker

    def reference_settings(self) -> Mapping[str, Any]:
        """Return nothing: there is no reference."""
        return {}

    def reference(self, job: Job, items: Sequence[Item]) -> list[Mapping[str, Sequence[float]]]:  # noqa: ARG002
        """Return nothing for each item."""
        return [{} for _ in items]

    def train(self, job: Job) -> Weights:
        """Train, and write a model whose vision tower can see and whose language model knows nothing."""
        result = job.output / "model"
        if not result.exists():
            torch.manual_seed(job.seed)
            config = LlavaConfig.from_pretrained(job.weights.path)
            model = LlavaForConditionalGeneration(config)
            model.set_attn_implementation("eager")  # faster than sdpa for so few tokens
            self._teach(model.model.vision_tower, job)
            _write(model, job.family.codec(job.weights), result)
        return Weights(path=str(result))

    def _teach(self, tower: Any, job: Job) -> None:  # noqa: ANN401 - any transformers vision model
        options = self._options
        dice = random.Random(derive(job.seed, "vision"))
        heads = nn.ModuleList([nn.Linear(tower.config.hidden_size, classes) for classes in _CLASSES])
        parameters = [*tower.parameters(), *heads.parameters()]
        optimizer = torch.optim.AdamW(parameters, lr=options.learning_rate, betas=(0.9, 0.98), weight_decay=0.01)
        began = time.monotonic()
        tower.train()
        for step in range(options.steps):
            rate = options.learning_rate * _schedule(step, options.steps, options.warmup_steps)
            for group in optimizer.param_groups:
                group["lr"] = rate
            scenes = [draw(dice, word=_WITH_WORD) for _ in range(options.batch_size)]
            loss, accuracy = _loss(tower, heads, scenes)
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()
            optimizer.zero_grad()
            seconds = round(time.monotonic() - began, 2)
            row = {"step": step + 1, "steps": options.steps, "loss": loss.item(), "learning_rate": rate, **accuracy}
            with job.metrics.open("a", encoding="utf-8") as file:
                file.write(json.dumps({**row, "seconds": seconds}) + "\n")


def _schedule(step: int, steps: int, warmup: int) -> float:
    """Return the share of the highest learning rate: rising, then half a cosine down to a twentieth."""
    if step < warmup:
        return (step + 1) / warmup
    done = (step - warmup) / max(1, steps - warmup)
    return _FLOOR + (1 - _FLOOR) * 0.5 * (1 + math.cos(math.pi * done))


def _loss(tower: nn.Module, heads: nn.ModuleList, scenes: Sequence[Scene]) -> tuple[Tensor, dict[str, float]]:
    pictures = torch.from_numpy(np.stack([render(scene) for scene in scenes])).permute(0, 3, 1, 2).float()
    wanted = torch.from_numpy(np.stack([labels(scene) for scene in scenes]))
    hidden = tower((pictures - 70.0) / 60.0, output_hidden_states=True).hidden_states[-1][:, 1:]
    losses, accuracy = [], {}
    for number, (head, name) in enumerate(zip(heads, ("shape", "colour", "size", "word"), strict=True)):
        scores = head(hidden)
        weights = torch.ones(_CLASSES[number])
        weights[0] = _NOTHING[number]
        losses.append(cross_entropy(scores.flatten(0, 1), wanted[:, number].flatten(), weight=weights))
        shown = wanted[:, number] > 0
        right = (scores.argmax(-1) == wanted[:, number])[shown].float().mean()
        accuracy[f"accuracy/{name}"] = round(float(right), 4) if shown.any() else 0.0
    return torch.stack(losses).sum(), accuracy


def _write(model: LlavaForConditionalGeneration, codec: Codec, result: Path) -> None:
    temporary = result.with_name(".model.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    model.save_pretrained(temporary)
    codec.save(temporary)
    temporary.rename(result)

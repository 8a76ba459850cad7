"""A tiny LLaVA, a few pairs, and a training of them in this process."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from attrs import evolve

from pairsmith.interfaces import Job, LogProbs, Weights
from pairsmith.testing import make_run
from pairsmith.testing.pictures import noise
from pairsmith.values import Cell, Item, Pair, Response, Sample, user
from pairsmith_hf.options import RandomLlavaOptions
from pairsmith_hf.random_llava import RandomLlavaFamily
from pairsmith_losses.dpo import Dpo
from pairsmith_losses.options import DpoOptions
from pairsmith_train.batch import Collator, by_cell
from pairsmith_train.encode import Encoder
from pairsmith_train.options import TreeOptions
from pairsmith_train.scorer import Scorer
from pairsmith_train.trainer import TreeTrainer

TINY = RandomLlavaOptions(
    image_size=32, patch_size=8, vocabulary=400, std=0.3, hidden_size=32, vision_hidden_size=16, heads=2
)
CELLS = (Cell("chosen"), Cell("rejected"))
SHORT: dict[str, Any] = {"device": "cpu", "batch_size": 4, "learning_rate": 1e-2, "schedule": "constant"}
WORDS = ["red", "blue", "square", "circle", "cat", "dog", "two", "three", "on", "under"]


def make_family(directory: Path, options: RandomLlavaOptions = TINY) -> RandomLlavaFamily:
    return RandomLlavaFamily(options, make_run(directory))


def make_items(directory: Path, pairs: int = 8, images: int = 4) -> list[Item]:
    directory.mkdir(parents=True, exist_ok=True)
    pictures = [noise(directory / f"{k}.png", 40, 32, k) for k in range(images)]
    made = []
    for k in range(pairs):
        one, two, three = (WORDS[(k + shift) % len(WORDS)] for shift in (0, 3, 7))
        sample = Sample(id=f"s{k}", images=(evolve(pictures[k % images], id=str(k % images)),), prompt=user("What?"))
        chosen, rejected = (
            Response(id=f"s{k}/{n}", sample_id=sample.id, text=text)
            for n, text in enumerate((f"a {one} {two}", f"no {three} here"))
        )
        made.append(Item(value=Pair(id=f"p{k}", sample=sample, chosen=chosen, rejected=rejected)))
    return made


def make_job(directory: Path, family: Any, items: Sequence[Item], weights: Weights | None = None, **more: Any) -> Job:
    loss = Dpo(DpoOptions(), make_run(directory / "run"))
    job = Job(
        run=make_run(directory / "run"),
        family=family,
        weights=weights or family.weights,
        loss=more.pop("loss", loss),
        items=items,
        reference=None,
        output=directory / "output",
        metrics=directory / "metrics.jsonl",
        seed=3,
    )
    return evolve(job, **more)


def with_reference(trainer: TreeTrainer, job: Job) -> Job:
    return evolve(job, reference=trainer.reference(job, job.items))


def train(job: Job, **options: Any) -> Weights:
    """Train in this process, reference first."""
    lora = options.pop("lora", None)
    trainer = TreeTrainer(TreeOptions(**{**SHORT, "lora": lora, **options}), job.run)
    return trainer.train(with_reference(trainer, job) if job.loss.uses_reference else job)


def answers(family: Any, model: torch.nn.Module, items: Sequence[Item]) -> torch.Tensor:
    """Log-probabilities of every answer's tokens under a model, one after another."""
    found = _scored(family, model, items)
    return torch.cat([found[cell].tokens.flatten() for cell in CELLS])


def totals(family: Any, model: torch.nn.Module, items: Sequence[Item]) -> torch.Tensor:
    """Log-probabilities of whole answers, ``[2, items]``: chosen, then rejected."""
    found = _scored(family, model, items)
    return torch.stack([found[cell].sum for cell in CELLS])


def _scored(family: Any, model: torch.nn.Module, items: Sequence[Item]) -> dict[Cell, LogProbs]:
    collator = Collator(Encoder(family.codec(family.weights), CELLS, None, cut=False))
    batch = collator([(item, None) for item in items])
    with torch.no_grad():
        return by_cell(Scorer(model.eval(), family)(batch), batch, CELLS)


def loaded(family: Any, weights: Weights) -> torch.nn.Module:
    return family.load(weights, device="cpu", dtype="float32")

"""Pairs packed into one sequence: the same numbers as side by side, whatever the loss, in training as well."""

import json
from pathlib import Path

import pytest
import torch
from attrs import evolve
from safetensors.torch import load_file

from pairsmith.errors import StageError
from pairsmith.interfaces import Job, LogProbs, Loss
from pairsmith.registry import Registry
from pairsmith.testing import make_run
from pairsmith.testing.pictures import noise
from pairsmith.values import Corrupted, Item, Pair, Response, Sample, user
from pairsmith_hf.options import RandomLlavaOptions
from pairsmith_hf.random_llava import RandomLlavaFamily
from pairsmith_losses.dpo import Dpo
from pairsmith_losses.image_options import McmDpoOptions
from pairsmith_losses.mcm_dpo import McmDpo
from pairsmith_losses.options import DpoOptions
from pairsmith_train.batch import Batch, Collator, by_cell
from pairsmith_train.encode import Encoder
from pairsmith_train.options import LoraOptions, TreeOptions
from pairsmith_train.passes import check_separable
from pairsmith_train.scorer import Scorer
from pairsmith_train.trainer import TreeTrainer

TINY = RandomLlavaOptions(image_size=32, patch_size=8, vocabulary=400, std=0.3)
ANSWERS = [
    ("a red square on it", "a red circle"),
    ("two cats and a dog beside them", "no cat at all"),
    ("yes", "no"),
    ("a", "b c"),
]


@pytest.fixture
def family(tmp_path: Path) -> RandomLlavaFamily:
    return RandomLlavaFamily(TINY, make_run(tmp_path / "run"))


@pytest.fixture
def items(tmp_path: Path) -> list[Item]:
    """Pairs of several lengths about two images; one has none."""
    images = [noise(tmp_path / f"{k}.png", 40, 50, k) for k in range(2)]
    made = []
    for k, texts in enumerate(ANSWERS):
        shown = () if k == 2 else (images[k % 2],)
        sample = Sample(id=f"s{k}", images=shown, prompt=user("What is there?"), context=f"post {k}")
        chosen, rejected = (Response(id=f"s{k}/{text}", sample_id=sample.id, text=text) for text in texts)
        worse = Corrupted(images=tuple(images[1 - k % 2] for _ in shown), context="another post")
        made.append(Item(value=Pair(id=f"p{k}", sample=sample, chosen=chosen, rejected=rejected), corrupted=worse))
    return made


def flat(model: torch.nn.Module, policy: dict, loss: Loss) -> torch.Tensor:
    model.zero_grad()
    known = {cell: LogProbs(one.tokens.detach() * 0.9, one.mask) for cell, one in policy.items()}
    loss(policy, known).loss.sum().backward()
    return torch.cat(
        [(torch.zeros_like(one) if one.grad is None else one.grad).flatten() for one in model.parameters()]
    )


def test_packed_pairs_have_the_log_probabilities_and_gradients_of_pairs_side_by_side(
    family: RandomLlavaFamily, items: list[Item]
) -> None:
    loss = McmDpo(McmDpoOptions(), make_run(Path("unused")))
    model = family.load(family.weights, device="cpu", dtype="float32")
    encoder = Encoder(family.codec(family.weights), loss.cells, None, cut=False)
    rows = [(item, None) for item in items]

    def scored(batch: Batch) -> dict:
        return by_cell(Scorer(model, family)(batch), batch, loss.cells)

    wanted = scored(Collator(encoder)(rows))
    expected = flat(model, wanted, loss)
    lengths = [int(batch["tokens"].numel()) for _, batch in Collator(encoder, 64).passes(rows)]
    passes = Collator(encoder, sum(lengths) - 1).passes(rows)
    assert sorted(len(group) for group, _ in passes) == [1, 3]
    total = torch.zeros_like(expected)
    for group, batch in passes:
        assert tuple(batch["tokens"].shape) == (1, sum(lengths[k] for k in group)), "nothing is padding"
        got = scored(batch)
        for cell in loss.cells:
            for row, index in enumerate(group):
                known = wanted[cell].tokens[index][wanted[cell].mask[index]]
                assert float((got[cell].tokens[row][got[cell].mask[row]] - known).detach().abs().max()) < 1e-4
        total += flat(model, got, loss)
        if len(group) > 1:
            length = batch["tokens"].shape[1]
            control = scored({**batch, "last": torch.full_like(batch["last"], length - 1)})
            assert max(float((got[c].tokens - control[c].tokens).detach().abs().max()) for c in loss.cells) > 0.05
    assert float((total - expected).norm() / expected.norm()) < 1e-5


def trained(family: RandomLlavaFamily, items: list[Item], out: Path, **options) -> tuple[list[dict], dict]:
    loss = Dpo(DpoOptions(), make_run(Path("unused")))
    told = TreeOptions(device="cpu", batch_size=4, epochs=3, learning_rate=1e-2, lora=LoraOptions(r=2), **options)
    trainer = TreeTrainer(told, make_run(out / "run"))
    job = Job(
        run=make_run(out / "run"),
        family=family,
        weights=family.weights,
        loss=loss,
        items=items,
        reference=None,
        output=out,
        metrics=out / "metrics.jsonl",
        seed=1,
    )
    known = trainer.reference(job, items)
    found = trainer.train(evolve(job, reference=known))
    lines = [json.loads(line) for line in job.metrics.read_text().splitlines()]
    return lines, load_file(found.adapter / "adapter_model.safetensors")


def test_packed_training_is_the_same_training(family: RandomLlavaFamily, items: list[Item], tmp_path: Path) -> None:
    (wanted, weights), (got, packed) = (
        trained(family, items, tmp_path / name, **options)
        for name, options in {"padded": {}, "packed": {"pack_tokens": 120}}.items()
    )
    assert len(got) == len(wanted) == 3
    for one, other in zip(wanted, got, strict=True):
        for name in set(one) - {
            "seconds",
            "tokens/s",
            "pairs/s",
            "rewards/accuracy",
        }:  # the last is rounding where policy = reference
            assert one[name] == pytest.approx(other[name], rel=1e-4, abs=1e-5), name
    assert wanted[-1]["loss"] < wanted[0]["loss"] - 0.01, "it learnt nothing"
    assert max(float((weights[name] - packed[name]).abs().max()) for name in weights) < 1e-4


def test_only_losses_that_look_at_the_batch_cannot_be_packed() -> None:
    refused, registry = [], Registry.discover()
    for offer in registry.offers("losses"):
        if offer.component.name == "sum" or offer.plugin == "pairsmith-trl":  # TRL's losses are no functions
            continue
        loss = offer.component.build(offer.component.options_class(), make_run(Path("unused")))
        try:
            check_separable(loss)
        except StageError:
            refused.append(offer.component.name)
    assert refused == ["bco", "kto", "sft"]

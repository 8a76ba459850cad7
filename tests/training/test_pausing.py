"""A training that pauses for benchmarks comes out as one that never did."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from attrs import evolve

from jobs import answers, loaded, make_family, make_items, make_job, train
from pairsmith.interfaces import Job, Paused
from pairsmith.resuming import Checkpoints
from pairsmith_train.options import HeldOutOptions, LoraOptions, TreeOptions
from pairsmith_train.trainer import TreeTrainer

EVERYTHING: dict[str, Any] = {
    "parts": ("vision", "projector", "language-model"),
    "learning_rate": 1e-3,
    "batch_size": 2,
    "epochs": 2.0,
    "save_steps": 100,
    "held_out": HeldOutOptions(share=0.25, every=2, best=True),
}


@pytest.fixture
def job(tmp_path: Path) -> Job:
    items = make_items(tmp_path / "images", pairs=8, images=4)
    return make_job(tmp_path / "stage", make_family(tmp_path / "run"), items)


def rows(job: Job) -> list[dict[str, float]]:
    return [json.loads(line) for line in job.metrics.read_text().splitlines()]


def losses(job: Job) -> list[float]:
    return [row["loss"] for row in rows(job)]


def test_pauses_change_neither_losses_nor_weights(job: Job, tmp_path: Path) -> None:
    options = EVERYTHING
    whole = train(job, **options)
    broken = make_job(tmp_path / "broken", job.family, job.items)
    seen = []
    for step in (1, 3):
        paused = train(evolve(broken, pause_at=step), **options)
        assert isinstance(paused, Paused)
        assert (paused.step, len(rows(broken))) == (step, step)
        seen.append(answers(job.family, loaded(job.family, paused.weights), job.items))
        assert [path.name for path in broken.output.glob("step-*")] == [f"step-{step}"], "no more than one is kept"
    assert train(evolve(broken, pause_at=3), **options) == paused, "nothing to do but what it waits for"
    made = train(evolve(broken, pause_at=100), **options)
    assert losses(broken) == losses(job)
    ours, theirs = (answers(job.family, loaded(job.family, one), job.items) for one in (made, whole))
    assert torch.equal(ours, theirs)
    assert not torch.allclose(seen[0], seen[1], atol=1e-4), "the weights are not those of the step"
    assert not list(broken.output.glob("step-*"))


def test_a_pause_whose_weights_were_not_written_is_made_again(job: Job) -> None:
    """Killed after the checkpoint was written, before it had its name: the weights come first."""
    options: dict[str, Any] = {"lora": LoraOptions(r=2), "save_steps": 1, "epochs": 2.0}
    paused = train(evolve(job, pause_at=2), **options)
    checkpoint = Checkpoints(job.output / "checkpoints").path(2)
    (checkpoint / "files.json").unlink()
    unfinished = checkpoint.parent / ".unfinished"
    unfinished.mkdir(exist_ok=True)
    checkpoint.rename(unfinished / checkpoint.name)
    for path in (job.output / "step-2").rglob("*.safetensors"):
        path.unlink()
    assert train(evolve(job, pause_at=2), **options) == paused
    assert (checkpoint / "files.json").exists()
    assert list((job.output / "step-2").rglob("adapter_model.safetensors"))


def test_it_leaves_the_weights_of_that_step_and_tells_trackers_what_benchmarks_said(job: Job, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    options: dict[str, Any] = {"lora": LoraOptions(r=2), "trackers": ("tensorboard",), "epochs": 2.0}
    paused = train(evolve(job, pause_at=2), **options)
    assert isinstance(paused, Paused)
    short = train(make_job(tmp_path / "short", job.family, job.items), lora=LoraOptions(r=2), epochs=1.0)
    ours, theirs = (answers(job.family, loaded(job.family, one), job.items) for one in (paused.weights, short))
    assert torch.equal(ours, theirs)
    found = rows(job)
    found[1]["benchmark/pope/accuracy"] = 0.75
    job.metrics.write_text("".join(json.dumps(row) + "\n" for row in found))
    train(job, **options)
    board = EventAccumulator(str(job.metrics.with_name("tensorboard"))).Reload()
    (name,) = (tag for tag in board.Tags()["scalars"] if "pope" in tag)
    assert [(one.step, one.value) for one in board.Scalars(name)] == [(2, 0.75)]
    assert rows(job)[1]["benchmark/pope/accuracy"] == 0.75
    assert [one.step for one in board.Scalars("train/loss")] == [1, 2, 3, 4]


def test_several_machines_cannot_pause(job: Job) -> None:
    assert TreeTrainer(TreeOptions(), job.run).pauses
    machines = TreeOptions(parallel="ddp", nodes=2, rendezvous="first:29500")
    assert not TreeTrainer(machines, job.run).pauses

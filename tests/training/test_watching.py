"""What is seen of a training: a line a step, where else it goes, and the batch that ended it."""

import json
import os
import sys
from pathlib import Path
from shutil import rmtree
from types import SimpleNamespace

import pytest
import torch
from attrs import evolve
from transformers import TrainerCallback

from jobs import make_family, make_items, make_job, train
from pairsmith.errors import StageError
from pairsmith.interfaces import Job, LossTerms
from pairsmith_losses.dpo import Dpo
from pairsmith_losses.options import DpoOptions
from pairsmith_train.callbacks import Metrics
from pairsmith_train.options import LoraOptions, TreeOptions
from pairsmith_train.trackers import check_installed, environment

NAMES = [
    "step",
    "steps",
    "epoch",
    "loss",
    "grad_norm",
    "learning_rate",
    "rewards/chosen",
    "rewards/rejected",
    "rewards/margin",
    "rewards/accuracy",
    "tokens/s",
    "pairs/s",
    "seconds",
]
ADAPTER = LoraOptions(r=2)


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return make_job(tmp_path / "stage", make_family(tmp_path / "run"), make_items(tmp_path / "images"))


def rows(job: Job) -> list[dict[str, float]]:
    return [json.loads(line) for line in job.metrics.read_text().splitlines()]


def test_a_tracker_that_uploads_checkpoints_finds_them(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where transformers wrote them: W&B's and MLflow's callbacks read them there, and raise where they are not."""
    found: list[list[str]] = []

    class Uploads(TrainerCallback):
        def on_save(self, args, state, control, **_):
            written = Path(args.output_dir) / f"checkpoint-{state.global_step}"
            found.append(sorted(file.name for file in written.iterdir()))

    monkeypatch.setattr("pairsmith_train.trackers.callbacks", lambda *_: [Uploads()])
    train(job, lora=ADAPTER, save_steps=1)
    assert len(found) == 2
    assert all("model.safetensors" in names and "optimizer.pt" in names for names in found)


def test_every_step_is_a_line_and_goes_to_the_trackers_too(job: Job) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    train(job, lora=ADAPTER, epochs=2.0, micro_batch_size=2, trackers=("tensorboard",))
    found = rows(job)
    assert [list(row) for row in found] == [NAMES] * 4
    assert [row["step"] for row in found] == [1, 2, 3, 4]
    assert found[0]["rewards/margin"] == pytest.approx(0, abs=1e-4)
    assert found[3]["rewards/margin"] > 0.1, "it learnt nothing"
    board = EventAccumulator(str(job.metrics.with_name("tensorboard"))).Reload()
    for name in ("loss", "rewards/margin", "tokens/s"):
        assert [round(one.value, 5) for one in board.Scalars(f"train/{name}")] == pytest.approx(
            [row[name] for row in found], rel=1e-5, abs=1e-5
        )


def test_speed_counts_the_pairs_of_all_passes(job: Job) -> None:
    train(job, lora=ADAPTER, micro_batch_size=1)
    for row in rows(job):
        tokens = row["tokens/s"] / row["pairs/s"]
        assert 20 < tokens < 60, "16 image tokens, a prompt and two short answers"


class Killed(Exception):
    pass


class Fragile(Dpo):
    """Fails in the middle, once."""

    left = 5

    def __call__(self, policy, reference):
        self.left -= 1
        if not self.left:
            raise Killed
        return super().__call__(policy, reference)


def test_a_resumed_training_has_every_step_once(job: Job, tmp_path: Path) -> None:
    whole = make_job(tmp_path / "whole", job.family, job.items)
    train(whole, lora=ADAPTER, epochs=3.0)
    fragile = evolve(job, loss=Fragile(DpoOptions(), job.run))
    with pytest.raises(Killed):
        train(fragile, lora=ADAPTER, epochs=3.0, save_steps=2)
    with job.metrics.open("a") as file:
        file.write('{"step": 4, "lo')  # what a kill leaves of a line
    torn = job.metrics.read_text()
    train(fragile, lora=ADAPTER, epochs=3.0, save_steps=2)
    assert '"lo' in torn
    assert [row["step"] for row in rows(job)] == [1, 2, 3, 4, 5, 6]
    assert [row["loss"] for row in rows(job)] == [row["loss"] for row in rows(whole)]
    times = [row["seconds"] for row in rows(job)]
    assert times == sorted(times)


def test_what_was_written_of_later_steps_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text(
        '{"step": 1, "loss": 1.0}\n{"step": 2, "l\n{"step": 2, "loss": 2.0}\n{"step": 3, "loss": 3.0}\n{"st'
    )
    Metrics(path).resume(2)
    assert path.read_text() == '{"step": 1, "loss": 1.0}\n{"step": 2, "loss": 2.0}\n'


class Broken(Dpo):
    """Gives one pair of the second step a number that is none, or a margin out of all bounds."""

    def __init__(self, name: str, value: float, run) -> None:
        super().__init__(DpoOptions(), run)
        self.name, self.value, self.calls = name, value, 0

    def __call__(self, policy, reference):
        terms = super().__call__(policy, reference)
        self.calls += 1
        if self.calls < 4:  # the first step's check calls it twice more
            return terms
        wrong = torch.tensor([1.0, self.value, 1.0, 1.0])
        if self.name == "loss":
            return LossTerms(terms.loss * wrong, terms.metrics)
        return LossTerms(terms.loss, {**terms.metrics, self.name: wrong})


@pytest.mark.parametrize(("name", "value", "said"), [
    ("loss", float("nan"), r"step 2: the loss of '(p\d)' is nan; the batch is in"),
    ("loss", float("inf"), r"step 2: the loss of '(p\d)' is inf; the batch is in"),
    ("rewards/margin", -1001.0, r"step 2: the rewards/margin \(train.margin_limit = 1000\) of '(p\d)' is -1001; the"),
])  # fmt: skip
def test_a_training_that_goes_wrong_stops_and_keeps_the_batch(job: Job, name: str, value: float, said: str) -> None:
    with pytest.raises(StageError, match=said) as raised:
        train(evolve(job, loss=Broken(name, value, job.run)), lora=ADAPTER)
    kept = json.loads(job.metrics.with_name("stopped.json").read_text())
    assert kept["step"] == 2
    assert repr(kept["items"][1]["id"]) in str(raised.value)
    assert len({item["id"] for item in kept["items"]}) == 4
    one = kept["items"][1]
    assert float(one["numbers"][name]) == pytest.approx(value, nan_ok=True)
    cell = one["cells"]["chosen|image=original|context=original"]
    item = next(item for item in job.items if item.id == one["id"])
    assert (cell["answer"], cell["turns"][0]["text"]) == (item.value.chosen.text, "What?")
    assert Path(cell["images"][0]).exists()
    assert len(cell["policy"]) == len(cell["reference"]) > 3
    assert [row["step"] for row in rows(job)] == [1]


def test_no_limit_means_none(job: Job) -> None:
    train(evolve(job, loss=Broken("rewards/margin", -1001.0, job.run)), lora=ADAPTER, margin_limit=0.0)
    assert [row["step"] for row in rows(job)] == [1, 2]


class Steep(Dpo):
    """Has a finite loss and a gradient that is none."""

    def __call__(self, policy, reference):
        terms = super().__call__(policy, reference)
        chosen = next(iter(policy.values())).sum
        return LossTerms(terms.loss + torch.sqrt(chosen - chosen.detach()), terms.metrics)


def test_a_gradient_that_is_no_number_stops_at_its_own_step(job: Job) -> None:
    with pytest.raises(StageError, match=r"step 1: the gradient's norm is (nan|inf); the batch is in"):
        train(evolve(job, loss=Steep(DpoOptions(), job.run)), lora=ADAPTER)
    assert len(json.loads(job.metrics.with_name("stopped.json").read_text())["items"]) == 4


def test_a_tracker_that_is_missing_is_named_before_training(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pairsmith_train.trackers.find_spec", lambda _: None)
    for tracker in ("tensorboard", "wandb", "mlflow"):
        with pytest.raises(StageError, match=rf"train.trackers: '{tracker}' needs its package: pip install {tracker}"):
            check_installed(TreeOptions(trackers=(tracker,)))
    with pytest.raises(ValueError, match="trackers"):
        TreeOptions(trackers=("tensorbored",))


def test_each_training_of_a_process_is_a_run_of_its_own_with_a_tracker(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It goes on in that run after a kill, and begins another where its folder was deleted."""
    for name in ("WANDB_DIR", "WANDB_RUN_ID", "WANDB_RESUME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("WANDB_PROJECT", "mine")
    finished: list[object] = []
    module = SimpleNamespace(run=None, finish=lambda: finished.append(module.run))
    monkeypatch.setitem(sys.modules, "wandb", module)  # type: ignore[arg-type]

    def began(folder: Path) -> str:
        folder.mkdir(exist_ok=True)
        module.run = None
        with environment(TreeOptions(trackers=("wandb",)), folder):
            assert (os.environ["WANDB_DIR"], os.environ["WANDB_PROJECT"]) == (str(folder), "mine")
            module.run = os.environ["WANDB_RUN_ID"]
        assert "WANDB_RUN_ID" not in os.environ
        return str(module.run)

    first, control, again = (began(tmp_path / name) for name in ("train", "control-train", "train"))
    assert first == again != control
    rmtree(tmp_path / "train")
    assert began(tmp_path / "train") not in {first, control}
    assert finished[:3] == [first, control, again]
    assert os.environ["WANDB_PROJECT"] == "mine"

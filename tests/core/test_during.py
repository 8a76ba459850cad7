"""Benchmarks while a model is trained: asked at the steps that were named, once, whatever is killed."""

import json
from pathlib import Path
from typing import Any

import pytest
from attrs import define, evolve

from doubles import Benchmark, Family, Generator, Loss, Selector, Source, Trainer
from pairsmith import names
from pairsmith.directory import RunDirectory
from pairsmith.during import DuringOptions
from pairsmith.errors import RecipeError, StageError
from pairsmith.interfaces import Job, Paused, Weights
from pairsmith.measured import keep, metrics, note, scored, show
from pairsmith.recipe import Document, resolve
from pairsmith.registry import Registry
from pairsmith.start import start
from pairsmith.store import Stage
from test_pipeline import Quiet, go, tables

STEPS = 10


@define
class Pausing(Trainer):
    """Takes ten steps, and waits where it is told to."""

    pauses = True

    def train(self, job: Job) -> Weights | Paused:
        job.output.mkdir(parents=True, exist_ok=True)
        checkpoint = job.output / "checkpoint"
        step = int(checkpoint.read_text()) if checkpoint.exists() else 0
        while step < STEPS:
            if step == job.pause_at:
                return Paused(step=step, weights=evolve(job.weights, path=str(job.output / f"step-{step}")))
            step += 1
            self.trained.append(step)
            with job.metrics.open("a") as file:
                file.write(json.dumps({"step": step, "steps": STEPS, "loss": 1 / step}) + "\n")
            checkpoint.write_text(str(step))
        return evolve(job.weights, path=str(job.output / "model"))


class Fails(Benchmark):
    """Cannot be scored the second time it is asked during training."""

    _left = 2

    def score(self, samples: Any, responses: Any) -> Any:
        self._left -= 1
        if not self._left:
            msg = "killed"
            raise RuntimeError(msg)
        return super().score(samples, responses)


def trained(folder: Path, **more: Any) -> dict[str, Any]:
    return tables(
        folder,
        images={"use": Source(folder / "pictures", 2)},
        model={"use": Family(folder / "base")},
        loss={"use": Loss()},
        train={"use": Pausing()},
        benchmarks=[{"use": Benchmark(folder / "bench")}],
        during_training={"every": 3, "from_step": 2},
        **more,
    )


def stage(run: Path, name: str) -> Stage:
    return RunDirectory(run).stage(name)


def test_a_model_is_asked_every_few_steps_from_a_given_one_on(tmp_path: Path) -> None:
    used = trained(tmp_path, evaluation={"use": Generator()})
    run = go(tmp_path, used)
    found = metrics(stage(run, "train"))
    asked = {row["step"]: row.get("benchmark/benchmark/length") for row in found}
    assert [step for step, value in asked.items() if value is not None] == [2, 5, 8]
    assert asked[5] == stage(run, "train-step-5-benchmark").note("scores.json")["metrics"]["length"]
    assert [row["loss"] for row in found] == [1 / step for step in range(1, STEPS + 1)], "its own numbers stay"
    assert used["train"]["use"].trained == list(range(1, STEPS + 1)), "no step is taken twice"
    assert not (run / "stages" / "train" / "paused.json").exists()
    assert stage(run, "train").done()["weights"]["path"].endswith("model")
    asked_again = used["evaluation"]["use"].calls
    go(tmp_path, used)
    assert used["evaluation"]["use"].calls == asked_again


def test_a_training_that_is_taken_over_says_that_nothing_was_asked_on_its_way(tmp_path: Path) -> None:
    used = trained(tmp_path)
    plain = {name: table for name, table in used.items() if name != "during_training"}
    go(tmp_path, plain)
    said = Quiet()
    document = Document(name="test", tables=used)
    start(document, out=tmp_path / "runs" / "two", progress=said, registry=Registry())
    line = "train: was trained before, without the benchmarks of [during_training]; they are not asked"
    assert line in said.lines


def test_the_control_is_asked_as_well(tmp_path: Path) -> None:
    run = go(tmp_path, trained(tmp_path, control={"pairs": {"use": Selector()}}))
    for training in ("train", "control-train"):
        assert sorted(scored(stage(run, training))) == [2, 5, 8]
        assert stage(run, f"{training}-step-8-benchmark").note("scores.json")["model"] == f"{training} at step 8"


def test_a_run_that_was_killed_while_a_training_waited_asks_what_is_missing_and_goes_on(tmp_path: Path) -> None:
    whole = go(tmp_path / "whole", trained(tmp_path / "whole"))
    used = trained(tmp_path, evaluation={"use": Generator()})
    used["benchmarks"] = [{"use": Fails(tmp_path / "bench")}]
    with pytest.raises(StageError, match="killed"):
        go(tmp_path, used)
    run = tmp_path / "runs" / "one"
    assert json.loads((run / "stages" / "train" / "paused.json").read_text())["step"] == 5
    assert used["train"]["use"].trained == [1, 2, 3, 4, 5]
    before = used["evaluation"]["use"].calls
    go(tmp_path, used)
    assert used["train"]["use"].trained == list(range(1, STEPS + 1))
    # The answers of step 5 were there: only those of step 8, the base model and the result are new.
    assert used["evaluation"]["use"].calls - before == 3
    numbers = [
        [value for row in metrics(stage(one, "train")) for name, value in row.items() if name.startswith("benchmark/")]
        for one in (run, whole)
    ]
    assert len(numbers[0]) == len(numbers[1]) == 3


def test_numbers_are_put_back_where_a_training_wrote_its_steps_anew(tmp_path: Path) -> None:
    training = Stage(tmp_path / "train")
    training.directory.mkdir()
    file = training.directory / "metrics.jsonl"
    file.write_text('{"step": 1, "loss": 0.5}\n{"step": 2, "loss": 0.4}\n')
    keep(training, 2, {"benchmark/pope/accuracy": 0.9})
    assert metrics(training)[1] == {"step": 2, "loss": 0.4, "benchmark/pope/accuracy": 0.9}
    file.write_text('{"step": 1, "loss": 0.5}\n{"step": 2, "loss": 0.3}\n{"step": 3, "loss": 0.2}\n')
    show(training)
    assert metrics(training)[1] == {"step": 2, "loss": 0.3, "benchmark/pope/accuracy": 0.9}
    assert note(metrics(training)[1]) == "loss 0.3", "a benchmark's accuracy is not that of the training"


@pytest.mark.parametrize(("every", "first", "steps"), [(3, 2, [2, 5, 8]), (4, 0, [4, 8]), (1, 9, [9, 10]), (5, 20, [])])
def test_the_steps(every: int, first: int, steps: list[int]) -> None:
    options, step, found = DuringOptions(every=every, from_step=first), 0, []
    while (step := options.after(step)) <= STEPS:
        found.append(step)
    assert found == steps


def test_the_model_of_every_round_is_asked_on_its_way(tmp_path: Path) -> None:
    """Each round's training pauses at the same steps, and the next round goes on from what it came to."""
    used = trained(tmp_path, rounds={"n": 2}, evaluation={"use": Generator()})
    used["images"] = {"use": Source(tmp_path / "pictures", 4)}
    run = go(tmp_path, used)
    assert [sorted(scored(stage(run, name))) for name in ("train", "round-2")] == [[2, 5, 8]] * 2
    models = [stage(run, f"{name}-step-5-benchmark").note("scores.json")["model"] for name in ("train", "round-2")]
    assert models == ["train at step 5", "round-2 at step 5"]
    assert used["train"]["use"].trained == [*range(1, STEPS + 1)] * 2, "no step is taken twice"
    assert [row["step"] for row in metrics(stage(run, "round-2"))] == [*range(1, STEPS + 1)]
    order = json.loads((stage(run, "round-2").directory / "job.json").read_text())
    assert order["weights"]["path"] == "stages/train/output/model"


def test_a_trainer_that_cannot_pause_says_so_before_it_trains(tmp_path: Path) -> None:
    used = trained(tmp_path)
    used["train"] = {"use": Trainer()}
    with pytest.raises(StageError, match=r"train: 'trainer' cannot pause for benchmarks \(the trainer 'tree' can"):
        go(tmp_path, used)
    assert used["train"]["use"].trained == []


@pytest.mark.parametrize(("change", "said"), [
    ({"during_training": {"every": 0}}, r"during_training.every: .* must be >= 1: 0"),
    ({"during_training": {"every": 1, "benchmarks": ["pope"]}},
     r"during_training.benchmarks: 'pope' is no benchmark of the recipe; there are benchmark"),
    ({"benchmarks": []}, r"the recipe has no \[\[benchmarks\]\]"),
])  # fmt: skip
def test_what_cannot_be_asked_is_refused(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        names.check_names(resolve(Document(name="r", path=None, tables={**trained(tmp_path), **change}), Registry()))

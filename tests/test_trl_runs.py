"""Stock TRL in real processes: two ranks, killed, taken up again, evaluated and reported; and what a recipe cannot join."""

import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pairsmith.check import check
from pairsmith.errors import RecipeError
from pairsmith.interfaces import Job, Weights
from pairsmith.registry import Registry
from pairsmith.testing import make_run
from pairsmith.view import DirectoryView

SETTINGS = (
    "images.samples=20",
    "responses.n=3",
    'loss={use="trl-dpo"}',
    "train.use=trl",
    "train.batch_size=4",
    "train.epochs=1",
    "train.save_steps=1",
    "train.parallel=ddp",
    "train.processes=2",
    "benchmarks[0].scenes=4",
)


@pytest.mark.parametrize(("settings", "said"), [
    (["train.use=trl"], "train.use: 'trl' works with 'trl-dpo', 'trl-kto' or 'trl-sft' only, not with 'dpo'; write loss.use"),
    (['loss={use="trl-kto"}'], "loss.use: 'trl-kto' works with 'trl' only, not with 'tree'; write train.use = 'trl', or"),
])  # fmt: skip
def test_a_recipe_that_joins_trl_to_another_is_refused(settings: list[str], said: str) -> None:
    with pytest.raises(RecipeError) as error:
        check("toyworld-lora", settings, Registry.discover())
    assert said in str(error.value)
    assert str(error.value).count("works with") == 1


def test_a_recipe_with_both_fits() -> None:
    assert check("toyworld-lora", SETTINGS, Registry.discover())[-1] == "fits"


def start(out: Path) -> "subprocess.Popen[str]":
    words = [word for setting in SETTINGS for word in ("--set", setting)]
    source = [str(out)] if (out / "run.json").exists() else ["toyworld-lora", "--out", str(out), *words]
    return subprocess.Popen(
        [sys.executable, "-m", "pairsmith", "run", *source],
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


@pytest.mark.slow
@pytest.mark.skipif(os.environ.get("PAIRSMITH_ENGINES") != "all", reason="PAIRSMITH_ENGINES=all runs it")
@pytest.mark.timeout(600)
def test_killed_ranks_go_on_and_the_result_is_evaluated(tmp_path: Path) -> None:
    out = tmp_path / "run"
    train = out / "stages" / "train"
    process = start(out)
    try:
        while not (train / "output" / "checkpoints" / "checkpoint-2").exists():
            assert process.poll() is None, process.communicate()[0]
            time.sleep(0.01)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    process = start(out)
    told, _ = process.communicate(timeout=500)
    assert process.returncode == 0, told
    assert "goes on from step" in told
    assert (out / "report.html").exists() and "Reward margin" in (out / "report.html").read_text(encoding="utf-8")
    assert not list(out.glob("stages/reference*")), "TRL makes its own"
    view = DirectoryView(out)
    assert {one["model"] for one in view.evaluations()} == {"base", "trained"}
    found = [row["loss"] for row in view.metrics()]
    assert found[0] == pytest.approx(math.log(2), abs=1e-5)
    alone = [row["loss"] for row in in_one_process(out, view, tmp_path / "alone")]
    assert len(alone) > 3 and max(alone) - min(alone) > 0.005, "it learnt nothing"
    assert found == pytest.approx(alone, abs=1e-4)


def in_one_process(out: Path, view: DirectoryView, directory: Path) -> list[dict[str, float]]:
    """Train on the same pairs here, and return the metrics."""
    registry, run = Registry.discover(), make_run(directory)
    use = view.document["recipe"]
    train = {k: v for k, v in use["train"].items() if k not in {"use", "parallel", "processes"}}

    def made(kind, name, options):
        from pairsmith.options import read

        component = registry.find(kind, name).component
        return component.build(read(options, component.options_class, name), run)

    order = json.loads((out / "stages" / "train" / "job.json").read_text(encoding="utf-8"))
    base = str(registry.models()["toyworld-base"])
    job = Job(
        run=run,
        family=made("model_families", "llava", {"path": base, "attention": "eager"}),
        weights=Weights(path=base),
        loss=made("losses", "trl-dpo", {}),
        items=list(view.items()),
        reference=None,
        output=directory / "output",
        metrics=directory / "metrics.jsonl",
        seed=order["seed"],
    )
    made("trainers", "trl", {**train, "device": "cpu"}).train(job)
    return [json.loads(line) for line in job.metrics.read_text(encoding="utf-8").splitlines()]

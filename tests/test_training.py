"""Training in real processes: several ranks, DeepSpeed, kills. The pairs are made once and taken over by every run."""

import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from safetensors.numpy import load_file
from transformers import LlavaForConditionalGeneration

import pairsmith_recipes

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

ALL = os.environ.get("PAIRSMITH_ENGINES") == "all"
LONG = pytest.mark.skipif(not ALL, reason="PAIRSMITH_ENGINES=all runs it; its parts are tested alone")
"""Then every engine is tried in every way: three minutes more."""

SMALL = (
    "images.samples=24",
    "responses.n=3",
    "train.batch_size=4",
    "train.epochs=1",
    "train.save_steps=1",
    "train.warmup_steps=0",
)
ADAPTER = (Path(pairsmith_recipes.__file__).parent / "toyworld-lora.toml").read_text(encoding="utf-8")
FULL = ADAPTER.replace("lora = { r = 16, alpha = 32 }", 'parts = ["vision", "projector", "language-model"]').replace(
    "learning_rate = 1e-3", "learning_rate = 1e-4"
)
BESIDE = ADAPTER.replace(
    "lora = { r = 16, alpha = 32 }",
    'lora = { r = 16, alpha = 32, full = ["projector"], full_learning_rate = 1e-4, merge = true }\n'
    "held_out = { share = 0.1, every = 2, best = true }",
).replace(
    "learning_rate = 1e-3", "learning_rate = 1e-4"
)  # Adam's first steps are as large as the rate, whatever the noise
SUM = """
[loss]
use = "sum"
terms = [{ use = "tdpo" }, { use = "ddpo", weight = 0.5 }, { use = "kto", reference_point = "zero" }, { use = "sft", reduction = "item" }]
"""
assert ADAPTER.count("lora = ") == 1 and "lora" not in FULL.partition("[train]")[2]


def start(out: Path, recipe: str = ADAPTER, *settings: str) -> subprocess.Popen[str]:
    words = [word for setting in (*SMALL, *settings) for word in ("--set", setting)]
    file = out.with_suffix(".toml")
    out.parent.mkdir(exist_ok=True)
    file.write_text(recipe, encoding="utf-8")
    source = [str(out)] if (out / "run.json").exists() else [str(file), "--out", str(out), *words]
    return subprocess.Popen(
        [sys.executable, "-m", "pairsmith", "run", *source, "--until", "train"],
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def train(out: Path, recipe: str = ADAPTER, *settings: str) -> Path:
    process = start(out, recipe, *settings)
    _, told = process.communicate(timeout=500)
    assert process.returncode == 0, told
    return out


def curve(run: Path) -> list[float]:
    lines = (run / "stages" / "train" / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["loss"] for line in lines]


def weights(run: Path) -> dict[str, object]:
    output = run / "stages" / "train" / "output"
    if (output / "adapter").exists():
        return load_file(output / "adapter" / "adapter_model.safetensors")
    # As others would read it: ranks that hold a part each write another order of names.
    model, told = LlavaForConditionalGeneration.from_pretrained(output / "model", output_loading_info=True)
    assert not any(told.values()), told
    return {name: value.numpy() for name, value in model.state_dict().items()}


def distance(one: Path, two: Path) -> float:
    first, second = weights(one), weights(two)
    assert first.keys() == second.keys()
    return max(float(abs(first[name] - second[name]).max()) for name in first)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all runs, so that each takes the pairs over from the first."""
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def adapted(runs: Path) -> Path:
    return train(runs / "adapted")


@pytest.fixture(scope="module")
def full(runs: Path) -> Path:
    return train(runs / "full", FULL)


@pytest.mark.parametrize("parallel", ["ddp", *(["zero1"] if ALL else []), "zero2", "zero3"])
def test_two_processes_train_an_adapter_as_one_does(runs: Path, adapted: Path, parallel: str) -> None:
    run = train(runs / f"adapted-{parallel}", ADAPTER, f"train.parallel={parallel}", "train.processes=2")
    assert curve(run) == pytest.approx(curve(adapted), rel=1e-4, abs=1e-4)
    assert distance(run, adapted) < 1e-4
    assert curve(run) != [curve(run)[0]] * len(curve(run)), "it learnt nothing"


@pytest.mark.parametrize("parallel", [*(["ddp"] if ALL else []), "zero3"])
def test_two_processes_train_packed_pairs_as_one_does_padded_ones(runs: Path, adapted: Path, parallel: str) -> None:
    """And with images that were encoded once, a share by each process."""
    settings = ("train.pack_tokens=150", "train.cache_image_features=true", f"train.parallel={parallel}")
    run = train(runs / f"packed-{parallel}", ADAPTER, *settings, "train.processes=2")
    assert len(list(run.glob("image-features/*/*/*.safetensors"))) > 1
    assert curve(run) == pytest.approx(curve(adapted), rel=1e-4, abs=1e-4)
    assert distance(run, adapted) < 1e-4


@pytest.mark.parametrize("parallel", [*(["ddp"] if ALL else []), "zero2", "zero3"])
def test_two_processes_train_every_weight_as_one_does(runs: Path, full: Path, parallel: str) -> None:
    run = train(runs / f"full-{parallel}", FULL, f"train.parallel={parallel}", "train.processes=2")
    assert curve(run) == pytest.approx(curve(full), rel=1e-4, abs=1e-4)
    assert distance(run, full) < 1e-4


@LONG
def test_two_processes_train_the_projector_beside_an_adapter_and_merge_it_as_one_does(runs: Path) -> None:
    alone = train(runs / "beside", BESIDE)
    run = train(runs / "beside-zero3", BESIDE, "train.parallel=zero3", "train.processes=2", "train.offload=all")
    assert curve(run) == pytest.approx(curve(alone), rel=1e-4, abs=1e-4)
    assert distance(run, alone) < 1e-4
    assert any("projector" in name for name in weights(run))
    lines = [(one / "stages" / "train" / "metrics.jsonl").read_text(encoding="utf-8") for one in (alone, run)]
    held = [[json.loads(line).get("held_out/loss", -1.0) for line in text.splitlines()] for text in lines]
    assert held[0] == pytest.approx(held[1], rel=1e-4, abs=1e-4)
    assert max(held[0]) > 0
    for one in (alone, run):
        (one / "stages" / "train" / "output" / "adapter").rename(one / "adapter")
    assert distance(run, alone) < 1e-4, "the merged models"


def summed(recipe: str) -> str:
    """The recipe with a loss that needs all a trainer can give: tokens, divergences, and other losses by name."""
    before, _, after = recipe.partition("[loss]")
    return f"{before}{SUM}\n[{after.partition(chr(10) + '[')[2]}"


@LONG
@pytest.mark.parametrize(
    ("recipe", "parallel"),
    [(ADAPTER, "zero3"), (FULL, "ddp"), (FULL, "zero2")],
    ids=["zero3", "full-ddp", "full-zero2"],
)
def test_two_processes_train_with_divergences_as_one_does(runs: Path, recipe: str, parallel: str) -> None:
    kind = "adapted" if recipe is ADAPTER else "full"
    alone = train(runs / f"sum-{kind}", summed(recipe))
    run = train(runs / f"sum-{kind}-{parallel}", summed(recipe), f"train.parallel={parallel}", "train.processes=2")
    assert curve(run) == pytest.approx(curve(alone), rel=1e-4, abs=1e-4)
    assert distance(run, alone) < 1e-4
    lines = (run / "stages" / "train" / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(lines[0])["kl/rejected"] == pytest.approx(0, abs=1e-5)
    assert json.loads(lines[-1])["kl/rejected"] > 1e-5, "the policy never moved"


def test_two_machines_train_as_one_does(runs: Path, adapted: Path) -> None:
    """Two launchers that meet at a port: what they share is the run directory, as two machines would."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        meeting = f"train.rendezvous=localhost:{free.getsockname()[1]}"
    out = runs / "machines"
    first = start(out, ADAPTER, "train.parallel=ddp", "train.nodes=2", meeting)
    told = []
    for line in first.stderr:
        told.append(line)
        if "run this on each of the other machines" in line:
            break
    command = shlex.split(told[-1].partition("run directory: ")[2])
    second = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    _, rest = first.communicate(timeout=500)
    _, other = second.communicate(timeout=60)
    assert (first.returncode, second.returncode) == (0, 0), "".join(told) + rest + other
    assert curve(out) == pytest.approx(curve(adapted), rel=1e-4, abs=1e-4)
    assert distance(out, adapted) < 1e-4


def wait_for_checkpoint(process: subprocess.Popen[str], out: Path, step: int) -> None:
    checkpoint = out / "stages" / "train" / "output" / "checkpoints" / f"checkpoint-{step}"
    deadline = time.monotonic() + 300
    while not checkpoint.exists():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.01)


def kill_after_checkpoint(out: Path, step: int, recipe: str = ADAPTER, *settings: str) -> None:
    """Kill the run and all its processes once the checkpoint of a step counts."""
    process = start(out, recipe, *settings)
    try:
        wait_for_checkpoint(process, out, step)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def test_a_killed_adapter_goes_on_with_the_same_losses_and_weights(runs: Path, adapted: Path) -> None:
    # A folder of its own: the finished training beside it would be taken over.
    alone = runs / "apart" / "killed"
    kill_after_checkpoint(alone, 2)
    train(alone)
    assert curve(alone)[-3:] == curve(adapted)[-3:]
    assert distance(alone, adapted) == 0.0


@LONG
def test_killed_ranks_under_zero_go_on_with_the_same_weights(runs: Path, full: Path) -> None:
    alone = runs / "apart-zero" / "killed"
    kill_after_checkpoint(alone, 2, FULL, "train.parallel=zero2", "train.processes=2")
    train(alone)
    assert distance(alone, full) < 1e-4


def test_one_killed_rank_ends_the_run_with_a_sentence_and_it_goes_on_with_the_same_weights(runs: Path) -> None:
    settings = ("train.parallel=zero3", "train.processes=2")
    whole = train(runs / "full-zero3", FULL, *settings)
    alone = runs / "apart-rank" / "killed"
    process = start(alone, FULL, *settings)
    try:
        wait_for_checkpoint(process, alone, 2)
        for child in psutil.Process(process.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                if "pairsmith.worker" in child.cmdline() and child.environ().get("RANK") == "1":
                    child.kill()
        _, told = process.communicate(timeout=120)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 1
    assert "train: process 1 was ended by SIGKILL; if nobody sent it, memory ran out" in told, told
    assert "the same command goes on from there" in told
    train(alone)
    assert "goes on from step" in (alone / "stages" / "train" / "log.txt").read_text(encoding="utf-8")
    steps = len(curve(whole))
    assert curve(alone)[2:] == pytest.approx(curve(whole)[2:], abs=1e-6)
    assert len(curve(alone)) == steps > 3
    assert distance(alone, whole) < 1e-6


@LONG
def test_a_checkpoint_that_was_not_finished_is_not_used(runs: Path, adapted: Path) -> None:
    alone = runs / "apart-torn" / "torn"
    kill_after_checkpoint(alone, 3)
    checkpoints = alone / "stages" / "train" / "output" / "checkpoints"
    shutil.copytree(checkpoints / "checkpoint-3", checkpoints / ".unfinished" / "checkpoint-4", dirs_exist_ok=True)
    for last in checkpoints.glob("checkpoint-*"):
        if int(last.name.partition("-")[2]) >= 3:
            for file in last.glob("optimizer.pt"):
                file.write_bytes(file.read_bytes()[:100])
    train(alone)
    assert "goes on from step 2" in (alone / "stages" / "train" / "log.txt").read_text(encoding="utf-8")
    assert distance(alone, adapted) == 0.0

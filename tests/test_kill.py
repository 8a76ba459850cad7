"""A run is killed with SIGKILL again and again, anywhere, and comes out as if it had never been."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from safetensors.numpy import load_file

KILLS = int(os.environ.get("PAIRSMITH_KILLS", "3"))
RECIPE = [
    "toyworld",
    "--set",
    "images.samples=48",
    "--set",
    "part_size=6",
    "--set",
    "train.save_steps=2",
    "--set",
    "train.batch_size=8",
    "--set",
    "train.micro_batch_size=8",
    "--set",
    "benchmarks[0].scenes=24",
]


def command(out: Path) -> list[str]:
    return [sys.executable, "-m", "pairsmith.cli", "run", *RECIPE, "--out", str(out)]


def environment() -> dict[str, str]:
    return {**os.environ, "HF_HUB_OFFLINE": "1"}


def finished(run: Path) -> dict[str, tuple[int, int]]:
    """The parts that are there, and what says that a file is still the same one."""
    found = {}
    for path in run.glob("stages/*/part-*.jsonl"):
        status = path.stat()
        found[str(path.relative_to(run))] = (status.st_ino, status.st_mtime_ns)
    return found


def kill_at(run: Path, seconds: float) -> bool:
    """Start the run, kill it and all its processes after a while; tell whether it was finished by then."""
    process = subprocess.Popen(
        command(run), env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
    )
    try:
        _, complaint = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return False
    assert process.returncode == 0, complaint.decode()
    return True


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_a_run_killed_at_random_moments_equals_an_unbroken_one(tmp_path: Path) -> None:
    # Folders apart, so that none takes another's stages over.
    whole = tmp_path / "whole" / "run"
    began = time.monotonic()
    assert kill_at(whole, 600)
    takes = time.monotonic() - began

    dice, kills, chains = random.Random(0), 0, 0
    while kills < KILLS:
        chains += 1
        broken = tmp_path / f"broken-{chains}" / "run"
        lost: list[str] = []
        before = kills
        while kills < KILLS:
            there = finished(broken)
            if kill_at(broken, dice.uniform(0.05, 0.6) * takes):
                break
            kills += 1
            after = finished(broken)
            lost += [name for name, file in there.items() if after.get(name) != file]
        assert kills > before, "finished before it could be killed: nothing was tested"
        assert kill_at(broken, 600)
        assert not lost, "a finished part was made again"
        compare(whole, broken)
    print(f"{kills} kills over {chains} runs of {takes:.0f} s")


def compare(whole: Path, broken: Path) -> None:
    """Every part is the same to the byte, and the models are the same to 1e-6."""
    for part in sorted(whole.glob("stages/*/part-*.jsonl")):
        twin = broken / part.relative_to(whole)
        assert twin.read_bytes() == part.read_bytes(), part
    for arm in ("train", "control-train"):
        one, two = (next((run / "stages" / arm / "output").glob("model/*.safetensors")) for run in (whole, broken))
        first, second = load_file(one), load_file(two)
        assert first.keys() == second.keys()
        assert max(abs(first[name] - second[name]).max() for name in first) <= 1e-6

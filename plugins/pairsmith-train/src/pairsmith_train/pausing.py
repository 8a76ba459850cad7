"""A training that pauses after a step, so that benchmarks are asked, and later goes on from that step's checkpoint."""

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from attrs import evolve
from transformers import TrainerCallback

from pairsmith.interfaces import Job, Paused
from pairsmith.resuming import Checkpoints
from pairsmith_train import results
from pairsmith_train.options import TreeOptions

_FOLDER = "step-"


def at(job: Job, step: int) -> Job:
    """Return the job as one whose result are the weights after ``step``."""
    return evolve(job, output=job.output / f"{_FOLDER}{step}")


def paused(job: Job, options: TreeOptions, checkpoints: Checkpoints) -> Paused | None:
    """Return where a training paused, if it is there and can go on from there."""
    if job.pause_at is None or checkpoints.path(job.pause_at) != checkpoints.last():
        return None
    there = at(job, job.pause_at)
    return Paused(step=job.pause_at, weights=results.weights(there, options)) if _whole(there, options) else None


def _whole(job: Job, options: TreeOptions) -> bool:
    return results.place(job, options).exists()


def remove(job: Job) -> None:
    """Remove the weights of steps that were paused at: their benchmarks have been asked."""
    for path in job.output.glob(f"{_FOLDER}*"):
        shutil.rmtree(path)


class Pause(TrainerCallback):  # type: ignore[misc]
    """Stops after a step and leaves its weights. They are whole before its checkpoint counts."""

    def __init__(self, step: int, save: Callable[[], None]) -> None:
        """Take the step, and what saves the weights; all processes call it."""
        self._step, self._save = step, save

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ANN401, ARG002
        """Ask for a checkpoint, and for the end."""
        if state.global_step == self._step < state.max_steps:
            control.should_save = control.should_training_stop = True

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ANN401, ARG002
        """Save the weights, before another callback names the checkpoint."""
        if state.global_step == self._step < state.max_steps:
            self._save()


class Told(TrainerCallback):  # type: ignore[misc]
    """Tells trackers what benchmarks said of the step that a training goes on from."""

    def __init__(self, metrics: Path, trackers: Sequence[Any], prefix: str) -> None:
        """Take the run's metrics, the trackers' callbacks, and how the names of a benchmark's numbers begin."""
        self._metrics, self._trackers, self._prefix = metrics, trackers, prefix

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ANN401
        """Send them."""
        if not state.is_world_process_zero or not self._metrics.exists():
            return
        lines = self._metrics.read_text(encoding="utf-8").splitlines()
        rows = [row for row in map(json.loads, lines) if row["step"] == state.global_step]
        found = {name: value for row in rows for name, value in row.items() if name.startswith(self._prefix)}
        for tracker in self._trackers if found else ():
            tracker.on_log(args, state, control, logs=dict(found))

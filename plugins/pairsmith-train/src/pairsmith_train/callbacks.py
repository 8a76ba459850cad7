"""What happens beside the steps: checkpoints get their names, metrics are written."""

import json
import time
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback

from pairsmith.resuming import Checkpoints, keep_steps


class Naming(TrainerCallback):  # type: ignore[misc]
    """Gives each checkpoint its name once transformers is done with it."""

    def __init__(self, checkpoints: Checkpoints, newest: int) -> None:
        """Take the checkpoints of the training, and how many stay."""
        self._checkpoints, self._newest = checkpoints, newest

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ANN401, ARG002
        """Keep what was saved, once every rank has."""
        if torch.distributed.is_initialized():
            torch.distributed.barrier()  # every rank has written its own part of the checkpoint
        if state.is_world_process_zero:
            self._checkpoints.keep(state.global_step, self._newest)


class Metrics(TrainerCallback):  # type: ignore[misc]
    """Keeps a line per step in the run's metrics: each step once, however often the training was killed."""

    def __init__(self, path: Path) -> None:
        """Take the file and the time."""
        self._path, self._began = path, time.monotonic()
        self._held: dict[str, Any] | None = None

    def resume(self, step: int) -> None:
        """Drop what was written of later steps, which will be made again, and a line that was cut short."""
        rows = keep_steps(self._path, step)
        self._began = time.monotonic() - (rows[-1].get("seconds", 0.0) if rows else 0.0)

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **_: Any) -> None:  # noqa: ANN401, ARG002
        """Write a step's numbers; where it is evaluated as well, hold them until that is done."""
        if not state.is_world_process_zero or logs is None or "loss" not in logs:
            return
        seconds = round(time.monotonic() - self._began, 3)
        first = {"step": state.global_step, "steps": state.max_steps, "epoch": logs.get("epoch"), "loss": logs["loss"]}
        row = {**first, **{name: value for name, value in logs.items() if name not in first}, "seconds": seconds}
        if control.should_evaluate:
            self._held = row
        else:
            self._write(row)

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: dict[str, float], **_: Any) -> None:  # noqa: ANN401, ARG002
        """Write the step with what its evaluation found."""
        if self._held is not None:
            self._write({**self._held, **metrics})
            self._held = None

    def _write(self, row: dict[str, Any]) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")

"""What happens beside TRL's steps: checkpoints get their names, metrics are written."""

import json
import math
import time
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback

from pairsmith.errors import StageError
from pairsmith.resuming import Checkpoints, keep_steps

_NAMES = {"rewards/margins": "rewards/margin", "rewards/accuracies": "rewards/accuracy"}
"""What TRL calls otherwise than the losses of pairsmith do; a report then shows the curves side by side."""


class Naming(TrainerCallback):  # type: ignore[misc]
    """Gives each checkpoint its name once TRL is done with it."""

    def __init__(self, checkpoints: Checkpoints, newest: int) -> None:
        """Take the checkpoints of the training, and how many stay."""
        self._checkpoints, self._newest = checkpoints, newest

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ANN401, ARG002
        """Keep what was saved, once every rank has."""
        if torch.distributed.is_initialized():
            torch.distributed.barrier()
        if state.is_world_process_zero:
            self._checkpoints.keep(state.global_step, self._newest)


class Metrics(TrainerCallback):  # type: ignore[misc]
    """Keeps a line per step in the run's metrics: each step once, however often the training was killed."""

    def __init__(self, path: Path) -> None:
        """Take the file and the time."""
        self._path, self._began = path, time.monotonic()

    def resume(self, step: int) -> None:
        """Drop what was written of later steps, which will be made again, and a line that was cut short."""
        rows = keep_steps(self._path, step)
        self._began = time.monotonic() - (rows[-1].get("seconds", 0.0) if rows else 0.0)

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **_: Any) -> None:  # noqa: ANN401, ARG002
        """Write what TRL found since the last step; raise where the loss is not a number."""
        if not state.is_world_process_zero or logs is None or "loss" not in logs:
            return
        row = {
            "step": state.global_step,
            "steps": state.max_steps,
            **{_NAMES.get(name, name): value for name, value in logs.items()},
            "seconds": round(time.monotonic() - self._began, 3),
        }
        if not math.isfinite(logs["loss"]):
            msg = f"the loss of step {state.global_step} is {logs['loss']}; lower train.learning_rate or look at the pairs"
            raise StageError(msg)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")

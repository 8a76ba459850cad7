"""Where else a training's metrics go: TensorBoard, Weights & Biases, MLflow."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from uuid import uuid4

from transformers.integrations import MLflowCallback, TensorBoardCallback, WandbCallback

from pairsmith.errors import StageError
from pairsmith_train.options import Tracker, TreeOptions

WANDB_RUN = "wandb-run.txt"
"""The file beside a training's metrics that names its run there: one that is deleted and made again begins another."""

_PACKAGES: dict[Tracker, str] = {"tensorboard": "tensorboard", "wandb": "wandb", "mlflow": "mlflow"}


def check_installed(options: TreeOptions) -> None:
    """Refuse a tracker whose package is missing."""
    for tracker in options.trackers:
        if find_spec(_PACKAGES[tracker]) is None:
            msg = f"train.trackers: {tracker!r} needs its package: pip install {_PACKAGES[tracker]}"
            raise StageError(msg)


def callbacks(options: TreeOptions, directory: Path) -> list[Any]:
    """Return what sends every log line to the trackers; their own files go into ``directory``."""
    check_installed(options)
    made: list[Any] = []
    for tracker in options.trackers:
        if tracker == "tensorboard":
            board = TensorBoardCallback()
            board.logging_dir = str(directory / tracker)
            made.append(board)
        elif tracker == "wandb":
            made.append(WandbCallback())
        else:
            made.append(MLflowCallback())
    return made


@contextmanager
def environment(options: TreeOptions, directory: Path) -> Iterator[None]:
    """Set, for one training, what its trackers read when it begins; what a person has set stays.

    Several trainings may follow one another in one process, and each is a run of its own there.
    """
    wanted = {"MLFLOW_EXPERIMENT_NAME": "pairsmith"} if "mlflow" in options.trackers else {}
    if "wandb" in options.trackers:
        # A training that was killed, or paused, goes on in the run that it began there.
        wanted |= {"WANDB_DIR": str(directory), "WANDB_PROJECT": "pairsmith", "WANDB_RESUME": "allow"}
        if os.environ.get("RANK", "0") == "0":  # the one process that tells
            wanted["WANDB_RUN_ID"] = _run_id(directory)
    own = {name: value for name, value in wanted.items() if name not in os.environ}
    before = getattr(sys.modules.get("wandb"), "run", None)
    os.environ.update(own)
    try:
        yield
    finally:
        for name in own:
            os.environ.pop(name, None)
        wandb: Any = sys.modules.get("wandb")
        if "wandb" in options.trackers and before is None and getattr(wandb, "run", None) is not None:
            wandb.finish()  # or the next training of this process would go on in it


def _run_id(directory: Path) -> str:
    path = directory / WANDB_RUN
    if not path.exists():
        path.write_text(uuid4().hex[:16], encoding="utf-8")
    return path.read_text(encoding="utf-8").strip()

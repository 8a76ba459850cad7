"""Where else a training's metrics go: TensorBoard, Weights & Biases, MLflow."""

import os
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from transformers.integrations import MLflowCallback, TensorBoardCallback, WandbCallback

from pairsmith.errors import StageError
from pairsmith_train.options import Tracker, TreeOptions

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
            os.environ.setdefault("WANDB_DIR", str(directory))
            os.environ.setdefault("WANDB_PROJECT", "pairsmith")
            # A training that was killed, or paused, goes on in the run that it began there.
            os.environ.setdefault("WANDB_RUN_ID", sha256(str(directory).encode()).hexdigest()[:16])
            os.environ.setdefault("WANDB_RESUME", "allow")
            made.append(WandbCallback())
        else:
            os.environ.setdefault("MLFLOW_EXPERIMENT_NAME", "pairsmith")
            made.append(MLflowCallback())
    return made

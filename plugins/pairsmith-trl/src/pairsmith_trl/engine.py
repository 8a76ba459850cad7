"""One process or several: how they are launched, and whether what was asked for is what runs."""

import os
from collections.abc import Sequence
from typing import Any

import torch
from accelerate.utils import DistributedType

from pairsmith.errors import StageError
from pairsmith_trl.options import TrlOptions

_TOGETHER = {DistributedType.MULTI_CPU, DistributedType.MULTI_GPU}


def device(options: TrlOptions) -> str:
    """Return the device this process computes on."""
    available = torch.cuda.is_available()
    if options.device == "cuda" and not available:
        msg = "train.device = 'cuda' and no CUDA device is there; set train.device = 'cpu' or install torch with CUDA"
        raise StageError(msg)
    if options.device == "cpu" or not available:
        return "cpu"
    return f"cuda:{os.environ.get('LOCAL_RANK', '0')}"


def possible(options: TrlOptions) -> int:
    """Return how many devices this machine has for training. Raises where the recipe's processes are more."""
    if device(options) == "cpu":
        return 1
    count = torch.cuda.device_count()
    if options.processes > count:
        msg = f"train.processes = {options.processes} and there are {count} CUDA devices; one each"
        raise StageError(msg)
    return count


def launch(worker: Sequence[str], options: TrlOptions) -> list[str]:
    """Return the command that starts the processes, through torchrun where they are several.

    So does a single process beside several GPUs: without a launcher TRL refuses to train there.
    """
    count = possible(options)
    if options.parallel == "none" and count == 1:
        return list(worker)
    python, *rest = worker
    return [python, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(options.processes), *rest]


def arguments(options: TrlOptions) -> dict[str, Any]:
    """Return what TRL's configuration is told about the engine."""
    if options.parallel == "none":
        return {}
    return {"ddp_backend": "gloo" if device(options) == "cpu" else "nccl"}


def check_running(options: TrlOptions, distributed: DistributedType, world: int) -> None:
    """Refuse to train with another engine, or other processes, than the recipe says."""
    if world != options.processes:
        msg = f"train.processes = {options.processes} and {world} are running; start training with 'pairsmith run'"
        raise StageError(msg)
    if options.parallel == "ddp" and distributed not in _TOGETHER:
        msg = f"train.parallel = 'ddp' and accelerate runs {distributed.value}; nothing was trained"
        raise StageError(msg)

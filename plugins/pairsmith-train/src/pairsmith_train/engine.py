"""One process or several: how they are launched, what DeepSpeed is told, and whether what was asked for is what runs."""

import os
import shlex
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

import torch
from accelerate.utils import DistributedType

from pairsmith.errors import StageError
from pairsmith_train import zero
from pairsmith_train.options import TreeOptions

_ENGINES = {
    "ddp": {DistributedType.MULTI_CPU, DistributedType.MULTI_GPU},
    "zero1": {DistributedType.DEEPSPEED},
    "zero2": {DistributedType.DEEPSPEED},
    "zero3": {DistributedType.DEEPSPEED},
    "fsdp2": {DistributedType.FSDP},
}


def device(options: TreeOptions) -> str:
    """Return the device this process computes on."""
    available = torch.cuda.is_available()
    if options.device == "cuda" and not available:
        msg = "train.device = 'cuda' and no CUDA device is there; set train.device = 'cpu' or install torch with CUDA"
        raise StageError(msg)
    if options.device == "cpu" or not available:
        return "cpu"
    return f"cuda:{os.environ.get('LOCAL_RANK', '0')}"


def launch(worker: Sequence[str], options: TreeOptions) -> list[str]:
    """Return the command that starts the processes.

    torchrun, which is also what ``accelerate launch`` starts: the latter runs one process where two are asked for on a
    CPU. accelerate finds the processes by torchrun's environment either way.
    """
    possible(options)
    if options.parallel == "none":
        return list(worker)
    python, *rest = worker
    count = str(options.processes)
    machines = ["--standalone"]
    if options.nodes > 1:
        # Every machine runs the same line; the first that comes to the meeting point keeps it.
        machines = ["--nnodes", str(options.nodes), "--rdzv_backend", "c10d", "--rdzv_endpoint", options.rendezvous]
    command = [python, "-m", "torch.distributed.run", *machines, "--nproc_per_node", count, *rest]
    if options.nodes > 1:
        line = f"run this on each of the other machines, which see the same run directory: {shlex.join(command)}"
        print(line, file=sys.stderr, flush=True)  # noqa: T201 - the run says what else to start
    return command


def possible(options: TreeOptions) -> None:
    """Refuse what this machine cannot run, and a DeepSpeed file that contradicts the recipe."""
    on_cpu = device(options) == "cpu"
    if options.parallel == "fsdp2" and on_cpu:
        msg = (
            "train.parallel = 'fsdp2' needs CUDA devices: on a CPU accelerate runs plain DDP without a word. Take 'ddp'"
        )
        raise StageError(msg)
    if not on_cpu and options.processes > torch.cuda.device_count():
        msg = f"train.processes = {options.processes} and there are {torch.cuda.device_count()} CUDA devices; one each"
        raise StageError(msg)
    if options.parallel.startswith("zero"):
        if find_spec("deepspeed") is None:
            msg = f"train.parallel = {options.parallel!r} needs DeepSpeed: pip install 'pairsmith-train[deepspeed]'"
            raise StageError(msg)
        zero.configuration(options)


def before_models(options: TreeOptions) -> None:
    """Set up what must be there before a model is loaded."""
    if not options.parallel.startswith("zero"):
        return
    if device(options) == "cpu":
        os.environ.setdefault("DS_ACCELERATOR", "cpu")
    import deepspeed
    import deepspeed.ops

    if device(options) == "cpu":
        # A C++ extension that would be compiled for 45 s at the first start, and needs a compiler; gloo does its work.
        deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False
        deepspeed.init_distributed("gloo")
    else:
        deepspeed.init_distributed()


def arguments(options: TreeOptions) -> dict[str, Any]:
    """Return what ``TrainingArguments`` are told about the engine."""
    if options.parallel.startswith("zero"):
        return {"deepspeed": zero.configuration(options)}
    if options.parallel == "fsdp2":
        return {"fsdp": "full_shard auto_wrap", "fsdp_config": {"fsdp_version": 2}}
    if options.parallel == "ddp":
        # A vision tower has layers behind the one whose features are read; they never get a gradient.
        unused = "vision" in options.trained_parts
        return {"ddp_backend": "gloo" if device(options) == "cpu" else "nccl", "ddp_find_unused_parameters": unused}
    return {}


def sharded(options: TreeOptions) -> bool:
    """Tell whether each process holds a part of every weight only."""
    return options.parallel in {"zero3", "fsdp2"}


def gathered(model: Any, options: TreeOptions, accelerator: Any, *, trained: bool = False) -> dict[str, Any] | None:  # noqa: ANN401
    """Return the parameters of a model whose ranks hold a part each, whole and on the CPU, on the first rank.

    ``None`` where every rank holds all of it. With ``trained``, those that are trained and no others. All ranks must call
    this.
    """
    if not sharded(options):
        return None
    inner = accelerator.unwrap_model(model)
    names = {name for name, value in inner.named_parameters() if value.requires_grad or not trained}
    if options.parallel == "fsdp2":
        whole: dict[str, Any] = accelerator.get_state_dict(model)
        return {name: value for name, value in whole.items() if name in names or not trained}
    import deepspeed

    state = {}
    for name, parameter in inner.named_parameters():
        if name in names:
            with deepspeed.zero.GatheredParameters([parameter]):  # one at a time: the whole need not fit a device
                if accelerator.is_main_process:
                    state[name] = parameter.detach().cpu().clone()
    return state


def check_running(options: TreeOptions, distributed: DistributedType, world: int) -> None:
    """Refuse to train with another engine, or other processes, than the recipe says."""
    if world != options.world:
        wanted = f"train.processes = {options.processes}"
        wanted += f" on each of {options.nodes} machines" if options.nodes > 1 else ""
        msg = f"{wanted} and {world} are running; start training with 'pairsmith run'"
        raise StageError(msg)
    engines = _ENGINES.get(options.parallel)
    if engines is not None and distributed not in engines:
        msg = f"train.parallel = {options.parallel!r} and accelerate runs {distributed.value}; nothing was trained"
        raise StageError(msg)

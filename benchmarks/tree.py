"""One training step of the tree, against separate passes and against stock TRL, side by side in one run.

    python benchmarks/tree.py [--shape llava qwen2-5-vl qwen3-vl] [--full] [--repeats 3] [--threads 1]
    python benchmarks/tree.py --device cuda --size 7b --peak-tflops 989    # an H200's, bfloat16, dense

A picture of 576 image tokens and a vocabulary of 32,000 on a small language model (8 layers of 512), or on the whole one;
two pairs a step, passed through the model one at a time, or both at once; LoRA on the language model or all of it, float32
(bfloat16 on a GPU). DPO: answers of 128 and 108 tokens after a prompt of 60; MCM-DPO: 40 and 30 tokens after contexts, for
its answers are alt texts.

Each way runs in a process of its own, so that its peak memory is its own, ``--repeats`` times in turns; the table gives
medians. A step is forward, backward and optimiser. ``separate`` passes every cell through the whole model as a row of one
batch, and ``published`` does so with the reference as well in every step, as the methods' own code does it: of MCM-DPO, 8 + 8
passes. ``trl`` is stock ``trl.DPOTrainer``, which computes its reference in every step, because for images it refuses a
cached one; the others keep it, and the column ``reference`` is what filling it costs. "Faster, cached" compares steps, those
that compute a reference as they are. "Faster, one epoch" counts the reference for all. All but the tree have stock peft.
Tokens are those of the language model that a gradient goes through, of which the tree has fewer. Model FLOP utilisation
counts what the language model's layers multiply for them and for a reference in the step, without attention, head and tower.
"""

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from tree_shapes import SHAPES, Pairs, subject
from tree_ways import Case, ours, trl

WAYS = {"dpo": ("tree", "separate", "trl"), "mcm-dpo": ("tree", "separate", "published")}
AT_ONCE = {"dpo": (1, 2), "mcm-dpo": (1,)}  # two pairs of eight cells in separate passes take 14 GB
PAIRS = {"dpo": Pairs(), "mcm-dpo": Pairs(chosen=40, rejected=30)}
BESIDE = ("faster, cached", "faster, one epoch", "tree's memory")
Found = Mapping[str, float]


def measure(shape: str, size: str, case: Case, threads: int) -> Found:
    """Run one way in a process of its own."""
    what = json.dumps([shape, size, case.loss, case.way, case.at_once, case.full, case.device])
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": str(threads),
        "HF_HUB_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }
    command = [sys.executable, __file__, "--one", what]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{shape} {case} failed:\n{done.stderr[-2000:]}")
    found: Found = json.loads(done.stdout.splitlines()[-1])
    return found


def one(shape: str, size: str, loss: str, way: str, at_once: int, full: bool, device: str) -> None:  # noqa: FBT001 - see measure
    """Measure here, and print it."""
    case = Case(loss=loss, way=way, at_once=at_once, full=full, device=device)
    with tempfile.TemporaryDirectory() as folder:
        made = subject(shape, size, Path(folder), PAIRS[loss], device=device)
        times = trl(case, made, Path(folder)) if way == "trl" else ours(case, made, Path(folder))
    found = {"reference": times.reference, "tokens": times.tokens, "flops": times.flops, "peak": peak(device)}
    print(json.dumps({"step": statistics.median(times.steps), **found}))


def peak(device: str) -> float:
    """Return the most memory there was, MiB: of the process, or of the GPU."""
    if device == "cpu":
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    import torch

    return torch.cuda.max_memory_allocated() / 2**20


def medians(runs: Sequence[Found]) -> Found:
    """Return the median of each figure."""
    return {key: statistics.median(run[key] for run in runs) for key in runs[0]}


def row(way: str, of: Found, tree: Found, pairs: int, peak_flops: float) -> str:
    """Return the cells of one way beside the tree's."""
    reference = f"{of['reference']:.2f}" if of["reference"] else "in the step"
    cells = [way, f"{pairs / of['step']:.3g}", f"{of['step']:.2f}", reference, f"{of['tokens'] / of['step']:,.0f}"]
    cells += [f"{of['flops'] / of['step'] / peak_flops:.1%}"] if peak_flops else []
    cells += [f"{of['peak']:,.0f}"]
    if way == "tree":
        return " | ".join([*cells, "", "", ""])
    epoch = (of["step"] + of["reference"]) / (tree["step"] + tree["reference"])
    return " | ".join(
        [*cells, f"{of['step'] / tree['step']:.1f}x", f"{epoch:.1f}x", f"{tree['peak'] / of['peak']:.2f}x"]
    )


def compare(shape: str, loss: str, at_once: int, arguments: argparse.Namespace) -> None:
    """Print the rows of one shape and loss."""
    found: dict[str, list[Found]] = {way: [] for way in WAYS[loss]}
    for _ in range(arguments.repeats):
        for way, runs in found.items():
            case = Case(loss=loss, way=way, at_once=at_once, full=arguments.full, device=arguments.device)
            runs.append(measure(shape, arguments.size, case, arguments.threads))
    tree = medians(found["tree"])
    for way, runs in found.items():
        cells = row(way, medians(runs), tree, PAIRS[loss].count, arguments.peak_tflops * 1e12)
        print(f"| {shape} | {loss} | {at_once} | {cells} |", flush=True)


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--shape", nargs="+", default=["llava"], choices=SHAPES)
    parser.add_argument("--size", default="small", choices=("small", "7b"), help="7b: the published sizes, for a GPU")
    parser.add_argument("--loss", nargs="+", default=list(WAYS), choices=WAYS)
    parser.add_argument(
        "--at-once", nargs="+", type=int, help="pairs in a pass; by default 1 and 2 for DPO, 1 for MCM-DPO"
    )
    parser.add_argument("--full", action="store_true", help="train the whole language model; an adapter where left out")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--peak-tflops",
        type=float,
        default=0.0,
        help="of the device, dense, in its type of number: a column of model FLOP utilisation",
    )
    arguments = parser.parse_args()
    if arguments.one:
        one(*json.loads(arguments.one))
        return
    libraries = ", ".join(f"{name} {version(name)}" for name in ("torch", "transformers", "trl", "peft"))
    print(f"{datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}, {libraries}")
    what = "the whole language model" if arguments.full else "LoRA"
    print(f"medians of {arguments.repeats}, {arguments.threads} thread(s), two pairs a step, {what}\n")
    utilisation = ("MFU",) if arguments.peak_tflops else ()
    speeds = ("pairs/s", "s a step", "reference, s", "tokens/s", *utilisation)
    heads = ("shape", "loss", "pairs at once", "way", *speeds, "peak MiB", *BESIDE)
    print(f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}", sep="\n")
    for shape in arguments.shape:
        for loss in arguments.loss:
            for at_once in arguments.at_once or AT_ONCE[loss]:
                compare(shape, loss, at_once, arguments)


if __name__ == "__main__":
    main()

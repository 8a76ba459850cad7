"""Time and memory of a training step over image tokens and answer lengths: ``python benchmarks/scaling.py --plot FILE``.

The model of ``tree.py``'s LLaVA shape, one pair, DPO with a kept reference, LoRA, float32: the tree beside separate
passes. 144 image tokens are a picture of 168 pixels, 576 one of 336, 1,152 two of those and 2,880 five, as LLaVA-NeXT's
tiles are. Each point runs in a process of its own, ``--repeats`` times; medians.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tree_shapes import Pairs, subject
from tree_ways import Case, ours

IMAGES = {144: (168, 1), 576: (336, 1), 1152: (336, 2), 2880: (336, 5)}
"""Pixels of a side and number of pictures, by image tokens."""
ANSWERS = (32, 128, 512)
WAYS = ("tree", "separate")
Point = tuple[int, int, str]
Found = Mapping[str, float]


def one(image_tokens: int, answer: int, way: str) -> None:
    """Measure here, and print it."""
    side, images = IMAGES[image_tokens]
    pairs = Pairs(count=1, images=images, chosen=answer, rejected=answer)
    with tempfile.TemporaryDirectory() as folder:
        made = subject("llava", "small", Path(folder), pairs, side=side)
        times = ours(Case(loss="dpo", way=way, at_once=1), made, Path(folder))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"step": statistics.median(times.steps), "peak": peak}))


def measure(point: Point, threads: int) -> Found:
    """Run one point in a process of its own."""
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, __file__, "--one", json.dumps(point)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{point} failed:\n{done.stderr[-2000:]}")
    found: Found = json.loads(done.stdout.splitlines()[-1])
    return found


def draw(found: Mapping[Point, Found], path: Path) -> None:
    """Plot time and memory over image tokens, a colour per answer length."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with rc_context({"svg.hashsalt": "pairsmith", "font.size": 9, "axes.grid": True, "grid.linewidth": 0.4}):
        figure = Figure(figsize=(8.5, 3.0), layout="constrained")
        titles = {"step": "seconds a step", "peak": "peak MiB"}
        for axes, (key, title) in zip(figure.subplots(1, 2), titles.items(), strict=True):
            for number, answer in enumerate(ANSWERS):
                for way, line in zip(WAYS, ("o-", "s--"), strict=True):
                    values = [found[(tokens, answer, way)][key] for tokens in IMAGES]
                    axes.plot(list(IMAGES), values, line, color=f"C{number}", ms=3, label=f"{way}, answers of {answer}")
            axes.set_xlabel("image tokens")
            axes.set_ylabel(title)
            axes.set_ylim(bottom=0)
        axes.legend(frameon=False, fontsize=7)
        FigureCanvasSVG(figure).print_svg(str(path), metadata={"Date": None})


def table(found: Mapping[Point, Found]) -> str:
    """Return a Markdown table."""
    lines = [
        "| image tokens | answers | tree, s | separate, s | tree, MiB | separate, MiB | faster |",
        "|---|---|---|---|---|---|---|",
    ]
    for tokens in IMAGES:
        for answer in ANSWERS:
            tree, other = (found[(tokens, answer, way)] for way in WAYS)
            cells = [f"{tree['step']:.2f}", f"{other['step']:.2f}", f"{tree['peak']:,.0f}", f"{other['peak']:,.0f}"]
            lines.append(f"| {tokens:,} | {answer} | {' | '.join(cells)} | {other['step'] / tree['step']:.1f}x |")
    return "\n".join(lines)


def median(runs: Sequence[Found]) -> Found:
    """Return the median of each figure."""
    return {key: statistics.median(run[key] for run in runs) for key in runs[0]}


def main() -> None:
    """Measure, print and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw it as an SVG file")
    arguments = parser.parse_args()
    if arguments.one:
        one(*json.loads(arguments.one))
        return
    points = [(tokens, answer, way) for tokens in IMAGES for answer in ANSWERS for way in WAYS]
    runs: dict[Point, list[Found]] = {point: [] for point in points}
    for _ in range(arguments.repeats):
        for point in points:
            runs[point].append(measure(point, arguments.threads))
    found = {point: median(some) for point, some in runs.items()}
    print(table(found))
    if arguments.plot:
        draw(found, arguments.plot)


if __name__ == "__main__":
    main()

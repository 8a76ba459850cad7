"""How much a recipe of the toy world helps, over several seeds: ``python benchmarks/efficacy.py --seeds 5``.

Runs the recipe once a seed, from the same base model; the seed changes the pictures, the answers that are drawn and the
order of training. Prints a Markdown table of the benchmark's metrics before and after, mean and standard deviation over
seeds. Runs that are there already are taken as they are, and unfinished ones go on. A run takes minutes on two cores.
``efficacy_grid.py`` compares losses, selectors and judges that err.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

Metrics = Mapping[str, Mapping[str, float]]


def run(recipe: str, seed: int, out: Path, settings: Sequence[str] = ()) -> Metrics:
    """Run a recipe with a seed, or go on with it, and return the metrics of each model."""
    changes = [word for setting in (f"seed={seed}", *settings) for word in ("--set", setting)]
    there = (out / "run.json").exists()
    source = [str(out)] if there else [recipe, "--out", str(out), *changes]
    subprocess.run([sys.executable, "-m", "pairsmith", "run", *source], check=True, stdout=subprocess.DEVNULL)
    if there:
        check(out, recipe, seed)
    return {model: metrics(out, model) for model in models(document(out)) if score_file(out, model).exists()}


def models(run: Mapping[str, Any]) -> Sequence[str]:
    """Return the models that a run may score: before, after each round, after all of it, and the control."""
    rounds = run["recipe"].get("rounds", {}).get("n", 1)
    return ["base", *(f"round-{number}" for number in range(1, rounds)), "trained", "control"]


def check(out: Path, recipe: str, seed: int) -> None:
    """Refuse to count a run of something else."""
    found = document(out)
    if (found["name"], found["seed"]) != (Path(recipe).stem, seed):
        message = f"{out} is a run of {found['name']!r} with seed {found['seed']}; take another --out"
        raise SystemExit(message)


def document(out: Path) -> Mapping[str, Any]:
    """Return what a run wrote of itself: its recipe, name and seed."""
    found: Mapping[str, Any] = json.loads((out / "run.json").read_text(encoding="utf-8"))
    return found


def score_file(out: Path, model: str) -> Path:
    """Return where a model's scores are."""
    return out / "stages" / f"evaluate-toyworld-{model}" / "scores.json"


def metrics(out: Path, model: str) -> Mapping[str, float]:
    """Return a model's metrics."""
    found: Mapping[str, float] = json.loads(score_file(out, model).read_text(encoding="utf-8"))["metrics"]
    return found


def table(results: Sequence[Metrics]) -> str:
    """Return a Markdown table: a row per metric, a column per model, mean and standard deviation over the seeds."""
    scored = list(results[0])
    lines = [f"| metric | {' | '.join(scored)} |", f"|---|{'---|' * len(scored)}"]
    for name in results[0]["base"]:
        cells = [cell([result[model][name] for result in results]) for model in scored]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def cell(values: Sequence[float]) -> str:
    """Return mean and spread; a value that is the same every time has no spread to show."""
    if max(values) - min(values) < 1e-9:
        return f"{values[0]:.1f}"
    return f"{mean(values):.1f} ± {stdev(values):.1f}"


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5, help="runs, with seeds 0, 1, 2, ...")
    parser.add_argument("--samples", type=int, help="pictures to make pairs of; the recipe's number where left out")
    parser.add_argument("--recipe", default="toyworld", help="a recipe of the toy world, by name or file")
    parser.add_argument("--set", action="append", default=[], metavar="TABLE.KEY=VALUE", help="change one option")
    parser.add_argument("--out", type=Path, help="where the runs go (default: runs/efficacy-RECIPE)")
    options = parser.parse_args()
    settings = [*options.set, *([f"images.samples={options.samples}"] if options.samples else [])]
    folder = options.out or Path("runs") / f"efficacy-{Path(options.recipe).stem}"
    began, results = time.monotonic(), []
    for seed in range(options.seeds):
        results.append(run(options.recipe, seed, folder / f"seed-{seed}", settings))
        seconds = time.monotonic() - began
        found = ", ".join(f"{model} {values['chair_i']:.1f}" for model, values in results[-1].items())
        print(f"seed {seed}: chair_i {found} ({seconds:.0f} s so far)", file=sys.stderr, flush=True)
    print(f"{options.recipe}, {options.seeds} seeds {' '.join(settings)}\n\n{table(results)}")


if __name__ == "__main__":
    main()

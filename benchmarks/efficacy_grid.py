"""What each loss, selector and erring judge does in the toy world: ``python benchmarks/efficacy_grid.py --seeds 5``.

Runs every entry of ``efficacy_grid.toml`` once a seed. Runs of one seed share pictures, answers and verdicts, for they
lie side by side. The scores are kept in ``efficacy_results.json``; what stands there is not run again, and unfinished runs
go on, so that it may be stopped at any time. ``--table`` runs nothing, and another ``--results`` begins anew. Prints Markdown
tables of means with 95 % intervals of Student's t over the seeds, and with ``--plots FOLDER`` draws them. A run takes about
a minute of one core, the whole three hours.
"""

import argparse
import json
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from math import sqrt
from pathlib import Path
from statistics import mean, stdev
from threading import Lock
from typing import Any, NamedTuple

from efficacy import Metrics, run
from scipy.stats import t

HERE = Path(__file__).parent
SHOWN = {
    "chair_i": "CHAIR-i",
    "recall": "recall",
    "claim_accuracy": "claims right",
    "companion_absent": "absent companions told",
    "companion_present": "present companions told",
    "malformed": "malformed",
    "length": "words",
}


class Interval(NamedTuple):
    """A mean and half the width of its 95 % interval; 0 for a single value."""

    middle: float
    half: float

    def __str__(self) -> str:
        """Return it as a cell of a table."""
        return f"{self.middle:.1f} ± {self.half:.1f}" if self.half else f"{self.middle:.1f}"


Row = Mapping[str, Interval]
Results = dict[str, Any]


def interval(values: Sequence[float]) -> Interval:
    """Return the mean of some seeds' values with its 95 % interval.

    >>> interval([1.0, 2.0, 3.0])
    Interval(middle=2.0, half=2.48...)
    """
    if max(values) - min(values) < 1e-9:
        return Interval(mean(values), 0.0)
    return Interval(mean(values), float(t.ppf(0.975, len(values) - 1)) * stdev(values) / sqrt(len(values)))


def grid() -> Mapping[str, Mapping[str, Sequence[str]]]:
    """Return the settings of every entry, by what is compared and by name."""
    with (HERE / "efficacy_grid.toml").open("rb") as file:
        return tomllib.load(file)


def key_of(settings: Sequence[str]) -> str:
    """Return what an entry's scores are kept under: equal settings share them, in whatever comparison they stand."""
    return sha256(repr(list(settings)).encode()).hexdigest()[:8]


def read(path: Path) -> Results:
    """Return the scores that are kept: of the model before training, and after it by settings and seed."""
    if path.exists():
        kept: Results = json.loads(path.read_text(encoding="utf-8"))
        return kept
    return {"before": {}, "trained": {}}


def keep(path: Path, results: Results) -> None:
    """Write the scores, whole or not at all."""
    beside = path.with_suffix(".tmp")
    beside.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    beside.replace(path)


class Entry(NamedTuple):
    """A run that is to be made."""

    name: str
    settings: Sequence[str]
    seed: int


def missing(results: Results, seeds: int) -> Iterator[Entry]:
    """Yield the runs that have no scores yet, all of one seed before the next."""
    seen = set()
    for seed in range(seeds):
        for compared, entries in grid().items():
            for name, settings in entries.items():
                run_of = (key_of(settings), str(seed))
                if run_of not in seen and str(seed) not in results["trained"].get(key_of(settings), {}):
                    seen.add(run_of)
                    yield Entry(f"{compared}: {name}", settings, seed)


def rows(results: Results, seeds: int) -> Mapping[str, Mapping[str, Row]]:
    """Return the intervals of every entry of which all seeds are there."""
    made: dict[str, dict[str, Row]] = {}
    for compared, entries in grid().items():
        for name, settings in entries.items():
            there = results["trained"].get(key_of(settings), {})
            if all(str(seed) in there for seed in range(seeds)):
                found = [there[str(seed)] for seed in range(seeds)]
                made.setdefault(compared, {})[name] = {
                    metric: interval([one[metric] for one in found]) for metric in SHOWN
                }
    return made


def table(entries: Mapping[str, Row], start: Mapping[str, float], title: str) -> str:
    """Return a Markdown table: a row per entry, a column per metric."""
    lines = [f"| {title} | {' | '.join(SHOWN.values())} |", f"|---|{'---|' * len(SHOWN)}"]
    lines.append(f"| *before* | {' | '.join(f'{start[metric]:.1f}' for metric in SHOWN)} |")
    lines += [f"| {name} | {' | '.join(str(row[metric]) for metric in SHOWN)} |" for name, row in entries.items()]
    return "\n".join(lines)


def main() -> None:
    """Run what is missing, then print and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5, help="runs of each entry, with seeds 0, 1, 2, ...")
    parser.add_argument("--out", type=Path, default=Path("runs/efficacy-grid"), help="where the runs go")
    parser.add_argument(
        "--results", type=Path, default=HERE / "efficacy_results.json", help="where the scores are kept"
    )
    parser.add_argument("--workers", type=int, default=1, help="runs at a time, each of OMP_NUM_THREADS threads")
    parser.add_argument("--table", action="store_true", help="run nothing; print what is there")
    parser.add_argument("--plots", type=Path, metavar="FOLDER", help="draw the comparisons as SVG files there")
    options = parser.parse_args()
    results, began, lock = read(options.results), time.monotonic(), Lock()

    def one(entry: Entry) -> None:
        key = key_of(entry.settings)
        there = options.out / f"{key}-{entry.seed}"
        try:
            after: Metrics = run(str(HERE / "efficacy_base.toml"), entry.seed, there, entry.settings)
        except subprocess.CalledProcessError as error:  # the run has said why; the others go on
            say(f"seed {entry.seed}, {entry.name}: failed with status {error.returncode}")
            return
        with lock:
            results["before"] = after["base"]
            results["trained"].setdefault(key, {})[str(entry.seed)] = after["trained"]
            keep(options.results, results)
        found, seconds = after["trained"], time.monotonic() - began
        line = f"chair_i {found['chair_i']:.1f}, recall {found['recall']:.1f} ({seconds:.0f} s so far)"
        say(f"seed {entry.seed}, {entry.name}: {line}")

    if not options.table:
        with ThreadPoolExecutor(options.workers) as pool:  # each run is a process
            list(pool.map(one, list(missing(results, options.seeds))))
    whole = rows(results, options.seeds)
    for compared, entries in whole.items():
        print(f"{table(entries, results['before'], compared)}\n")
    if options.plots:
        from efficacy_plots import draw

        draw(whole, results["before"], options.plots)


def say(line: str) -> None:
    """Print beside the tables."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()

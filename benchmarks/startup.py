"""How long the commands take that a person types all day: ``python benchmarks/startup.py [--repeats 20]``.

Each command is started as a process of its own, in turns with a Python that does nothing, so that the machine's own share
can be told from ours. Prints medians in milliseconds.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time

COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "pairsmith --help": ["-m", "pairsmith", "--help"],
    "pairsmith plugins": ["-m", "pairsmith", "plugins"],
    "pairsmith recipes": ["-m", "pairsmith", "recipes"],
    "pairsmith check toyworld": ["-m", "pairsmith", "check", "toyworld"],
}


def seconds(words: list[str]) -> float:
    """Run a command and return its wall time."""
    began = time.perf_counter()
    subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL, env={**os.environ, "NO_COLOR": "1"})
    return time.perf_counter() - began


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=20)
    repeats = parser.parse_args().repeats
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(repeats + 1):  # the first round warms the disk's cache and the bytecode
        for name, words in COMMANDS.items():
            times[name].append(seconds(words))
    print("| command | median ms | fastest ms |\n|---|---|---|")
    for name, values in times.items():
        print(f"| `{name}` | {1000 * statistics.median(values[1:]):.0f} | {1000 * min(values[1:]):.0f} |")


if __name__ == "__main__":
    main()

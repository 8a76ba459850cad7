"""What a folder of published pairs costs in memory, few rows against many: ``python benchmarks/published.py``.

Makes two folders of pairs with a picture each, and runs the recipe ``published-pairs`` on both: data stages and report, or
with ``--train`` everything, on a model that reads four tokens a picture so that ten thousand rows take minutes. Prints the
peak memory of all processes together and the rows per second.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from PIL import Image

WORDS = (
    "a",
    "the",
    "cat",
    "dog",
    "chair",
    "table",
    "red",
    "green",
    "left",
    "right",
    "of",
    "on",
    "under",
    "picture",
    "is",
)


def folder(where: Path, rows: int) -> Path:
    """Write a folder of pairs in LLaVA's format."""
    dice = random.Random(0)
    (where / "images").mkdir(parents=True)
    made = []
    for number in range(rows):
        name = f"images/{number}.png"
        Image.new("RGB", (64, 48), tuple(dice.randrange(256) for _ in range(3))).save(where / name)
        ask = {"from": "human", "value": f"<image> What is in picture {number}?"}
        answers = [" ".join(dice.choices(WORDS, k=60)) for _ in range(2)]
        sides = [[ask, {"from": "gpt", "value": answer}] for answer in answers]
        made.append({"id": str(number), "image": name, "conversations": sides[0], "rejected_conversations": sides[1]})
    (where / "pairs.json").write_text(json.dumps(made), encoding="utf-8")
    return where


SMALL = ("model.image_size=28", "model.layers=2", "train.batch_size=50", "train.epochs=1")


def run(data: Path, out: Path, *, train: bool) -> tuple[float, float]:
    """Run the recipe, then the report; return seconds and the most memory that any moment saw, in MiB."""
    python = [sys.executable, "-m", "pairsmith"]
    began, most = time.perf_counter(), 0
    until = [word for setting in SMALL for word in ("--set", setting)] if train else ["--until", "pairs"]
    commands = (
        ["run", "published-pairs", "--set", f"images.path={data}", *until, "--out", str(out)],
        ["report", str(out)],
    )
    for words in commands:
        process = psutil.Popen([*python, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None:
            try:
                family = [process, *process.children(recursive=True)]
                most = max(most, sum(one.memory_info().rss for one in family))
            except psutil.Error:
                pass  # it ended while it was looked at
            time.sleep(0.05)
        if process.returncode:
            sys.exit(f"{words} failed")
    return time.perf_counter() - began, most / 2**20


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000, 10_000])
    parser.add_argument("--train", action="store_true", help="train as well")
    arguments = parser.parse_args()
    print("| rows | rows/s | peak MiB |\n|---|---|---|")
    for rows in arguments.rows:
        with tempfile.TemporaryDirectory() as where:
            seconds, most = run(folder(Path(where) / "data", rows), Path(where) / "run", train=arguments.train)
        print(f"| {rows:,} | {rows / seconds:.0f} | {most:.0f} |", flush=True)


if __name__ == "__main__":
    main()

"""Writes, resumes and reads back a stage of a million rows: rows a second, peak memory, time to find where to go on.

    python benchmarks/store.py [--rows 1000000] [--part-size 256] [--repeats 3]

Each figure is the median of the repeats. Memory is the growth of the peak resident set over that of the imports, at a
tenth of the rows and at all of them: flat means that the two are alike.
"""

import argparse
import json
import multiprocessing
import platform
import resource
import shutil
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pairsmith.rows import RowCodec
from pairsmith.store import Rows, Stage
from pairsmith.values import Image, Item, Pair, Response, Sample, user

WORDS = [
    "a",
    "large",
    "red",
    "circle",
    "is",
    "left",
    "of",
    "the",
    "small",
    "blue",
    "square",
    "and",
    "the",
    "word",
    "OK",
    "is",
    "written",
    "at",
    "the",
    "top",
]


def item(codec: RowCodec, number: int) -> dict[str, Any]:
    """Return a pair of the size that real ones have: a prompt and two answers of some forty words."""
    text = " ".join(WORDS[(number + k) % len(WORDS)] for k in range(40))
    image = Image(path=codec.root / "images" / "ab" / f"{number:064x}.png", id=f"{number:064x}")
    sample = Sample(id=f"s{number}", images=(image,), prompt=user("Describe the image."))
    chosen = Response(id=f"s{number}/0", sample_id=sample.id, text=text, model="m", seed=number)
    rejected = Response(id=f"s{number}/1", sample_id=sample.id, text=text[::-1], model="m", seed=number)
    pair = Pair(id=f"p{number}", sample=sample, chosen=chosen, rejected=rejected, scores=(1.0, 0.0))
    return {"item": codec.row(Item(value=pair))}


def measure(rows: int, part_size: int, pipe: Any) -> None:
    """Run one repeat; send what was measured."""
    folder = Path(tempfile.mkdtemp())
    codec, stage = RowCodec(folder), Stage(folder / "pairs")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    parts = range(0, rows, part_size)
    for part, start in enumerate(parts):
        stage.write(part, (item(codec, number) for number in range(start, min(rows, start + part_size))), {"kept": 1})
    written = time.perf_counter() - began
    stage.path(len(parts) - 1).unlink()  # as a killed process leaves it
    began = time.perf_counter()
    missing = sorted(set(range(len(parts))) - set(Stage(stage.directory).parts()))
    resumed = time.perf_counter() - began
    assert missing == [len(parts) - 1]
    for part in missing:
        start = part * part_size
        stage.write(part, (item(codec, number) for number in range(start, rows)), {"kept": 1})
    stage.finish(written)
    began = time.perf_counter()
    count = sum(1 for row in stage.rows() if codec.value(row["item"], Item))
    read = time.perf_counter() - began
    began = time.perf_counter()
    indexed = Rows(stage, lambda row: codec.value(row["item"], Item), keep=b'{"item"')
    index = time.perf_counter() - began
    assert count == len(indexed) == rows
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    size = sum(file.stat().st_size for file in stage.directory.iterdir())
    shutil.rmtree(folder)
    pipe.send(
        {
            "write": rows / written,
            "resume": resumed,
            "read": rows / read,
            "index": index,
            "mib": peak / 1024,
            "size": size,
        }
    )


def repeat(rows: int, part_size: int) -> dict[str, float]:
    """Run one repeat in a process of its own, so that its peak memory is its own."""
    receive, send = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("spawn").Process(target=measure, args=(rows, part_size, send))
    process.start()
    found: dict[str, float] = receive.recv()
    process.join()
    return found


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--part-size", type=int, default=256)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    print(f"{datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}, parts of {arguments.part_size} rows\n")
    print("| rows | written/s | read/s | find where to go on | index for random access | peak memory | size |")
    print("|---|---|---|---|---|---|---|")
    for rows in (arguments.rows // 10, arguments.rows):
        found = [repeat(rows, arguments.part_size) for _ in range(arguments.repeats)]
        of = {name: statistics.median(one[name] for one in found) for name in found[0]}
        print(
            f"| {rows:,} | {of['write']:,.0f} | {of['read']:,.0f} | {of['resume']:.3f} s | {of['index']:.2f} s "
            f"| {of['mib']:.0f} MiB | {of['size'] / 2**20:,.0f} MiB |",
            flush=True,
        )
    print(json.dumps({"repeats": arguments.repeats}))


if __name__ == "__main__":
    main()

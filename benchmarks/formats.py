"""Reads and writes published rows by the hundred thousand: rows a second, and the memory it takes.

    python benchmarks/formats.py [--rows 200000] [--formats llava-preferences,trl,mcm-dpo]

For each format a file of made-up rows of the published sizes (a question, two answers of 60 and 90 words, extra columns)
is read to its end in a process of its own, at a tenth of the rows and at all of them, and written again. Memory is the
growth of the peak resident set over that of the imports: constant means that the two are alike.
"""

import argparse
import json
import multiprocessing
import platform
import resource
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from attrs import evolve

from pairsmith.images import DirectoryImageStore
from pairsmith.interfaces import Run
from pairsmith.options import read
from pairsmith.registry import Registry
from pairsmith.values import Image, Item, Pair, Sample

WORDS = ["a", "large", "red", "circle", "is", "left", "of", "the", "small", "blue", "square", "OK"]


def words(number: int, count: int) -> str:
    """Return a text that differs from row to row."""
    return " ".join([str(number), *(WORDS[(number + k) % len(WORDS)] for k in range(count))])


def row(form: str, number: int) -> dict[str, Any]:
    """Return a row of a format."""
    question, chosen, rejected = words(number, 15), words(number, 60), words(number + 1, 90)
    said = [
        [{"from": "human", "value": f"<image> {question}"}, {"from": "gpt", "value": a}] for a in (chosen, rejected)
    ]
    chat = [{"role": "user", "content": question}, {"role": "assistant", "content": chosen}]
    match form:
        case "llava-preferences":
            more = {"conversations": said[0], "rejected_conversations": said[1]}
            return {"id": f"art-{number}", "image": "a.jpg", "score": number / 7, **more}
        case "trl":
            return {"prompt": chat[:1], "chosen": chat[1:], "rejected": chat[1:], "images": ["a.jpg"]}
        case "mcm-dpo":
            text = {"question": f"Give alt-text.Context:\n{question}", "chosen": chosen, "rejected": rejected}
            return {"idx": number, "image": {"path": "a.jpg"}, "image_path": "a.jpg", "text": json.dumps(text)}
    msg = f"no rows of {form!r} here; choose among llava-preferences, trl, mcm-dpo"
    raise SystemExit(msg)


def write_rows(path: Path, form: str, rows: int) -> None:
    """Write a file of rows as the format is published: lines for TRL, an array for the others."""
    with path.open("w", encoding="utf-8") as file:
        lines = form == "trl"
        for number in range(rows):
            file.write(
                ("" if lines else ",\n" if number else "[") + json.dumps(row(form, number)) + ("\n" if lines else "")
            )
        file.write("" if lines else "]")


def peak() -> int:
    """Return the peak resident set in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def source(form: str, path: Path, run: Run) -> Any:
    """Build the source of a format."""
    component = Registry.discover().find("image_sources", f"pairsmith-formats/{form}").component
    return component.build(read({"path": str(path)}, component.options, "images"), run)


class View:
    """As much of a run as an exporter reads, straight from the source."""

    def __init__(self, samples: Iterator[Sample], image: Image) -> None:
        self._samples, self._image, self.document = samples, image, {}

    def items(self, arm: str = "") -> Iterator[Item]:
        """Yield the pairs that came with the samples."""
        del arm
        for sample in self._samples:
            lean = evolve(sample, given=(), images=(self._image,))
            chosen, rejected = sample.given
            yield Item(value=Pair(id=sample.id, sample=lean, chosen=chosen, rejected=rejected))

    def stages(self) -> dict[str, Any]:
        """There are none."""
        return {}


def measure(form: str, folder: str, rows: int, answer: Any) -> None:
    """Read a file of rows, then read and write it, and send seconds and growth."""
    path = Path(folder)
    run = Run(directory=path, images=DirectoryImageStore(path / "images"))
    component = Registry.discover().find("exporters", f"pairsmith-formats/{form}").component
    exporter = component.build(read({}, component.options, "export"), run)
    next(source(form, path / "rows.json", run).samples())
    before, began = peak(), time.perf_counter()
    count = sum(1 for _ in source(form, path / "rows.json", run).samples())
    seconds, grown = time.perf_counter() - began, peak() - before
    assert count == rows
    began = time.perf_counter()
    view = View(source(form, path / "rows.json", run).samples(), Image(path=path / "a.jpg", id="0" * 64))
    exporter.export(view, path / "out")
    answer.send((seconds, grown, time.perf_counter() - began, peak() - before))


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--formats", default="llava-preferences,trl,mcm-dpo")
    arguments = parser.parse_args()
    print(f"{datetime.now(UTC):%Y-%m-%d}, {platform.machine()}, Python {platform.python_version()}, a process per row")
    print(f"{'format':<18} {'rows':>9} {'MB':>6} {'read/s':>8} {'growth MB':>10} {'both ways/s':>12} {'growth MB':>10}")
    context = multiprocessing.get_context("spawn")
    for form in arguments.formats.split(","):
        for rows in (arguments.rows // 10, arguments.rows):
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder)
                (path / "a.jpg").write_bytes(b"picture")
                write_rows(path / "rows.json", form, rows)
                size = (path / "rows.json").stat().st_size / 1e6
                ours, theirs = context.Pipe()
                process = context.Process(target=measure, args=(form, folder, rows, theirs))
                process.start()
                theirs.close()
                seconds, grown, both, more = ours.recv()
                process.join()
            print(
                f"{form:<18} {rows:>9,} {size:>6.0f} {rows / seconds:>8,.0f} {grown / 1e6:>10.1f} {rows / both:>12,.0f} "
                f"{more / 1e6:>10.1f}",
                flush=True,
            )


if __name__ == "__main__":
    main()

"""Takes what an image source yields and counts it; if asked to, keeps it as a folder that any recipe can read."""

import json
import logging
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType

from attrs import define, evolve, field

from pairsmith.errors import UsageError
from pairsmith.images import DirectoryImageStore
from pairsmith.interfaces import ImageSource, Run
from pairsmith.registry import Offer
from pairsmith.rows import RowCodec
from pairsmith.store import write_atomically
from pairsmith.values import Dropped, Sample

SAMPLES = "samples.jsonl"
"""The file of rows in the folder that is written; images are in ``images/`` beside it."""


@define
class Taken:
    """What there was: numbers by name, and an example of what was left out."""

    counts: "Counter[str]" = field(factory=Counter)
    missing: str = ""
    """The first image file that is not there."""

    @property
    def left_out(self) -> int:
        """How many rows cannot be used."""
        return self.counts["bad rows"] + self.counts["samples without their image"]


class FirstWarnings(logging.Handler):
    """While it is entered, prints the first warnings and counts the others: a bad file has one a row."""

    most = 10

    def __init__(self) -> None:
        """Nothing has been said yet."""
        super().__init__(logging.WARNING)
        self.seen = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Print one of the first."""
        self.seen += 1
        if self.seen <= self.most:
            sys.stderr.write(f"{record.getMessage()}\n")

    def __enter__(self) -> None:
        """Listen to everyone."""
        logging.getLogger().addHandler(self)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Say how many more there were."""
        logging.getLogger().removeHandler(self)
        if self.seen > self.most:
            sys.stderr.write(f"... and {self.seen - self.most:,} more\n")


def take(offer: Offer, options: object, out: Path | None = None, limit: int | None = None) -> Taken:
    """Read a source to its end, or ``limit`` samples of it, and write what can be used into ``out``.

    Raises :class:`UsageError` where ``out`` holds something already.
    """
    taken = Taken()
    with ExitStack() as stack:
        folder = stack.enter_context(fresh(out) if out else _nowhere())
        images = DirectoryImageStore(folder / "images")
        source: ImageSource = offer.component.build(options, Run(directory=folder, images=images))
        samples = _usable(islice(source.samples(), limit), taken)
        if out is None:
            for _ in samples:
                pass
        else:
            codec = RowCodec(folder)
            write_atomically(folder / SAMPLES, (_line(codec, _kept(sample, images)) for sample in samples))
        taken.counts["bad rows"] = getattr(source, "bad_rows", 0)
    return taken


@contextmanager
def fresh(directory: Path) -> Iterator[Path]:
    """Give a new or empty directory, or say that it is neither; where what fills it fails, nothing is left of it."""
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        msg = f"--out {str(directory)!r} is there already and not empty; give it another name"
        raise UsageError(msg)
    directory.mkdir(parents=True, exist_ok=True)
    try:
        yield directory.resolve()
    except BaseException:
        shutil.rmtree(directory)
        raise


@contextmanager
def _nowhere() -> Iterator[Path]:
    with TemporaryDirectory(prefix="pairsmith-import-") as directory:
        yield Path(directory)


def _usable(samples: Iterator[Sample | Dropped], taken: Taken) -> Iterator[Sample]:
    counts = taken.counts
    for sample in samples:
        if isinstance(sample, Dropped):
            counts[f"dropped: {sample.reason}"] += 1
            continue
        shown = (*sample.images, *sample.candidates)
        missing = next((image.path for image in shown if not image.path.is_file()), None)
        if missing is not None:
            counts["samples without their image"] += 1
            taken.missing = taken.missing or str(missing)
            continue
        counts["samples"] += 1
        counts["images"] += len(shown)
        counts["samples with a context"] += bool(sample.context)
        for answer in sample.given:
            counts[f"{answer.label or 'unlabelled'} answers"] += 1
            counts["empty answers"] += not answer.text.strip()
        yield sample


def _kept(sample: Sample, images: DirectoryImageStore) -> Sample:
    return evolve(
        sample,
        images=tuple(images.add_file(image.path) for image in sample.images),
        candidates=tuple(images.add_file(image.path) for image in sample.candidates),
    )


def _line(codec: RowCodec, sample: Sample) -> bytes:
    return json.dumps(codec.row(sample), ensure_ascii=False, separators=(",", ":")).encode() + b"\n"

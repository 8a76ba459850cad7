"""Time and memory of the quality report and the filter on many pairs: ``python benchmarks/quality.py [--pairs 50000]``.

Answers are made of 2,000 words with the frequencies of natural text, 60 words each, five pairs an image; one pair in 20 is
the near-copy of an earlier one. Images are looked at beforehand, so that no time goes into decoding.
"""

import argparse
import resource
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from pairsmith.testing import make_run
from pairsmith.values import Image, Item, Pair, Response, Sample, user
from pairsmith_quality import pictures
from pairsmith_quality.looks import Look
from pairsmith_quality.options import QualityOptions
from pairsmith_quality.outside import Outside
from pairsmith_quality.report import findings
from pairsmith_quality.survey import Survey


def looks(number: int) -> Look:
    """Return a look of random bits and colours."""
    random = np.random.default_rng(number)
    colours = random.integers(0, 256, 48, dtype=np.uint8)
    return Look(code=int(random.integers(0, 2**64, dtype=np.uint64)), colours=colours)


def items(count: int) -> Iterator[Item]:
    """Yield pairs."""
    random = np.random.default_rng(0)
    vocabulary = [f"word{number}" for number in range(2000)]
    chances = 1 / np.arange(1, 2001)
    chances /= chances.sum()
    said: list[str] = []
    for number in range(count):
        repeat = number % 20 == 19
        image = (number - repeat) // 5
        drawn = random.choice(2000, size=(2, 60), p=chances)
        texts = [" ".join(vocabulary[k] for k in row) for row in drawn]
        chosen, rejected = (f"{text} indeed" for text in said) if repeat else texts
        said = [chosen, rejected]
        sample = Sample(
            id=f"s{image}", images=(Image(path=Path(str(image)), id=str(image)),), prompt=user("Describe it.")
        )
        answers = {
            side: Response(id=f"{number}/{side}", sample_id=sample.id, text=text)
            for side, text in (("chosen", chosen), ("rejected", rejected))
        }
        yield Item(value=Pair(id=f"p{number}", sample=sample, chosen=answers["chosen"], rejected=answers["rejected"]))


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=50_000)
    count = parser.parse_args().pairs
    pictures.look = lambda path: looks(int(path.name))  # type: ignore[assignment]
    options = QualityOptions()
    with TemporaryDirectory() as folder:
        started = time.process_time()
        survey = Survey(options=options, outside=Outside(options, make_run(Path(folder)))).read(items(count))
        read = time.process_time()
        found = findings(survey, options, {})
        done = time.process_time()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    print(
        f"{count} pairs: read in {read - started:.1f} s, judged and resampled in {done - read:.1f} s, {memory:.0f} MiB"
    )
    print(f"texts like an earlier one: {found['duplicates']['text']['count']}")


if __name__ == "__main__":
    main()

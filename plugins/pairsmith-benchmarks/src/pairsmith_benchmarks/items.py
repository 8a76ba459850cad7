"""What a benchmark asks, and the part that all benchmarks here share."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import field, frozen

from pairsmith.interfaces import Scores
from pairsmith.values import Image, Response, Sample, user
from pairsmith_benchmarks.answers import Answers, Matched, Record, known, match


@frozen(kw_only=True)
class Item:
    """One question about one image, with what is true of it.

    ``image`` is the file's path in the benchmark's folder of images, and empty where none is shown. Scoring needs ``id``
    and ``truth`` only.
    """

    id: str
    truth: Mapping[str, Any]
    image: str = ""
    prompt: str = ""
    context: str = ""


class ItemBenchmark(ABC):
    """Implements :class:`pairsmith.interfaces.Benchmark` for a benchmark that knows its items and rates answers.

    ``score_answers`` is for answers that were made elsewhere:
    it needs no image.
    """

    images: Path

    @abstractmethod
    def items(self) -> Sequence[Item]:
        """Return every item, always the same ones in the same order."""

    @abstractmethod
    def rate(self, items: Sequence[Item], answers: Answers) -> Scores:
        """Score the answers to some items; a pure function of its arguments and the options."""

    @abstractmethod
    def check_images(self, items: Sequence[Item]) -> None:
        """Refuse to begin where images are missing."""

    @abstractmethod
    def metrics(self, sums: Mapping[str, float]) -> dict[str, float]:
        """Return the metrics of what items add to them (``Scores.sums``), added up; those that are defined."""

    def samples(self) -> Iterator[Sample]:
        """Yield a sample per item."""
        items = self.items()
        self.check_images(items)
        yield from self._of(items)

    def asked(self) -> Iterator[Sample]:
        """Yield a sample per item, whether or not its image is there: enough for scoring answers made elsewhere."""
        yield from self._of(self.items())

    def _of(self, items: Sequence[Item]) -> Iterator[Sample]:
        for item in items:
            images = (Image(path=self.images / item.image),) if item.image else ()
            yield Sample(
                id=item.id, images=images, prompt=user(item.prompt), context=item.context, truth=dict(item.truth)
            )

    def score(self, samples: Sequence[Sample], responses: Sequence[Response]) -> Scores:
        """Score one answer per sample, in order."""
        items = [Item(id=sample.id, truth=sample.truth) for sample in samples]
        return self.rate(items, [(item.id, one.text) for item, one in zip(items, responses, strict=True)])

    def score_answers(self, answers: Answers) -> Scores:
        """Score answers made elsewhere, by the ids of the items."""
        return self.rate(self.items(), answers)


@frozen(kw_only=True)
class Directions:
    """Which metrics are better when they are low, and which are neither, by the beginning of their names."""

    lower: tuple[str, ...] = ()
    neutral: tuple[str, ...] = ()
    _counts: tuple[tuple[str, ...], tuple[str, ...]] = field(
        default=(("empty", "missing", "double"), ("scored", "long", "unknown")), init=False
    )

    def scores(
        self,
        metrics: Mapping[str, float | None],
        matched: Matched,
        records: Sequence[Record],
        sums: Callable[[Record], Mapping[str, float]],
    ) -> Scores:
        """Return the scores: metrics that are defined, then the counts of what was and was not scored.

        ``sums`` tells what a record adds to the sums that the metrics are made of.
        """
        found = {**known(metrics), **matched.counts()}
        lower, neutral = self._counts
        return Scores(
            metrics=found,
            lower_is_better=tuple(name for name in found if name.startswith(self.lower) or name in lower),
            neutral=tuple(name for name in found if name.startswith(self.neutral) or name in neutral),
            items=records,
            sums=[sums(record) for record in records],
        )


def matched(benchmark: str, items: Sequence[Item], answers: Answers) -> tuple[Matched, dict[str, Item]]:
    """Bring items and answers together, log what cannot be scored, and return the items by id as well."""
    found = match([item.id for item in items], answers)
    found.warn(benchmark)
    return found, {item.id: item for item in items}

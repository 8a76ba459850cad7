"""Several rounds of one recipe, each from what the model of the round before answers: ``[rounds]``."""

from collections import Counter
from collections.abc import Iterator

from attrs import evolve

from pairsmith.chain import Chain
from pairsmith.errors import StageError
from pairsmith.outside import RoundsOptions
from pairsmith.stages import Work
from pairsmith.store import Row, Stage
from pairsmith.values import Sample


def share(chain: Chain, number: int, options: RoundsOptions) -> Work:
    """Give a round, counted from 1, its samples.

    A share is every ``n``-th sample, so that all are of one kind even where a source is sorted. Where later rounds have the
    same samples again, their ids end in ``@2`` and so on: answers, pairs and draws of two rounds are then never confused.
    """

    def work(part: int, counts: "Counter[str]") -> Iterator[Row]:
        for place, sample in enumerate(chain.part_samples(part), start=part):
            if options.samples == "same" or place % options.n == number - 1:
                counts["samples"] += 1
                yield {"sample": chain.codec.row(_again(sample, number) if options.samples == "same" else sample)}

    return work


def _again(sample: Sample, number: int) -> Sample:
    if number == 1:
        return sample
    name = f"{sample.id}@{number}"
    return evolve(sample, id=name, given=tuple(evolve(one, sample_id=name) for one in sample.given))


def some_shared(stage: Stage, options: RoundsOptions) -> None:
    """Stop before a round that has nothing to answer."""
    note = stage.done()  # of a share nobody knows yet
    if note is not None and not note["counts"].get("samples"):
        msg = (
            f"{stage.name}: there are fewer samples than the {options.n} rounds that share them; take more samples, or "
            f"set rounds.samples = 'same'"
        )
        raise StageError(msg)

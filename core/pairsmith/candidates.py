"""Candidate images of a prompt: every one is scored and its score kept; those that a rule keeps become samples."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from math import isfinite

from attrs import evolve

from pairsmith.chain import Chain
from pairsmith.errors import RecipeError, StageError
from pairsmith.keeping import KeepOptions, kept
from pairsmith.lazy import Lazy
from pairsmith.stages import Work
from pairsmith.store import Row, Stage
from pairsmith.values import Sample


def score(chain: Chain, judges: Mapping[str, Lazy]) -> Work:
    """Have each judge score every candidate of a part."""

    def work(part: int, counts: "Counter[str]") -> Iterator[Row]:
        samples = chain.part_samples(part)
        asked = [sample for sample in samples if sample.candidates]
        given = {name: _scores(judge, asked) for name, judge in judges.items()}
        number = iter(range(len(asked)))
        for sample in samples:
            at = next(number) if sample.candidates else None
            counts["candidates"] += len(sample.candidates)
            yield {"id": sample.id, "scores": {} if at is None else {name: rows[at] for name, rows in given.items()}}

    return work


def _scores(judge: Lazy, asked: Sequence[Sample]) -> list[list[float]]:
    rows = [[float(one) for one in row] for row in judge().judge(asked)] if asked else []
    if len(rows) != len(asked):
        msg = f"{judge.use.where}: {judge.use.name!r} was given {len(asked)} samples and scored {len(rows)}"
        raise StageError(msg)
    for sample, row in zip(asked, rows, strict=True):
        if len(row) != len(sample.candidates) or not all(map(isfinite, row)):
            msg = (
                f"{judge.use.where}: {judge.use.name!r} must give each of the {len(sample.candidates)} candidates of "
                f"sample {sample.id!r} a finite score: {row!r}"
            )
            raise StageError(msg)
    return rows


def keep(chain: Chain, scores: Stage, options: KeepOptions) -> Work:
    """Make a sample of each candidate that is kept; a sample that came without candidates stays as it is.

    The first one kept has the sample's id, the second that id with ``+2`` after it, and so on.
    """

    def work(part: int, counts: "Counter[str]") -> Iterator[Row]:
        for sample, row in zip(chain.part_samples(part), scores.read(part), strict=True):
            if not sample.candidates:
                counts["samples"] += 1
                yield {"sample": chain.codec.row(sample)}
                continue
            means = _means(row["scores"], options)
            numbers = kept(means, options)
            counts["samples"] += len(numbers)
            if not numbers:
                counts["dropped: below threshold"] += 1
                detail = f"the best of {len(means)} images scored {max(means):g}, under {options.threshold:g}"
                yield {"dropped": {"id": sample.id, "reason": "below threshold", "detail": detail}}
            for place, number in enumerate(numbers, start=1):
                name = sample.id if place == 1 else f"{sample.id}+{place}"
                one = evolve(sample, id=name, images=(sample.candidates[number],))
                yield {"sample": chain.codec.row(one), "kept": number, "score": means[number]}

    return work


def _means(scores: Mapping[str, Sequence[float]], options: KeepOptions) -> list[float]:
    weights = [options.weights.get(name, 1.0) for name in scores]
    return [
        sum(weight * one for weight, one in zip(weights, column, strict=True)) / sum(weights)
        for column in zip(*scores.values(), strict=True)
    ]


def check_weights(options: KeepOptions, judges: Sequence[str]) -> None:
    """Refuse weights of judges that are not there, and weights that leave none."""
    strangers = [name for name in options.weights if name not in judges]
    if strangers:
        msg = f"image_keep.weights: there is no image judge {strangers[0]!r}; there are {', '.join(judges)}"
        raise RecipeError(msg)
    if not any(options.weights.get(name, 1.0) for name in judges):
        msg = f"image_keep.weights: every image judge has the weight 0: {dict(options.weights)!r}"
        raise RecipeError(msg)


def some_kept(stage: Stage) -> None:
    """Stop before answering nothing."""
    note = stage.done()  # of a share nobody knows yet
    if note is not None and not note["counts"].get("samples"):
        first = next(row["dropped"]["detail"] for row in stage.rows() if "dropped" in row)
        msg = f"{stage.name}: no image is left; for the first prompt {first}. Lower 'threshold' in [image_keep]"
        raise StageError(msg)

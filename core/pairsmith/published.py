"""Reference log-probabilities that were published with the answers: read, and compared with the model's own on a sample."""

from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from typing import Any

from pairsmith.errors import StageError
from pairsmith.interfaces import Codec, Job, Loss, Trainer
from pairsmith.reference import ReferenceOptions
from pairsmith.seeds import derive
from pairsmith.values import ORIGINAL, Cell, Item

_ABOVE = 1e-3
"""How far above 0 rounding may lift a log-probability."""


def check_cells(loss: Loss, name: str) -> None:
    """Refuse a loss that reads cells which nobody publishes."""
    for cell in loss.cells:
        if (cell.image, cell.context) != (ORIGINAL, ORIGINAL):
            msg = (
                f"[reference] takes what was published, which is of the original image and context; the loss {name!r} reads "
                f"{str(cell)!r} as well. Leave out the table, and all of it is computed"
            )
            raise StageError(msg)


def check_sums(trainer: Trainer, loss: Loss, options: ReferenceOptions) -> None:
    """Refuse sums, where the loss reads the log-probability of each token."""
    suffice: Callable[[Loss], bool] | None = getattr(trainer, "sums_suffice", None)
    if suffice is None or not suffice(loss):
        msg = (
            f"reference.parameter = {options.parameter!r} holds the sum over an answer, and this loss reads the "
            f"log-probability of each token; leave out the table [reference], and they are computed"
        )
        raise StageError(msg)


def are_sums(item: Item, options: ReferenceOptions) -> bool:
    """Tell whether a number was published for each answer, and not one for each token."""
    return not isinstance(item.value.chosen.parameters.get(options.parameter), list | tuple)


def log_probs(item: Item, cells: Sequence[Cell], options: ReferenceOptions, codec: Codec) -> dict[str, list[float]]:
    """Return an item's log-probabilities by cell, one a token. A sum is spread evenly over the tokens of its answer."""
    found = {}
    for cell in cells:
        answer = item.value.response(cell.response)
        place = f"reference: the {cell.response} answer {answer.id!r} of {item.id!r}"
        given = answer.parameters.get(options.parameter)
        length = len(codec.response(item.turns(cell), answer.text))
        if isinstance(given, list | tuple):
            if len(given) != length:
                msg = (
                    f"{place} has {len(given)} numbers in {options.parameter!r} and is {length} tokens long here: another "
                    f"tokenizer or template made them. Leave out the table [reference], and they are computed"
                )
                raise StageError(msg)
            found[str(cell)] = [_number(one, place, options) for one in given]
        else:
            found[str(cell)] = [_number(given, place, options) / max(length, 1)] * length
    return found


def _number(value: Any, place: str, options: ReferenceOptions) -> float:  # noqa: ANN401 - whatever was published
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value) or value > _ABOVE:
        msg = (
            f"{place} has no log-probability in its parameter {options.parameter!r}: {value!r}. Leave out the table "
            f"[reference], and it is computed"
        )
        raise StageError(msg)
    return float(value)


def reader(
    trainer: Trainer, job: Job, options: ReferenceOptions
) -> Callable[[Sequence[Item]], Sequence[Mapping[str, Sequence[float]]]]:
    """Check a sample, and return what reads the published log-probabilities of items."""
    codec = job.family.codec(job.weights)
    if len(job.items):
        if are_sums(job.items[0], options):
            check_sums(trainer, job.loss, options)
        compare(trainer, job, options, codec)
    return lambda items: [log_probs(item, job.loss.cells, options, codec) for item in items]


def compare(trainer: Trainer, job: Job, options: ReferenceOptions, codec: Codec) -> int:
    """Compute a sample of the items and compare; return how many. Raises at the first that is too far from its own."""
    order = sorted(range(len(job.items)), key=lambda place: derive(job.seed, "reference", place))
    items = [job.items[place] for place in order[: options.check]]
    computed = list(zip(items, trainer.reference(job, items), strict=True))
    seen = 0
    for item, own in computed:
        if not own:  # it will be left out of training, for its length
            continue
        seen += 1
        for name, published in log_probs(item, job.loss.cells, options, codec).items():
            _check(item, name, published, own[name], options)
    if not seen:
        msg = f"reference: none of the {len(items)} pairs drawn to be checked can be computed; raise reference.check"
        raise StageError(msg)
    return seen


def _check(item: Item, name: str, published: Sequence[float], own: Sequence[float], options: ReferenceOptions) -> None:
    count, side = len(own), name.partition("|")[0]
    sums = are_sums(item, options)
    apart = abs(sum(published) - sum(own)) if sums else sum(abs(a - b) for a, b in zip(published, own, strict=False))
    if len(published) == count and apart / max(count, 1) <= options.tolerance:
        return
    cut = "" if len(published) == count else f" (of which train.max_length leaves {count})"
    msg = (
        f"reference: {item.id!r}, its {side} answer: published {sum(published):.3f}, computed {sum(own):.3f} nats over "
        f"{len(published)} tokens{cut}: {apart / max(count, 1):.3g} a token apart, and reference.tolerance is "
        f"{options.tolerance:g}. Another model, template or precision made them: leave out the table [reference]"
    )
    raise StageError(msg)


def options_of(row: Mapping[str, Any] | None) -> ReferenceOptions | None:
    """Return the options as the order of a training holds them."""
    return None if row is None else ReferenceOptions(**row)

"""Whether a stage came out well enough to go on: how many samples it failed on, and whether any pair is left."""

from pairsmith.errors import StageError
from pairsmith.store import Stage

FAILED = "failed"
"""The count of a part, and the field of a row, that say so."""


def failures(stage: Stage, part: int) -> int:
    """Return the number of samples of a finished part that failed."""
    return int(stage.end(part)["counts"].get(FAILED, 0))


def few_enough(stage: Stage, allowed: int | None, total: int) -> None:
    """Raise :class:`StageError` with the count and the first reason where more samples failed than may.

    ``allowed`` is the recipe's ``max_failures``, and ``None`` where it has no say and every sample is needed.

    The parts stay as they are: until the stage is finished, those with failures are made again.
    """
    failed = [part for part in stage.parts() if failures(stage, part)]
    number = sum(failures(stage, part) for part in failed)
    if number <= (allowed or 0):
        return
    first = next(row for row in stage.read(failed[0]) if FAILED in row)
    limit, remedy = "", ""
    if allowed is not None:
        limit = f", and max_failures allows {allowed}"
        remedy = f"; a recipe with max_failures = {number} goes on without it"
    msg = (
        f"{stage.name}: {number} of {total} samples failed{limit}; the first, {first['id']!r}: {first[FAILED]}. The same "
        f"command asks again for what is missing, and for nothing else{remedy}"
    )
    raise StageError(msg)


def some_left(stage: Stage) -> None:
    """Stop before training on nothing, and say where everything went."""
    counts = dict((stage.done() or {})["counts"])
    if counts.get("kept"):
        return
    dropped = ", ".join(
        f"{number} {label.removeprefix('dropped: ')}" for label, number in counts.items() if "dropped" in label
    )
    why = f"{counts.get('selected', 0)} were selected{f' and dropped: {dropped}' if dropped else ''}"
    msg = f"{stage.name}: no pair is left ({why}). Loosen the selector's options or switch a filter off in [hygiene]"
    raise StageError(msg)

"""Which of a run's items are trained on, and which are held out."""

from collections.abc import Callable, Sequence

from pairsmith.interfaces import Job
from pairsmith.usable import enough, usable
from pairsmith_train.encode import Encoder
from pairsmith_train.held_out import split
from pairsmith_train.options import TreeOptions


def choose(
    job: Job, encoder: Encoder, options: TreeOptions, say: Callable[[str], None], *, first: bool = True
) -> tuple[Sequence[int], tuple[int, ...]]:
    """Return the places of the items that are trained on, and of those held out; ``first`` lists what is neither."""
    kept = usable(job.items, encoder, options.batch_size, say, job.metrics if first else None)
    if options.held_out is None:
        return kept, ()
    found = split(job.items, kept, options.held_out.share, job.seed)
    if options.held_out.trained_on:
        say(f"{len(found.held_out)} of {len(kept)} items are watched, and trained on like the rest")
        return kept, found.held_out
    say(f"{len(found.held_out)} of {len(kept)} items are held out, with all their images")
    enough(len(found.train), len(job.items), options.batch_size)
    return found.train, found.held_out


def unseen(held_out: Sequence[int], options: TreeOptions) -> int:
    """Return how many of those held out were not trained on."""
    return 0 if options.held_out is None or options.held_out.trained_on else len(held_out)

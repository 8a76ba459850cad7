"""Which items can be trained on; what is left out or cut is said by name, never silent."""

from collections.abc import Callable, Sequence

from pairsmith.errors import StageError
from pairsmith.values import Item
from pairsmith_trl.encode import Encoder

_SHOWN = 5


def usable(items: Sequence[Item], encoder: Encoder, batch_size: int, say: Callable[[str], None]) -> list[int]:
    """Return the indices of the items that can be trained on. Raises where fewer are left than make a batch."""
    kept, left_out, cut = [], [], 0
    for index, item in enumerate(items):
        why = encoder.fits(item)
        if why is None:
            kept.append(index)
            cut += encoder.cut and encoder.is_cut(item)
        else:
            left_out.append(f"{item.id}: {why}")
    for line in left_out[:_SHOWN]:
        say(f"left out {line}")
    if len(left_out) > _SHOWN:
        say(f"left out {len(left_out)} items in all")
    if cut:
        say(f"cut the answers of {cut} items at {encoder.limit} tokens")
    if len(kept) < batch_size:
        msg = (
            f"{len(kept)} of {len(items)} items can be trained on, fewer than one step of train.batch_size = {batch_size}; "
            f"make more pairs or set a smaller batch_size"
        )
        raise StageError(msg)
    return kept

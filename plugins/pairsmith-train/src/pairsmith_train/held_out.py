"""A share of the pairs kept out of training, by image, and the weights that did best on it."""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import frozen
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import TrainerCallback

from pairsmith.errors import StageError
from pairsmith.resuming import flush
from pairsmith.seeds import derive
from pairsmith.values import Item
from pairsmith_train.encode import name_of
from pairsmith_train.options import HeldOutOptions

PREFIX = "held_out/"
"""Of the names in a step's metrics that are of the pairs held out."""


@frozen
class Split:
    """Places of items: those trained on and those held out."""

    train: tuple[int, ...]
    held_out: tuple[int, ...]


def split(items: Sequence[Item], places: Sequence[int], share: float, seed: int) -> Split:
    """Hold out a share of the items at ``places``, the same one for the same images and seed.

    Items that share an image, even over others, stay together: no held-out image was trained on. An item without an image
    goes with those of its sample. Raises where the items hang together so that no group fits the share.
    """
    groups = _groups(items, places)
    wanted = max(1, round(share * len(places)))
    held: set[int] = set()
    for name in sorted(groups, key=lambda name: derive(seed, "held-out", name)):
        if len(held) + len(groups[name]) <= wanted:
            held.update(groups[name])
    if not held:
        smallest = min(map(len, groups.values()), default=0)
        msg = (
            f"train.held_out.share = {share:g}: the pairs hang together over their images, the smallest group has {smallest} "
            f"of {len(places)}; set a larger share, or leave [train.held_out] out"
        )
        raise StageError(msg)
    return Split(tuple(place for place in places if place not in held), tuple(sorted(held)))


def _groups(items: Sequence[Item], places: Sequence[int]) -> Mapping[str, list[int]]:
    """Return the places by the first name of their group: items are joined by the images they share."""
    parents: dict[str, str] = {}

    def root(name: str) -> str:
        parents.setdefault(name, name)
        while parents[name] != name:
            parents[name] = parents[parents[name]]
            name = parents[name]
        return name

    firsts = {}
    for place in places:
        sample = items[place].value.sample
        names = [name_of(image) for image in sample.images] or [f"sample {sample.id}"]
        roots = sorted({root(name) for name in names})
        for other in roots[1:]:
            parents[other] = roots[0]
        firsts[place] = names[0]
    groups: dict[str, list[int]] = {}
    for place, name in firsts.items():
        groups.setdefault(root(name), []).append(place)
    return groups


class WhenDue(TrainerCallback):  # type: ignore[misc]
    """Asks for an evaluation every so many steps from a given one on, and at the last."""

    def __init__(self, options: HeldOutOptions) -> None:
        """Take the steps."""
        self._options = options

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ANN401, ARG002
        """Ask, where one is due."""
        since = state.global_step - self._options.from_step
        if (since >= 0 and since % self._options.every == 0) or state.global_step >= state.max_steps:
            control.should_evaluate = True


class Best:
    """The trained weights of the step with the lowest held-out loss: one file, replaced whole.

    What was the best is remembered by every process, so that they agree on what to do next without reading each other's
    files; a resumed training reads it from the file.
    """

    def __init__(self, path: Path) -> None:
        """Take the file, and what a training before a kill found."""
        self._path = path
        self.step, self.loss = 0, math.inf
        if path.exists():
            with safe_open(path, "pt") as file:
                found = file.metadata()
            self.step, self.loss = int(found["step"]), float(found["loss"])

    def offer(self, step: int, loss: float, state: Callable[[], Mapping[str, Tensor] | None]) -> None:
        """Keep the weights of a step if it is the best. All processes call this; ``state`` gives one of them the weights."""
        if not loss < self.loss:
            return
        self.step, self.loss = step, loss
        tensors = state()
        if tensors is None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._path.with_name(f".{self._path.name}.tmp")
        kept = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
        save_file(kept, temporary, {"step": str(step), "loss": repr(loss)})
        flush(temporary)  # a checkpoint that counts may come after it
        temporary.replace(self._path)

    def load(self) -> dict[str, Tensor]:
        """Return the weights."""
        return load_file(self._path)

    def remove(self) -> None:
        """Remove the file: the result is written."""
        self._path.unlink(missing_ok=True)

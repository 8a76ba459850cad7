"""The tree trainer: all the cells of a pair in one forward pass."""

from collections.abc import Iterable

from pairsmith import Component, hookimpl


@hookimpl
def pairsmith_trainers() -> Iterable[Component]:
    """Offer the trainer."""
    yield Component(
        name="tree",
        factory="pairsmith_train.trainer:TreeTrainer",
        options="pairsmith_train.options:TreeOptions",
        revision=2,
        summary="All cells of a pair as one tree in one pass; transformers, accelerate, DeepSpeed and peft beneath.",
    )

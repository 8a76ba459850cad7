"""What a step is watched by: the means of its numbers over all processes, and how fast it was."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from attrs import define, field
from transformers import TrainerCallback


@define
class Tally:
    """What the passes of a step found so far, on this process."""

    sums: dict[str, float] = field(factory=dict)
    weight: float = 0.0
    tokens: int = 0
    rows: list[int] = field(factory=list)

    def add(self, numbers: Mapping[str, float], weight: float, tokens: int, rows: Sequence[int]) -> None:
        """Take the means of one pass, which count as much as its share of the pairs."""
        for name, value in numbers.items():
            self.sums[name] = self.sums.get(name, 0.0) + value * weight
        self.weight += weight
        self.tokens += tokens
        self.rows += rows

    def over_all(self, accelerator: Any) -> tuple[dict[str, float], int]:  # noqa: ANN401
        """Return the means and the tokens over all processes. All of them must call this."""
        mine = torch.tensor([*self.sums.values(), self.weight, self.tokens], dtype=torch.float64)
        *sums, weight, tokens = accelerator.reduce(mine.to(accelerator.device), reduction="sum").tolist()
        return {name: total / weight for name, total in zip(self.sums, sums, strict=True)}, int(tokens)


class Clock(TrainerCallback):  # type: ignore[misc]
    """Times the steps: loading, passes and update, but not checkpoints and evaluations."""

    def __init__(self) -> None:
        """Begin now."""
        self.seconds, self._mark = 0.0, time.monotonic()

    def on_train_begin(self, *_: Any, **__: Any) -> None:  # noqa: ANN401
        """Begin anew."""
        self._mark = time.monotonic()

    def on_step_end(self, *_: Any, **__: Any) -> None:  # noqa: ANN401
        """Note how long the step took."""
        now = time.monotonic()
        self.seconds, self._mark = now - self._mark, now

    def on_save(self, *_: Any, **__: Any) -> None:  # noqa: ANN401
        """Leave out the time of a checkpoint."""
        self._mark = time.monotonic()

    def on_evaluate(self, *_: Any, **__: Any) -> None:  # noqa: ANN401
        """Leave out the time of an evaluation."""
        self._mark = time.monotonic()

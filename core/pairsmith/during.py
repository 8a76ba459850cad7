"""At which steps of a training benchmarks are asked.

A training pauses for them and goes on from its checkpoint, so that a model is asked as it always is, by the same
generator and with a whole device to itself, whatever engine trains it.
"""

from attrs import field, frozen
from attrs.validators import ge


@frozen(kw_only=True)
class DuringOptions:
    """Options of ``[during_training]``."""

    every: int = field(validator=ge(1), metadata={"help": "steps between one asking and the next"})
    from_step: int = field(
        default=0, validator=ge(0), metadata={"help": "the first step at which benchmarks are asked"}
    )
    benchmarks: tuple[str, ...] = field(
        default=(), metadata={"help": "names of the recipe's benchmarks to ask; all of them where left out"}
    )

    def after(self, step: int) -> int:
        """Return the first step after ``step`` at which benchmarks are asked.

        >>> options = DuringOptions(every=100, from_step=250)
        >>> options.after(0), options.after(249), options.after(250), DuringOptions(every=100).after(0)
        (250, 250, 350, 100)
        """
        if step < self.from_step:
            return self.from_step
        return self.from_step + ((step - self.from_step) // self.every + 1) * self.every

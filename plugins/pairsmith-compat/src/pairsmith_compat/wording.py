"""Conversations in other words, and answers on one line."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

from attrs import evolve

from pairsmith.interfaces import Job, Loss, Paused, Run, Trainer, Weights
from pairsmith.values import Dropped, Failed, Item, Pair, Response, Sample, Turn
from pairsmith_compat.changed import Changed
from pairsmith_compat.options import RewordedGeneratorOptions, RewordedSourceOptions, RewordedTrainerOptions, Wording
from pairsmith_compat.wrapped import Wrapped

_Asked = TypeVar("_Asked", Sample, Response)


def reworded(turns: Sequence[Turn], wording: Wording) -> tuple[Turn, ...]:
    """Return the conversation with the system sentence in front and the last question in other words."""
    last = max((number for number, turn in enumerate(turns) if turn.role == "user"), default=-1)
    asked = tuple(
        evolve(turn, text=f"{wording.before}{turn.text}{wording.after}") if number == last else turn
        for number, turn in enumerate(turns)
    )
    if wording.system and all(turn.role != "system" for turn in turns):
        return (Turn(role="system", text=wording.system), *asked)
    return asked


class RewordedSource(Wrapped):
    """Yields another source's samples, each asked in other words."""

    def __init__(self, options: RewordedSourceOptions, run: Run) -> None:
        """Check the source's table."""
        super().__init__("image_sources", options.source, run, "images.source")
        self._options = options

    def samples(self, start: int = 0) -> Iterator[Sample | Dropped]:
        """Yield the samples from the ``start``-th on."""
        for one in islice(self.inside.samples(), start, None):
            yield one if isinstance(one, Dropped) else evolve(one, prompt=reworded(one.prompt, self._options))


class RewordedGenerator(Wrapped):
    """Answers with another generator, which is asked in other words."""

    def __init__(self, options: RewordedGeneratorOptions, run: Run) -> None:
        """Check the generator's table."""
        super().__init__("generators", options.generator, run, "generator")
        self._options = options

    def respond(
        self, samples: Sequence[Sample], *, seed: int, greedy: bool = False
    ) -> list[Sequence[Response] | Failed]:
        """Return the other generator's answers."""
        asked = [evolve(one, prompt=reworded(one.prompt, self._options)) for one in samples]
        answers = self.inside.respond(asked, seed=seed, greedy=greedy)
        return [
            given if isinstance(given, Failed) else tuple(self._put(answer, sample) for answer in given)
            for sample, given in zip(asked, answers, strict=True)
        ]

    def _put(self, answer: Response, asked: Sample) -> Response:
        text = " ".join(answer.text.splitlines()) if self._options.one_line else answer.text
        prompt = answer.prompt if self._options.keep_prompt else answer.prompt or asked.prompt
        return evolve(answer, text=text, prompt=prompt)


class RewordedTrainer:
    """Trains with another trainer, and scores its reference, on items that are asked in other words."""

    def __init__(self, options: RewordedTrainerOptions, run: Run) -> None:
        """Build the trainer."""
        self._options = options
        self._trainer: Trainer = run.component("trainers", options.trainer, "train.trainer")(run)

    def check(self, loss: Loss) -> None:
        """Refuse what the other trainer refuses before any work is done."""
        check = getattr(self._trainer, "check", None)
        if check is not None:
            check(loss)

    def launch(self, worker: Sequence[str]) -> Sequence[str]:
        """Return the other trainer's command."""
        return self._trainer.launch(worker)

    def reference_settings(self) -> Mapping[str, Any]:
        """Return the other trainer's settings and the words."""
        options = self._options
        own = {"system": options.system, "before": options.before, "after": options.after}
        return {**self._trainer.reference_settings(), "wording": own}

    def reference(self, job: Job, items: Sequence[Item]) -> Sequence[Mapping[str, Sequence[float]]]:
        """Return the log-probabilities of the reworded items."""
        return self._trainer.reference(self._asked(job), [self.asked(item) for item in items])

    @property
    def pauses(self) -> bool:
        """Whether the other trainer can pause."""
        return bool(getattr(self._trainer, "pauses", False))

    def train(self, job: Job) -> Weights | Paused:
        """Train on the reworded items."""
        return self._trainer.train(self._asked(job))

    def asked(self, item: Item) -> Item:
        """Return an item in other words."""
        value = item.value
        value = evolve(value, sample=self._put(value.sample), chosen=self._put(value.chosen))
        if isinstance(value, Pair):
            value = evolve(value, rejected=self._put(value.rejected))
        return evolve(item, value=value)

    def _asked(self, job: Job) -> Job:
        return evolve(job, items=Changed(job.items, self.asked))

    def _put(self, one: _Asked) -> _Asked:
        return evolve(one, prompt=reworded(one.prompt, self._options)) if one.prompt else one

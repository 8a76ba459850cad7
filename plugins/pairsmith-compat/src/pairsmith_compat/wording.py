"""Conversations in other words, and answers on one line."""

from collections.abc import Iterator, Sequence
from itertools import islice

from attrs import evolve

from pairsmith.interfaces import Run
from pairsmith.values import Dropped, Failed, Response, Sample, Turn
from pairsmith_compat.options import RewordedGeneratorOptions, RewordedSourceOptions, Wording
from pairsmith_compat.wrapped import Wrapped


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

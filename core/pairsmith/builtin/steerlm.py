"""Attribute-conditioned demonstrations, and a generator that asks for fixed attributes (SteerLM; mllm-dpo)."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

from attrs import evolve, frozen

from pairsmith.builtin.imitated import demonstration
from pairsmith.builtin.options import SteeredOptions, SteerlmOptions
from pairsmith.builtin.steering import steered
from pairsmith.errors import StageError
from pairsmith.interfaces import Run
from pairsmith.rubric import Grades, grades_by_judge
from pairsmith.values import Demonstration, Failed, Judged, Response, Sample


@frozen
class Steerlm:
    """Yields every graded answer, good or bad, with a prompt that asks for the grades it got."""

    options: SteerlmOptions
    run: Run

    def select(self, judged: Judged, *, seed: int) -> tuple[Demonstration, ...]:  # noqa: ARG002 - nothing is drawn
        """Return the demonstrations of one sample, in the order of its answers."""
        grades = self._grades(judged)
        return tuple(
            demonstration(judged.sample, self._asked_for(answer, judged.sample, grades[answer.id]), None)
            for answer in judged.responses
            if answer.id in grades
        )

    def _grades(self, judged: Judged) -> Mapping[str, Grades]:
        given = grades_by_judge(judged, self.options.attributes)
        if self.options.judge:
            return given.get(self.options.judge, {})
        if len(given) > 1:
            msg = f"[pairs] judge: several judges gave attributes ({', '.join(given)}); name the one to learn from"
            raise StageError(msg)
        return next(iter(given.values()), {})

    def _asked_for(self, answer: Response, sample: Sample, grades: Grades) -> Response:
        wanted = {name: grades[name.casefold()] for name in self.options.attributes}
        return evolve(answer, prompt=steered(answer.prompt or sample.prompt, wanted, self.options.instruction))


class Steered:
    """Answers with another generator, each prompt ending with the same wish for attributes."""

    def __init__(self, options: SteeredOptions, run: Run) -> None:
        """Check the other generator's table; its model is loaded when the first sample is answered."""
        self._options = options
        self._build, self._run = run.component("generators", options.generator, "generator"), run
        self._stack = ExitStack()
        self._made: list[Any] = []

    def __enter__(self) -> Self:
        """Build nothing yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let the other generator go."""
        self._stack.__exit__(kind, error, trace)
        self._made.clear()

    def respond(
        self, samples: Sequence[Sample], *, seed: int, greedy: bool = False
    ) -> list[Sequence[Response] | Failed]:
        """Return the other generator's answers, each with the prompt it was asked."""
        asked = [
            evolve(one, prompt=steered(one.prompt, self._options.grades, self._options.instruction)) for one in samples
        ]
        answers = self._generator().respond(asked, seed=seed, greedy=greedy)
        return [
            given
            if isinstance(given, Failed)
            else tuple(evolve(answer, prompt=answer.prompt or sample.prompt) for answer in given)
            for sample, given in zip(asked, answers, strict=True)
        ]

    def _generator(self) -> Any:  # noqa: ANN401 - whatever the recipe names
        if not self._made:
            made = self._build(self._run)
            self._made.append(self._stack.enter_context(made) if hasattr(made, "__enter__") else made)
        return self._made[0]

"""Answers samples with a model of the recipe's, or of its own."""

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from attrs import evolve, frozen

from pairsmith.errors import RecipeError
from pairsmith.interfaces import Run
from pairsmith.seeds import derive
from pairsmith.values import Response, Sample, Turn, turns
from pairsmith_hf.options import GeneratorOptions
from pairsmith_hf.prompt_file import prompts
from pairsmith_hf.speaker import Drawing, Request, Said, Speaker, batches, name_of


@frozen
class _Asked:
    """A sample asked with some turns, empty for its own, and how often it is asked with each."""

    sample: Sample
    prompt_number: int
    prompt: tuple[Turn, ...]
    answers: int

    @property
    def turns(self) -> tuple[Turn, ...]:
        """The conversation, the sample's context in its place."""
        return turns(evolve(self.sample, prompt=self.prompt or self.sample.prompt))


class HfGenerator:
    """Implements :class:`pairsmith.interfaces.Generator` on any family's model.

    Prompts of like length go together, padded on the left, and a batch's answers come from a seed of its own: the same
    samples and seed give the same answers. Every answer of a prompt is drawn in the same batch, from one reading of it.
    """

    def __init__(self, options: GeneratorOptions, run: Run) -> None:
        """Load the model: its own, the recipe's base model, or in evaluation the one that is evaluated."""
        if run.family is None or run.weights is None:
            msg = "[responses] use = 'hf' answers with the recipe's model, or one of its own; add a table [model]"
            raise RecipeError(msg)
        self._options, self._name, self._asked = options, name_of(run, run.weights), prompts(options)
        self._speaker = Speaker(options, run.family, run.weights, raw=options.prompt_mode == "raw")
        self._drawn = {"temperature": options.temperature, "top_p": options.top_p, "top_k": options.top_k}

    def __enter__(self) -> Self:
        """Use the model."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let the model's memory go."""
        self._speaker.close()

    def respond(self, samples: Sequence[Sample], *, seed: int, greedy: bool = False) -> list[list[Response]]:
        """Return the responses to each sample, in order; with ``greedy`` exactly one, to its own prompt."""
        options = self._options
        number = 1 if greedy else options.n
        sampled = not greedy and options.temperature > 0
        groups = [
            [_Asked(sample, k, prompt, number) for k, prompt in enumerate(self._prompts(sample, greedy=greedy))]
            for sample in samples
        ]
        asked = [one for group in groups for one in group]
        requests: list[Request] = [(one.turns, one.sample.images) for one in asked]
        answers: list[list[Response]] = [[] for _ in asked]
        for count, batch in enumerate(batches(requests, max(1, options.batch_size // number))):
            drawing = Drawing(derive(seed, count), self._drawn) if sampled else None
            said = self._speaker.say(
                [requests[k] for k in batch],
                max_new_tokens=options.max_new_tokens,
                number=number,
                drawing=drawing,
                beams=options.beams,
            )
            for k, ones in zip(batch, said, strict=True):
                answers[k] = [self._response(asked[k], n, one, drawing) for n, one in enumerate(ones)]
        each = iter(answers)
        return [[one for _ in group for one in next(each)] for group in groups]

    def _prompts(self, sample: Sample, *, greedy: bool) -> list[tuple[Turn, ...]]:
        """Return the turns a sample is asked with, empty for its own."""
        if greedy or not self._asked:
            return [()]
        *before, last = (
            sample.prompt if sample.prompt[-1].role == "user" else (*sample.prompt, Turn(role="user", text=""))
        )
        return [(*before, evolve(last, text=text)) for text in self._asked]

    def _response(self, asked: "_Asked", n: int, said: Said, drawing: Drawing | None) -> Response:
        name = f"{self._options.name}/" if self._options.name else ""
        drawn = {"temperature": 0.0} if drawing is None else drawing.settings
        mode: dict[str, object] = {} if self._options.beams == 1 else {"beams": self._options.beams}
        if self._options.prompt_mode != "chat":
            mode["prompt_mode"] = self._options.prompt_mode
        return Response(
            id=f"{asked.sample.id}/{name}{asked.prompt_number * asked.answers + n}",
            sample_id=asked.sample.id,
            text=said.text,
            model=self._name,
            seed=None if drawing is None else drawing.seed,
            parameters={
                **drawn,
                "max_new_tokens": self._options.max_new_tokens,
                "dtype": self._speaker.dtype,
                **mode,
                "finish": said.finish,
            },
            prompt=asked.prompt,
        )

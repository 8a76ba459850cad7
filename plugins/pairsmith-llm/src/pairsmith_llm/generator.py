"""Answers samples with a model behind an endpoint."""

from collections.abc import Sequence
from typing import Any

from pairsmith.interfaces import Run
from pairsmith.seeds import derive
from pairsmith.values import Failed, Response, Sample
from pairsmith_llm.connected import Connected
from pairsmith_llm.endpoint import Endpoint, or_failed
from pairsmith_llm.journal import Answer
from pairsmith_llm.options import GeneratorOptions
from pairsmith_llm.request import Request, conversation, fields_of

_SEEDS = 2**31  # some endpoints read seeds as 32-bit integers


class OpenAIGenerator(Connected):
    """Implements :class:`pairsmith.interfaces.Generator`.

    Every answer has a seed of its own, of the part's seed, the sample and its number. Whether equal seeds give equal
    answers is the endpoint's affair; an answer that was given once is kept and never asked for again.
    """

    def __init__(self, options: GeneratorOptions, run: Run) -> None:
        """Read the key; nothing is sent yet."""
        self._options = options
        self._endpoint = Endpoint(options, run, options.name or "openai")

    def respond(self, samples: Sequence[Sample], *, seed: int, greedy: bool = False) -> list[list[Response] | Failed]:
        """Return the responses to each sample, in order; with ``greedy`` exactly one."""
        number = 1 if greedy else self._options.n
        together = number if self._options.one_request else 1
        wanted = [(sample, draw) for sample in samples for draw in range(0, number, together)]
        requests = [self._request(sample, seed, draw, together, greedy=greedy) for sample, draw in wanted]
        answers = self._endpoint.run([or_failed(self._endpoint.ask(request)) for request in requests])
        made: dict[str, list[Response] | Failed] = {}
        for (sample, draw), request, answer in zip(wanted, requests, answers, strict=True):
            so_far = made.setdefault(sample.id, [])
            if isinstance(answer, Failed):
                made[sample.id] = answer
            elif not isinstance(so_far, Failed):
                so_far += self._responses(sample, request, answer, draw)
        return [made[sample.id] for sample in samples]

    def _request(self, sample: Sample, seed: int, draw: int, number: int, *, greedy: bool) -> Request:
        drawn: dict[str, Any] = {"temperature": 0.0} if greedy else {"top_p": self._options.top_p}
        own = None if greedy or not self._options.temperature else derive(seed, sample.id, draw) % _SEEDS
        return Request(
            model=self._options.model,
            messages=conversation(sample, self._options.system),
            fields=fields_of(self._options, own, **drawn),
            number=number,
            draw=draw,
            max_side=self._options.max_side,
        )

    def _responses(self, sample: Sample, request: Request, answer: Answer, draw: int) -> list[Response]:
        name = f"{self._options.name}/" if self._options.name else ""
        sent = {key: value for key, value in request.fields.items() if key != "seed"}
        return [
            Response(
                id=f"{sample.id}/{name}{draw + n}",
                sample_id=sample.id,
                text=text,
                model=answer.model or self._options.model,
                seed=request.fields.get("seed"),
                parameters={**sent, "finish": finish},
            )
            for n, (text, finish) in enumerate(answer.texts)
        ]

"""A judge that sees the image, the question and all answers at once, and grades each on every attribute."""

from collections.abc import Mapping, Sequence

from pairsmith.grading import Graded, labelled, question, read_grades
from pairsmith.interfaces import Run
from pairsmith.values import Case, Failed, Response, Verdict
from pairsmith_llm.connected import Connected
from pairsmith_llm.endpoint import Endpoint, or_failed
from pairsmith_llm.grades import schema
from pairsmith_llm.journal import Answer
from pairsmith_llm.options import RubricOptions
from pairsmith_llm.request import Message, Request, fields_of
from pairsmith_llm.structured import ask_json, filled, instructions

_SEED = 0  # one seed for all: a judge that is asked the same should say the same


class RubricJudge(Connected):
    """Implements :class:`pairsmith.interfaces.Judge` for whole responses (mllm-dpo, arXiv 2402.10884).

    The order of the answers is drawn for each sample, so that a judge's liking for the first place favours no generator;
    labels are mapped back before anything is believed.
    """

    aspects: tuple[str, ...] | None = ()

    def __init__(self, options: RubricOptions, run: Run) -> None:
        """Read key and instructions; nothing is sent yet."""
        self._options, self._seed = options, run.seed
        self._name = options.name or "openai-rubric"
        self._endpoint = Endpoint(options, run, self._name)
        self._told = filled(
            instructions("rubric", options.prompt),
            lowest=str(options.lowest),
            highest=str(options.highest),
            attributes="\n".join(f"- {name}: {meaning}" for name, meaning in options.attributes.items()),
            example=", ".join(f'"{name}": {options.highest}' for name in options.attributes),
        )

    def judge(self, cases: Sequence[Case]) -> list[list[Verdict] | Failed]:
        """Return a verdict per response."""
        return self._endpoint.run([or_failed(self._case(case)) for case in cases])

    async def _case(self, case: Case) -> list[Verdict]:
        if not case.responses:
            return []
        shown = labelled(case, self._options, self._seed)
        grades, answer = await ask_json(
            self._endpoint,
            self._options,
            self._request(case, shown),
            lambda reply: read_grades(reply, tuple(shown), self._options),
        )
        label_of = {response.id: label for label, response in shown.items()}
        return [self._verdict(response, label_of[response.id], grades, answer) for response in case.responses]

    def _request(self, case: Case, shown: Mapping[str, Response]) -> Request:
        return Request(
            model=self._options.model,
            messages=(
                Message(role="system", text=self._told),
                Message(role="user", text=question(case, shown), images=case.sample.images),
            ),
            fields=fields_of(self._options, _SEED),
            schema=schema(self._options),
            max_side=self._options.max_side,
        )

    def _verdict(self, response: Response, label: str, grades: Mapping[str, Graded], answer: Answer) -> Verdict:
        comment, attributes = grades[label]
        return Verdict(
            judge=self._name,
            response_id=response.id,
            score=self._options.total(attributes),
            evidence={
                "attributes": attributes,
                "comment": comment,
                "label": label,
                "model": answer.model or self._options.model,
            },
        )

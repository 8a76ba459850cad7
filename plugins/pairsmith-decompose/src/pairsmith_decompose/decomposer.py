"""The decomposer: asks for each sort of claim, asks once more where a reply breaks the grammar, then says so."""

import json
from collections.abc import Sequence
from hashlib import sha256
from types import TracebackType
from typing import Self

from attrs import evolve

from pairsmith.answers import Answers, Question, in_batches
from pairsmith.interfaces import Run
from pairsmith.values import Case, Claim, Dropped, Response, Sample
from pairsmith_decompose import prompts
from pairsmith_decompose.claims import Rules, build, counts
from pairsmith_decompose.model import TextModel
from pairsmith_decompose.options import LlmFewshotOptions
from pairsmith_decompose.replies import Parsed, parse, quoted

UNPARSED = "unparsed"
Asked = tuple[str, str]
"""A split, and the text that is split."""


class LlmFewshot:
    """Implements :class:`pairsmith.interfaces.Decomposer`.

    The prompts of all answers of a part go together; equal answers are asked about once in a run. Replies are kept, so a
    change of the rules that make claims of them asks nothing.
    """

    def __init__(self, options: LlmFewshotOptions, run: Run) -> None:
        """Read the templates and the tokenizer; the weights are loaded when something must be asked."""
        self._options = options
        self._templates = prompts.load(options.templates, options.splits)
        self._rules = Rules(
            image_words=frozenset(options.image_words), vague=frozenset(options.vague), singular=options.singular
        )
        self._model = TextModel(options)
        digest = sha256(json.dumps(self._templates, sort_keys=True).encode()).hexdigest()
        self._answers = Answers(run, "llm-fewshot", {**self._model.identity(), "templates": digest})

    def __enter__(self) -> Self:
        """Use the model."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let the model's memory go."""
        self._model.unload()

    def decompose(self, sample: Sample, responses: Sequence[Response]) -> list[Claim | Dropped]:
        """Return the claims of all responses, and what could not be parsed even at the second attempt."""
        return self.decompose_many([Case(sample=sample, responses=tuple(responses))])[0]

    def decompose_many(self, cases: Sequence[Case]) -> list[list[Claim | Dropped]]:
        """Return the same for each of several samples, all of whose prompts are put to the model together."""
        texts = {response.text for case in cases for response in case.responses if response.text.strip()}
        parsed = self._parsed([(split, text) for text in sorted(texts) for split in self._options.splits])
        return [[one for response in case.responses for one in self._claims(response, parsed)] for case in cases]

    def replies(self, texts: Sequence[str]) -> list[dict[str, str]]:
        """Return the model's first reply about each text, by split, for a reader of its own."""
        splits = self._options.splits
        said = iter(self._replies([{"split": split, "text": text} for text in texts for split in splits]))
        return [{split: next(said) for split in splits} for _ in texts]

    def _claims(self, response: Response, parsed: dict[Asked, Parsed]) -> list[Claim | Dropped]:
        if not response.text.strip():
            return []
        own = {split: parsed[split, response.text] for split in self._options.splits}
        texts = quoted(response.text) if self._options.quotes else []
        claims = build(response.id, {split: one.tuples for split, one in own.items()}, texts, self._rules)
        faults = [(split, fault) for split, one in own.items() for fault in one.faults]
        lost = [Dropped(id=response.id, reason=UNPARSED, detail=f"{split}: {fault}") for split, fault in faults]
        return [*claims, *lost]

    def _parsed(self, asked: Sequence[Asked]) -> dict[Asked, Parsed]:
        replies = dict(zip(asked, self._replies([{"split": s, "text": t} for s, t in asked]), strict=True))
        parsed = {key: _parse(reply, key[0]) for key, reply in replies.items()}
        failed = [key for key, one in parsed.items() if one.faults]
        retries = [
            {"split": key[0], "text": key[1], "reply": replies[key], "fault": parsed[key].faults[0]} for key in failed
        ]
        for key, reply in zip(failed, self._replies(retries), strict=True):
            second = _parse(reply, key[0])
            if len(second.faults) < len(parsed[key].faults):
                parsed[key] = second
        return parsed

    def _replies(self, requests: Sequence[dict[str, str]]) -> list[str]:
        questions = [Question(json.dumps(request, ensure_ascii=False)) for request in requests]
        return self._answers.ask(questions, self._reply, in_batches(self._options.batch_size))

    def _reply(self, questions: Sequence[Question]) -> list[str]:
        return self._model.reply([self._conversation(json.loads(question.text)) for question in questions])

    def _conversation(self, request: dict[str, str]) -> list[prompts.Message]:
        template = self._templates[request["split"]]
        if "reply" not in request:
            return prompts.first(template, request["text"])
        return prompts.again(template, request["text"], request["reply"], request["split"], request["fault"])


def _parse(reply: str, split: str) -> Parsed:
    parsed = parse(reply, split)
    if split != "count":
        return parsed
    _, faults = counts(parsed.tuples)
    return evolve(parsed, faults=(*parsed.faults, *faults))

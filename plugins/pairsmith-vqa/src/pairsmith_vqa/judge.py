"""The judge that asks. Questions are pooled over all answers and images; thresholds come after."""

from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any, Self

import torch

from pairsmith.answers import Answers, Question
from pairsmith.errors import StageError
from pairsmith.interfaces import Run
from pairsmith.seeds import derive
from pairsmith.values import Case, Claim, Outcome, Verdict
from pairsmith_vqa.answers import Answer
from pairsmith_vqa.gate import Gate
from pairsmith_vqa.loading import Checkpoint
from pairsmith_vqa.models import Speech, answerer
from pairsmith_vqa.options import VqaOptions
from pairsmith_vqa.pictures import read, shown, size
from pairsmith_vqa.questions import QUESTIONS, question, says

NAME = "vqa"


class Vqa:
    """Implements :class:`pairsmith.interfaces.Judge`.

    Every question is asked, also one that the gate will keep out, so that neither threshold needs the model again.
    """

    def __init__(self, options: VqaOptions, run: Run) -> None:
        """Know what answers depend on; the weights are loaded when something must be asked."""
        self._options = options
        self.aspects: tuple[str, ...] | None = options.aspects
        self._wording = {**QUESTIONS, **options.questions}
        self._checkpoint = Checkpoint("model", options.model, options.revision, options)
        self._speech = Speech.of(options)
        self._model = answerer(self._checkpoint, self._speech)
        self._seed = derive(run.seed, NAME)
        self._prompt = options.prompt or self._model.prompt
        made_from = {**self._checkpoint.identity(), "prompt": self._prompt, **self._speech.identity()}
        if self._speech.drawn:
            made_from["seed"] = self._seed
        self.answers = Answers(run, NAME, made_from)
        self.gate = Gate(options, run) if options.gate else None

    def __enter__(self) -> Self:
        """Use the models."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let the models' memory go."""
        self._checkpoint.unload()
        if self.gate:
            self.gate.checkpoint.unload()

    def judge(self, cases: Sequence[Case]) -> list[list[Verdict]]:
        """Return a verdict per claim."""
        asked = [[self._asked(case, claim) for claim in case.claims] for case in cases]
        wanted = {one.key: one for row in asked for one in row if one is not None}
        answers = dict(zip(wanted, self.answers.ask(list(wanted.values()), self._answer, self._batches), strict=True))
        texts = list(dict.fromkeys(one.text for one in wanted.values()))
        grammar = dict(zip(texts, self.gate.probabilities(texts), strict=True)) if self.gate else {}
        return [
            [
                self._verdict(claim, one, None if one is None else answers[one.key], grammar)
                for claim, one in zip(case.claims, row, strict=True)
            ]
            for case, row in zip(cases, asked, strict=True)
        ]

    def _asked(self, case: Case, claim: Claim) -> Question | None:
        text = question(claim, self._wording)
        return None if text is None else Question(text, shown(case))

    def _batches(self, questions: Sequence[Question]) -> Iterator[list[Question]]:
        if self._speech.drawn:  # what is drawn for a question depends on nothing beside it
            yield from ([one] for one in questions)
            return
        groups: dict[tuple[int, int], list[Question]] = {}
        for one in sorted(questions, key=lambda one: one.key):
            groups.setdefault(size(one.shown) if self._model.one_size else (0, 0), []).append(one)
        for group in groups.values():
            for start in range(0, len(group), self._options.batch_size):
                yield group[start : start + self._options.batch_size]

    @torch.inference_mode()
    def _answer(self, questions: Sequence[Question]) -> list[Answer]:
        pictures = {one.key[0]: one.shown for one in questions}
        pixels = {key: read(image, self._options.max_pixels) for key, image in pictures.items()}
        if self._speech.drawn:
            torch.manual_seed(derive(self._seed, *questions[0].key))
        return self._model.answer([(pixels[one.key[0]], self._prompt.format(one.text)) for one in questions])

    def _verdict(
        self, claim: Claim, asked: Question | None, answer: Answer | None, grammar: dict[str, float]
    ) -> Verdict:
        if asked is None or answer is None:
            reason = f"the claim's data lack what the question {self._wording[claim.aspect]!r} names"
            return _verdict(claim, "skipped", {}, reason)
        evidence: dict[str, Any] = {"question": asked.text, **answer}
        if grammar:
            evidence["grammar"] = grammar[asked.text]
            if grammar[asked.text] < self._options.gate_threshold:
                evidence["sentence"] = False
                reason = f"the question is no sentence ({grammar[asked.text]} < {self._options.gate_threshold})"
                return _verdict(claim, "skipped", evidence, reason)
        holds = self._holds(answer)
        if holds is None:
            return _verdict(claim, "skipped", evidence, f"the answer {answer['answer']!r} is neither yes nor no")
        return _verdict(claim, "supported" if holds else "contradicted", evidence)

    def _holds(self, answer: Answer) -> bool | None:
        if self._options.answer == "generated":
            return says(answer["answer"])
        if answer["yes"] is None:
            msg = (
                f"[[judges]] use = 'vqa': model = {self._options.model!r} has no words of its own for yes and no; set "
                f"answer = 'generated'"
            )
            raise StageError(msg)
        return bool(answer["yes"] >= self._options.threshold)


def _verdict(claim: Claim, outcome: Outcome, evidence: dict[str, Any], reason: str = "") -> Verdict:
    return Verdict(
        judge=NAME,
        response_id=claim.response_id,
        claim_id=claim.id,
        outcome=outcome,
        reason=reason,
        evidence=evidence,
    )

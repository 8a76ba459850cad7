"""The judge that reads. An image is read once; what must match how well comes after."""

from collections.abc import Sequence
from typing import Any

from pairsmith.answers import Answers, Question, in_batches
from pairsmith.interfaces import Run
from pairsmith.values import Case, Claim, Outcome, Verdict
from pairsmith_ocr.engines import Engine, Line, engine, identity
from pairsmith_ocr.matching import Match, alike, plain, whole_line
from pairsmith_ocr.options import OcrOptions
from pairsmith_ocr.pictures import read, shown

NAME = "ocr"
_EVERYTHING = "every line"
_SHOWN = 40
"""Lines that are kept as evidence."""


class Ocr:
    """Implements :class:`pairsmith.interfaces.Judge` for claims of aspect text."""

    def __init__(self, options: OcrOptions, run: Run) -> None:
        """Know what lines depend on; the library is loaded when something must be read."""
        self.aspects: tuple[str, ...] | None = ("text",)
        self._options = options
        self.answers = Answers(run, NAME, identity(options))
        self._engine: list[Engine] = []

    def judge(self, cases: Sequence[Case]) -> list[list[Verdict]]:
        """Return a verdict per claim; an image without such a claim is not read."""
        wanted = {number: Question(_EVERYTHING, shown(case)) for number, case in enumerate(cases) if _claims_text(case)}
        read_lines = self.answers.ask(list(wanted.values()), self._read, in_batches(1))
        lines = dict(zip(wanted, read_lines, strict=True))
        return [
            [self._verdict(claim, lines.get(number, [])) for claim in case.claims] for number, case in enumerate(cases)
        ]

    def _read(self, questions: Sequence[Question]) -> list[list[Line]]:
        if not self._engine:
            self._engine.append(engine(self._options))
        return [self._engine[0](read(question.shown, self._options.max_pixels)) for question in questions]

    def _verdict(self, claim: Claim, lines: Sequence[Line]) -> Verdict:
        text = claim.data.get("text")
        if not isinstance(text, str) or not plain(text):
            return _verdict(claim, "skipped", {}, "the claim has no 'text' with a letter or digit in its data")
        believed = [line for line in lines if line["confidence"] >= self._options.min_confidence]
        found = self._match(text, [str(line["text"]) for line in believed])
        enough = 1.0 if self._options.match == "line" else self._options.similarity
        evidence = {"lines": believed[:_SHOWN], "best": found.text, "similarity": found.similarity}
        return _verdict(claim, "supported" if found.similarity >= enough else "contradicted", evidence)

    def _match(self, text: str, lines: Sequence[str]) -> Match:
        return whole_line(text, lines) if self._options.match == "line" else alike(text, lines)


def _claims_text(case: Case) -> bool:
    return any(plain(str(claim.data.get("text", ""))) for claim in case.claims)


def _verdict(claim: Claim, outcome: Outcome, evidence: dict[str, Any], reason: str = "") -> Verdict:
    return Verdict(
        judge=NAME,
        response_id=claim.response_id,
        claim_id=claim.id,
        outcome=outcome,
        reason=reason,
        evidence=evidence,
    )

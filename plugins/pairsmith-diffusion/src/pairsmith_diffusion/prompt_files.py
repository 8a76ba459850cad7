"""Writes what a model replied to requests for prompts as the files that ``text-to-image`` reads."""

import json
import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import asdict, frozen

from pairsmith.errors import StageError
from pairsmith.hygiene import words
from pairsmith.interfaces import Run, RunView
from pairsmith_diffusion.asking import CATEGORY
from pairsmith_diffusion.likeness import Likeness
from pairsmith_diffusion.options import QUESTION, PromptFilesOptions
from pairsmith_diffusion.prompts import Prompted, there
from pairsmith_diffusion.written import Written, read

_LOG = logging.getLogger(__name__)
Row = Mapping[str, Any]


@frozen(kw_only=True)
class _Reply:
    """An answer to a request, with the category that was asked for."""

    id: str
    category: str
    text: str


class PromptFiles:
    """Writes ``prompts.jsonl``, the same as ``prompts.txt`` and ``questions.txt``, and what was left out with the reason."""

    def __init__(self, options: PromptFilesOptions, run: Run) -> None:  # noqa: ARG002 - every factory is given the run
        """Read the prompts that there are."""
        self._options = options
        self._there = there(options.prompts, QUESTION)

    def export(self, run: RunView, destination: Path) -> Sequence[Path]:
        """Write, and return the files."""
        replies = list(_replies(run))
        left_out: list[Row] = []
        new = list(self._new(replies, left_out))
        if not new:
            msg = f"{len(replies)} replies hold no prompt that is new; the first left out: {left_out[:1]}"
            raise StageError(msg)
        rows = [*self._there, *new] if self._options.include else new
        reasons = Counter(str(row["reason"]) for row in left_out)
        counts = {
            "prompts": len(rows),
            "new": len(new),
            "new by category": dict(Counter(one.category for one in new)),
            "left out": dict(reasons),
        }
        if left_out:
            why = ", ".join(f"{number} {reason}" for reason, number in reasons.items())
            _LOG.warning("%d prompts are new; left out: %s (left-out.jsonl)", len(new), why)
        destination.mkdir(parents=True, exist_ok=True)
        return [
            _write(destination / "prompts.jsonl", [_json(asdict(one)) for one in rows]),
            _write(destination / "prompts.txt", [" ".join(one.prompt.split()) for one in rows]),
            _write(destination / "questions.txt", [" ".join(one.question.split()) for one in rows]),
            _write(destination / "left-out.jsonl", [_json(row) for row in left_out]),
            _write(destination / "summary.json", [json.dumps(counts, indent=2, ensure_ascii=False)]),
        ]

    def _new(self, replies: Sequence[_Reply], left_out: list[Row]) -> Iterator[Prompted]:
        """Yield the prompts worth having, in order, and note the others."""
        found = [(reply, one) for reply in replies for one in read(reply.text)]
        known = [one.prompt for one in self._there]
        likeness = Likeness(
            self._options.similar, [*known, *(one.prompt for _, one in found if isinstance(one, Written))]
        )
        for text in known:
            likeness.add(text)
        exact = {tuple(words(text)) for text in known}
        ids = _Ids(one.id for one in self._there)
        for reply, one in found:
            if isinstance(one, Written):
                reason, detail = self._wrong(one, likeness, exact)
            else:
                reason, detail = f"malformed: {one.why}", one.excerpt
            if reason:
                left_out.append({"reply": reply.id, "category": reply.category, "reason": reason, "detail": detail})
            elif isinstance(one, Written):
                likeness.add(one.prompt)
                exact.add(tuple(words(one.prompt)))
                yield Prompted(
                    id=ids.next(reply.category), category=reply.category, prompt=one.prompt, question=one.question
                )

    def _wrong(self, one: Written, likeness: Likeness, exact: set[tuple[str, ...]]) -> tuple[str, str]:
        """Return why a prompt is left out, and what shows it."""
        length = len(one.prompt.split())
        if not self._options.min_words <= length <= self._options.max_words:
            return "length", f"{length} words: {one.prompt}"
        if tuple(words(one.prompt)) in exact:
            return "duplicate", one.prompt
        alike = likeness.find(one.prompt)
        return ("", "") if alike is None else ("near-duplicate", f"{one.prompt} | {alike}")


class _Ids:
    """Ids that go on where those that there are end: ``animal-7`` after ``animal-6``."""

    def __init__(self, taken: Iterator[str]) -> None:
        self._last: Counter[str] = Counter()
        for name in taken:
            category, _, number = name.rpartition("-")
            if number.isascii() and number.isdecimal():
                self._last[category] = max(self._last[category], int(number))

    def next(self, category: str) -> str:
        self._last[category] += 1
        return f"{category}-{self._last[category]}"


def _replies(run: RunView) -> Iterator[_Reply]:
    for judged in run.judged():
        category = judged.sample.truth.get(CATEGORY)
        if not isinstance(category, str):
            msg = (
                f"sample {judged.sample.id!r} is no request for prompts; export a run whose [images] are "
                f"use = 'prompt-requests'"
            )
            raise StageError(msg)
        for response in judged.responses:
            yield _Reply(id=response.id, category=category, text=response.text)


def _json(row: Row) -> str:
    return json.dumps(row, ensure_ascii=False)


def _write(path: Path, lines: Sequence[str]) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")
    return path

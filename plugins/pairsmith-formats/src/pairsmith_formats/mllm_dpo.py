"""mllm-dpo's preference rows (arXiv 2402.10884), with their ratings and reference log-probabilities."""

import ast
from collections.abc import Mapping
from functools import partial
from typing import Any

from pairsmith.values import Turn
from pairsmith_formats.conversations import as_values, marked
from pairsmith_formats.export import RowExport
from pairsmith_formats.reading import (
    Answer,
    Entry,
    Format,
    Reading,
    Row,
    asked,
    bad,
    identity,
    message,
    messages,
    number,
    paths,
    split,
)
from pairsmith_formats.source import RowSource

_ATTRIBUTES = ("Helpfulness", "Correctness", "Coherence", "Complexity", "Verbosity")
_LONGEST_LITERAL = 100_000


def _read(row: Row) -> Reading:
    """The rows' columns ``*_gpt4v`` are about the chosen answer, and ``*_candidate`` about the rejected one."""
    if isinstance(row.get("chosen"), list):
        prompt, chosen = split(messages(row["chosen"], "chosen", "from", "value"), "chosen")
        other, rejected = split(messages(row.get("rejected"), "rejected", "from", "value"), "rejected")
    else:
        prompt = other = asked(messages(_question(row), "question", "from", "value"), "question")
        chosen, rejected = (message(row.get(side), side) for side in ("chosen", "rejected"))
    return Reading(
        id=identity(row, "id", "question_id"),
        images=paths(row, "image"),
        prompt=prompt,
        answers=(
            Answer(text=chosen, label="chosen", ratings=_ratings(row, "gpt4v"), parameters=_logps(row, "win")),
            Answer(
                text=rejected,
                label="rejected",
                prompt=other,
                ratings=_ratings(row, "candidate"),
                parameters=_logps(row, "rej"),
            ),
        ),
    )


def _question(row: Row) -> list[Any]:
    """Return the question as a list of turns; it may be one turn, several, or one written as a Python literal."""
    question = row.get("question")
    if isinstance(question, str) and question.startswith(("{", "[")) and len(question) < _LONGEST_LITERAL:
        try:
            question = ast.literal_eval(question)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            bad(f"has a 'question' that is no turn: {row['question']!r:.80}")
    return question if isinstance(question, list) else [question]


def _ratings(row: Row, whose: str) -> Mapping[str, float]:
    found = {name: number(row.get(f"{name}_{whose}")) for name in _ATTRIBUTES}
    return {name: value for name, value in found.items() if value is not None}


def _logps(row: Row, whose: str) -> Mapping[str, Any]:
    """Return an answer's reference log-probabilities: of each token, their sum and their mean, where they are there."""
    found = {name: row.get(f"ref_{whose}_{name}") for name in ("logp", "avg_logp", "per_token_logp")}
    return {name: value for name, value in found.items() if value is not None}


def _write(entry: Entry) -> dict[str, Any]:
    shown = {"image": entry.images[0] if len(entry.images) == 1 else list(entry.images)} if entry.images else {}
    prompt, other = (marked(turns, len(entry.images)) for turns in (entry.prompt, entry.other))
    if entry.other == entry.prompt and len(prompt) == 1:
        sides = {"question": _one(prompt[0]), "chosen": _said(entry.chosen), "rejected": _said(entry.rejected)}
        return {**shown, **sides}
    return {**shown, "chosen": as_values(prompt, entry.chosen), "rejected": as_values(other, entry.rejected)}


def _one(turn: Turn) -> dict[str, str]:
    return as_values((turn,))[0]


def _said(answer: str | None) -> dict[str, str | None]:
    return {"from": "gpt", "value": answer}


FORMAT = Format(name="mllm-dpo", read=_read, write=_write, file="dpo")

source = partial(RowSource, FORMAT)
export = partial(RowExport, FORMAT)

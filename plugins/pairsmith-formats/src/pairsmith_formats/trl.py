"""Rows as TRL's trainers take them: ``prompt``, ``chosen``, ``rejected`` and ``images``, plain or conversational."""

from functools import partial
from typing import Any

from pairsmith.values import Turn, user
from pairsmith_formats.conversations import as_messages, marked
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
    messages,
    paths,
    split,
    text,
)
from pairsmith_formats.source import RowSource
from pairsmith_formats.writing import one_prompt, one_question


def _read(row: Row) -> Reading:
    """Understand all that TRL does: plain texts, messages, messages in blocks, and prompts that are left implicit."""
    kept = {"id": identity(row, "id"), "images": paths(row, "images", "image")}
    if "completion" in row or "messages" in row:
        prompt, answer = _demonstration(row)
        return Reading(**kept, prompt=prompt, answers=(Answer(text=answer),))  # type: ignore[arg-type]
    if row.get("prompt") is not None:
        prompt = _prompt(row)
        chosen, rejected = (_answer(row, side) for side in ("chosen", "rejected"))
        other = prompt
    else:
        prompt, chosen = split(messages(row.get("chosen"), "chosen"), "chosen")
        other, rejected = split(messages(row.get("rejected"), "rejected"), "rejected")
    answers = (Answer(text=chosen, label="chosen"), Answer(text=rejected, label="rejected", prompt=other))
    return Reading(**kept, prompt=prompt, answers=answers)  # type: ignore[arg-type]


def _demonstration(row: Row) -> tuple[tuple[Turn, ...], str]:
    if "messages" in row:
        return split(messages(row["messages"], "messages"), "messages")
    return _prompt(row), _answer(row, "completion")


def _prompt(row: Row) -> tuple[Turn, ...]:
    if isinstance(row.get("prompt"), str):
        return user(text(row, "prompt"))
    return asked(messages(row.get("prompt"), "prompt"), "prompt")


def _answer(row: Row, side: str) -> str:
    if isinstance(row.get("prompt"), str):
        return text(row, side)
    said = messages(row.get(side), side)
    if [turn.role for turn in said] != ["assistant"]:
        bad(f"must have one answer of the assistant's in {side!r}; its turns are {[turn.role for turn in said]!r:.120}")
    return said[0].text


def _write(entry: Entry) -> dict[str, Any]:
    """Messages with texts: TRL puts the images before the first question itself."""
    one_prompt(entry, "trl")
    shown = {"images": list(entry.images)} if entry.images else {}
    if entry.rejected is None:
        return {"prompt": as_messages(entry.prompt), "completion": as_messages((), entry.chosen), **shown}
    return {
        "prompt": as_messages(entry.prompt),
        "chosen": as_messages((), entry.chosen),
        "rejected": as_messages((), entry.rejected),
        **shown,
    }


def _write_plain(entry: Entry) -> dict[str, Any]:
    """One text with a marker an image, which is what models of LLaVA's kind take for one."""
    one_question(entry, "trl-plain")
    shown = {"images": list(entry.images)} if entry.images else {}
    prompt = {"prompt": marked(entry.prompt, len(entry.images))[0].text}
    if entry.rejected is None:
        return {**prompt, "completion": entry.chosen, **shown}
    return {**prompt, "chosen": entry.chosen, "rejected": entry.rejected, **shown}


CONVERSATIONAL = Format(name="trl", read=_read, write=_write, file="train", lines=True, holds="both")
PLAIN = Format(name="trl-plain", read=_read, write=_write_plain, file="train", lines=True, holds="both")

source = partial(RowSource, CONVERSATIONAL)
export = partial(RowExport, CONVERSATIONAL)
plain_source = partial(RowSource, PLAIN)
plain_export = partial(RowExport, PLAIN)

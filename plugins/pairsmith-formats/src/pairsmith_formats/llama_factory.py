"""Rows as LLaMA-Factory takes them in its ShareGPT form, with the entry of ``dataset_info.json`` that describes them."""

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
    identity,
    message,
    messages,
    paths,
    split,
    text,
)
from pairsmith_formats.source import RowSource
from pairsmith_formats.writing import one_prompt

NAME = "pairsmith"
"""What ``--dataset`` is called in LLaMA-Factory."""


def _read(row: Row) -> Reading:
    """Understand conversations and OpenAI-like messages, ranked or not; a column ``system`` comes first."""
    key, speaker, said = ("messages", "role", "content") if "messages" in row else ("conversations", "from", "value")
    turns = messages(row.get(key), key, speaker, said)
    if row.get("system"):
        turns = (Turn(role="system", text=text(row, "system")), *turns)
    kept = {"id": identity(row, "id"), "images": paths(row, "images", "image")}
    if "chosen" not in row and "rejected" not in row:
        prompt, answer = split(turns, key)
        return Reading(**kept, prompt=prompt, answers=(Answer(text=answer),))  # type: ignore[arg-type]
    sides = [message(row.get(side), side, speaker, said) for side in ("chosen", "rejected")]
    answers = (Answer(text=sides[0], label="chosen"), Answer(text=sides[1], label="rejected"))
    return Reading(**kept, prompt=asked(turns, key), answers=answers)  # type: ignore[arg-type]


def _write(entry: Entry) -> dict[str, Any]:
    one_prompt(entry, "llama-factory")
    turns = marked(entry.prompt, len(entry.images))
    shown = {"images": list(entry.images)} if entry.images else {}
    if entry.rejected is None:
        return {"conversations": as_values(turns, entry.chosen), **shown}
    chosen, rejected = ({"from": "gpt", "value": answer} for answer in (entry.chosen, entry.rejected))
    return {"conversations": as_values(turns), "chosen": chosen, "rejected": rejected, **shown}


def _describe(file: str, holds: str) -> Mapping[str, Any]:
    columns = {"messages": "conversations", "images": "images"}
    if holds == "pairs":
        columns |= {"chosen": "chosen", "rejected": "rejected"}
    return {
        "dataset_info.json": {
            NAME: {
                "file_name": file,
                "formatting": "sharegpt",
                **({"ranking": True} if holds == "pairs" else {}),
                "columns": columns,
            }
        }
    }


FORMAT = Format(name="llama-factory", read=_read, write=_write, file="pairs", holds="both", about=_describe)

source = partial(RowSource, FORMAT)
export = partial(RowExport, FORMAT)

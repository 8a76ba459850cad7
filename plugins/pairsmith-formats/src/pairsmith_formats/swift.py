"""Rows as ms-swift takes them: ``messages`` with the better answer, and the worse one beside them."""

from functools import partial
from typing import Any

from pairsmith_formats.conversations import as_messages, marked
from pairsmith_formats.export import RowExport
from pairsmith_formats.reading import Answer, Entry, Format, Reading, Row, bad, identity, messages, paths, split, text
from pairsmith_formats.source import RowSource


def _read(row: Row) -> Reading:
    prompt, chosen = split(messages(row.get("messages"), "messages"), "messages")
    shown = paths(row, "images", "image")
    kept = {"id": identity(row, "id"), "images": shown, "prompt": prompt}
    if row.get("rejected_messages") is not None:
        other, rejected = split(messages(row["rejected_messages"], "rejected_messages"), "rejected_messages")
        if row.get("rejected_images") is not None and paths(row, "rejected_images") != shown:
            bad(
                "has other images for the rejected answer; pairsmith makes worse images itself, with [corruptions.image]"
            )
    elif row.get("rejected_response") is not None:
        other, rejected = prompt, text(row, "rejected_response")
    else:
        return Reading(**kept, answers=(Answer(text=chosen),))  # type: ignore[arg-type]
    answers = (Answer(text=chosen, label="chosen"), Answer(text=rejected, label="rejected", prompt=other))
    return Reading(**kept, answers=answers)  # type: ignore[arg-type]


def _write(entry: Entry) -> dict[str, Any]:
    prompt, other = (marked(turns, len(entry.images)) for turns in (entry.prompt, entry.other))
    shown = {"images": list(entry.images)} if entry.images else {}
    row: dict[str, Any] = {"messages": as_messages(prompt, entry.chosen), **shown}
    if entry.rejected is None:
        return row
    if entry.other == entry.prompt:
        return {**row, "rejected_response": entry.rejected}
    again = {"rejected_images": list(entry.images)} if entry.images else {}
    return {**row, "rejected_messages": as_messages(other, entry.rejected), **again}


FORMAT = Format(name="ms-swift", read=_read, write=_write, file="train", lines=True, holds="both")

source = partial(RowSource, FORMAT)
export = partial(RowExport, FORMAT)

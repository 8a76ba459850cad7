"""LLaVA's conversations: preference rows as PDS-DPO (arXiv 2412.17417) publishes them, and rows for fine-tuning.

The fine-tuning rows are also those of mllm-dpo's ``standard_sft.json``, ``rejection_sampling.json`` and ``steerlm.json``
(arXiv 2402.10884), which carry columns of ratings besides.
"""

from functools import partial
from typing import Any

from pairsmith_formats.conversations import as_values, marked
from pairsmith_formats.export import RowExport
from pairsmith_formats.reading import Answer, Entry, Format, Reading, Row, identity, messages, paths, split
from pairsmith_formats.source import RowSource


def _pair(row: Row) -> Reading:
    prompt, chosen = _conversation(row, "conversations")
    other, rejected = _conversation(row, "rejected_conversations")
    return Reading(
        id=identity(row, "id"),
        images=paths(row, "image"),
        prompt=prompt,
        answers=(Answer(text=chosen, label="chosen"), Answer(text=rejected, label="rejected", prompt=other)),
    )


def _demonstration(row: Row) -> Reading:
    prompt, answer = _conversation(row, "conversations")
    return Reading(
        id=identity(row, "id", "question_id"), images=paths(row, "image"), prompt=prompt, answers=(Answer(text=answer),)
    )


def _conversation(row: Row, key: str) -> tuple[Any, str]:
    return split(messages(row.get(key), key, "from", "value"), key)


def _write_pair(entry: Entry) -> dict[str, Any]:
    shown = len(entry.images)
    return {
        **_write_demonstration(entry),
        "rejected_conversations": as_values(marked(entry.other, shown), entry.rejected),
    }


def _write_demonstration(entry: Entry) -> dict[str, Any]:
    shown = {} if not entry.images else {"image": entry.images[0] if len(entry.images) == 1 else list(entry.images)}
    return {"id": entry.id, **shown, "conversations": as_values(marked(entry.prompt, len(entry.images)), entry.chosen)}


PREFERENCES = Format(name="llava-preferences", read=_pair, write=_write_pair, file="pairs", needs_id=True)
SFT = Format(
    name="llava", read=_demonstration, write=_write_demonstration, file="conversations", holds="demonstrations"
)

preferences_source = partial(RowSource, PREFERENCES)
preferences_export = partial(RowExport, PREFERENCES)
sft_source = partial(RowSource, SFT)
sft_export = partial(RowExport, SFT)

"""Rows of RLHF-V (arXiv 2312.00849), RLAIF-V (arXiv 2405.17220) and MCM-DPO (arXiv 2510.00647): one family.

RLHF-V and MCM-DPO hold the texts as JSON inside of the column ``text``, RLAIF-V in columns of their own. MCM-DPO's
questions end with the text of a post, which becomes the sample's context, so that a corruption can exchange it.
"""

import json
from collections.abc import Sequence
from functools import partial
from typing import Any

from pairsmith.values import CONTEXT_MARKER, Turn, user
from pairsmith_formats.export import RowExport
from pairsmith_formats.reading import Answer, Entry, Format, Label, Reading, Row, bad, identity, paths, text
from pairsmith_formats.source import RowSource
from pairsmith_formats.writing import one_image, one_question

_CONTEXT = "Context:\n"
_SIDES: tuple[Label, ...] = ("chosen", "rejected")


def _nested(row: Row) -> Row:
    """Return the texts of a row: those inside of ``text``, or the row's own where it has none."""
    said = row.get("text")
    if said is None:
        return row
    if isinstance(said, str):
        try:
            said = json.loads(said)
        except (ValueError, RecursionError):
            bad(f"has a 'text' that is no JSON: {row['text']!r:.80}")
    if not isinstance(said, dict):
        bad(f"has a 'text' that is no JSON object: {row['text']!r:.80}")
    return said


def _reading(
    row: Row, prompt: tuple[Turn, ...], texts: Row, context: str = "", labels: Sequence[Label] = _SIDES
) -> Reading:
    shown = paths(row, "image") if row.get("image") else paths(row, "image_path")
    sides = tuple(Answer(text=text(texts, side), label=side) for side in labels)
    return Reading(id=identity(row, "idx", "id"), images=shown, prompt=prompt, answers=sides, context=context)


def _read_nested(row: Row) -> Reading:
    texts = _nested(row)
    return _reading(row, user(text(texts, "question")), texts)


def _read_context(row: Row) -> Reading:
    texts = _nested(row)
    labels = _SIDES if "rejected" in texts else _SIDES[:1]  # the rows for testing have a reference only
    question = text(texts, "question")
    head, found, context = question.partition(_CONTEXT)
    if not found or not context or CONTEXT_MARKER in head:
        return _reading(row, user(question), texts, labels=labels)
    return _reading(row, user(f"{head}{_CONTEXT}{CONTEXT_MARKER}"), texts, context, labels)


def _texts(entry: Entry, form: str) -> dict[str, Any]:
    rejected = {} if entry.rejected is None else {"rejected": entry.rejected}
    return {"question": one_question(entry, form), "chosen": entry.chosen, **rejected}


def _image(entry: Entry, form: str) -> dict[str, Any]:
    path = one_image(entry, form)
    return {"image": {"path": path}, "image_path": path} if path else {}


def _write_nested(form: str, entry: Entry) -> dict[str, Any]:
    return {
        "idx": entry.id,
        **_image(entry, form),
        "text": json.dumps(_texts(entry, form), ensure_ascii=False),
    }


def _write_flat(entry: Entry) -> dict[str, Any]:
    return {"idx": entry.id, **_image(entry, "rlaif-v"), **_texts(entry, "rlaif-v")}


RLHF_V = Format(name="rlhf-v", read=_read_nested, write=partial(_write_nested, "rlhf-v"), file="train", lines=True)
RLAIF_V = Format(name="rlaif-v", read=_read_nested, write=_write_flat, file="train", lines=True)
MCM_DPO = Format(
    name="mcm-dpo", read=_read_context, write=partial(_write_nested, "mcm-dpo"), file="train", holds="both"
)

rlhf_v_source = partial(RowSource, RLHF_V)
rlhf_v_export = partial(RowExport, RLHF_V)
rlaif_v_source = partial(RowSource, RLAIF_V)
rlaif_v_export = partial(RowExport, RLAIF_V)
mcm_dpo_source = partial(RowSource, MCM_DPO)
mcm_dpo_export = partial(RowExport, MCM_DPO)

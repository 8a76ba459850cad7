"""The prompts: five templates with examples, ours or the user's. Pure, but for reading the files."""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path

from pairsmith.errors import StageError
from pairsmith_decompose.replies import DESCRIPTION

PLACE = "{description}"
SHAPES = {
    "entity": "(thing); (thing)",
    "attribute": "(attribute, thing); (attribute, thing)",
    "count": "(number, thing); (number, thing)",
    "relation": "(thing, relation, thing); (thing, relation, thing)",
    "text": "(text); (text)",
}
Message = Mapping[str, str]


def load(folder: Path | None, splits: Sequence[str]) -> dict[str, str]:
    """Return a template for each split: the user's where ``folder`` has one, ours otherwise.

    Raises :class:`StageError` where the folder is none, or a template does not say once where the description goes.
    """
    if folder is not None and not folder.is_dir():
        msg = f"[claims] templates = {str(folder)!r} is no folder; give one with entity.txt, attribute.txt, ..."
        raise StageError(msg)
    return {split: _template(folder, split) for split in splits}


def _template(folder: Path | None, split: str) -> str:
    own = None if folder is None else folder / f"{split}.txt"
    if own is None or not own.exists():
        return (files("pairsmith_decompose") / "templates" / f"{split}.txt").read_text(encoding="utf-8")
    try:
        text = own.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        msg = f"[claims] templates: {str(own)!r} cannot be read: {error}"
        raise StageError(msg) from None
    if text.count(PLACE) != 1:
        msg = f"[claims] templates: {str(own)!r} must hold {PLACE!r} once; it does {text.count(PLACE)} times"
        raise StageError(msg)
    return text


def first(template: str, description: str) -> list[Message]:
    """Return the conversation that asks about a description."""
    clean = description.replace(f"\n{DESCRIPTION}", f" {DESCRIPTION}").strip()
    return [{"role": "user", "content": template.replace(PLACE, clean).rstrip()}]


def again(template: str, description: str, reply: str, split: str, fault: str) -> list[Message]:
    """Return the conversation that asks a second time, saying what was wrong."""
    complaint = (
        f"That does not follow the format: {fault}. Answer once more, only as {SHAPES[split]} and so on, or NONE."
    )
    return [
        *first(template, description),
        {"role": "assistant", "content": reply.strip() or "(no reply)"},
        {"role": "user", "content": complaint},
    ]

"""Rows of which a recipe says what stands where: alt texts, LRV-Instruct, SciGraphQA, and any like them."""

import re
from functools import partial
from typing import Any, NoReturn

from pairsmith.errors import StageError
from pairsmith.interfaces import Run
from pairsmith.values import CONTEXT_MARKER, user
from pairsmith_formats.options import AltTextOptions
from pairsmith_formats.reading import Answer, Entry, Format, Reading, Row, bad
from pairsmith_formats.source import RowSource

_BRACES = re.compile(r"\{([^{}]+)\}")
_ABSENT = object()


def _at(row: Row, place: str) -> Any:  # noqa: ANN401 - whatever the row holds
    """Return what stands at a place of a row.

    >>> _at({"q_a_pairs": [["Q?", "A."]]}, "q_a_pairs.0.1")
    'A.'
    """
    here: Any = row
    for key in place.split("."):
        if isinstance(here, dict):
            here = here.get(key, _ABSENT)
        elif isinstance(here, list) and key.isdecimal() and key.isascii() and len(key) < 10 and int(key) < len(here):  # noqa: PLR2004
            here = here[int(key)]
        else:
            return _ABSENT
    return here


def _text(row: Row, place: str) -> str:
    value = _at(row, place)
    if not isinstance(value, str):
        bad(f"has no {place!r}" if value is _ABSENT else f"has no text {place!r}: {value!r:.80}")
    return value


def _filled(row: Row, template: str) -> str:
    def fill(found: re.Match[str]) -> str:
        value = _at(row, found[1])
        if not isinstance(value, str | int) or isinstance(value, bool) or value == "":
            bad(f"has no text or number {found[1]!r}, which its image's path {template!r} needs")
        return str(value)

    return _BRACES.sub(fill, template)


def _read(options: AltTextOptions, row: Row) -> Reading:
    name = _at(row, options.id) if options.id else _ABSENT
    if name is not _ABSENT and (not isinstance(name, str | int) or isinstance(name, bool) or name == ""):
        bad(f"has no text or number as {options.id!r}: {name!r:.80}")
    question = _text(row, options.question) if options.question else options.prompt
    context = _text(row, options.context) if options.context and _at(row, options.context) is not _ABSENT else ""
    if not options.question and not context:
        question = question.replace(CONTEXT_MARKER, "")
    return Reading(
        id=name if isinstance(name, str | int) else None,
        images=(_filled(row, options.image),) if options.image else (),
        prompt=user(question),
        context=context,
        answers=(Answer(text=_text(row, options.answer)),) if options.answer else (),
        truth=_references(row, options.references) if options.references else {},
    )


def _references(row: Row, place: str) -> dict[str, list[str]]:
    value = _at(row, place)
    found = [value] if isinstance(value, str) else value
    if not isinstance(found, list) or not found or not all(isinstance(one, str) for one in found):
        bad(f"has no text or texts {place!r}" + ("" if value is _ABSENT else f": {value!r:.80}"))
    return {"reference": found}


def _not_written(entry: Entry) -> NoReturn:
    msg = f"{entry.id!r}: rows of this kind are only read"
    raise StageError(msg)


def source(name: str, options: AltTextOptions, run: Run) -> RowSource:
    """Make a source of rows whose places the options name."""
    form = Format(name=name, read=partial(_read, options), write=_not_written, file=name, written=False)
    return RowSource(form, options, run)


alt_text = partial(source, "alt-text")
lrv_instruct = partial(source, "lrv-instruct")
scigraphqa = partial(source, "scigraphqa")

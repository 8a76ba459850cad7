"""Turns templates into files that are whole or absent."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from pairsmith.errors import StageError
from pairsmith_report import numbers

_UNPRINTABLE = (*range(0x20), *range(0x7F, 0xA0), *range(0xD800, 0xE000))
_REPLACED = {code: "\ufffd" for code in _UNPRINTABLE if chr(code) not in "\n\t"}


def printable(value: object) -> object:
    """Return text without the characters that no page may hold: control characters and halves of pairs."""
    return str(value).translate(_REPLACED) if type(value) is str else value


def environment(*, autoescape: bool) -> Environment:
    """Return the templates of this package. All text of a run is somebody else's, so a page escapes all of it."""
    made = Environment(
        loader=PackageLoader("pairsmith_report"),
        autoescape=autoescape,  # noqa: S701 - off for Markdown only, which escapes cell by cell
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=printable,
    )
    made.filters.update(number=numbers.number, duration=numbers.seconds)
    return made


def write(path: Path, template: str, context: Mapping[str, Any], *, autoescape: bool) -> Path:
    """Render a template into a file, by a temporary one beside it."""
    text = environment(autoescape=autoescape).get_template(template).render(context)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        try:
            temporary.write_bytes(text.encode("utf-8", "replace"))
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        msg = f"{str(path)!r} cannot be written ({error.strerror}); make room, or make the run directory writable"
        raise StageError(msg) from error
    return path

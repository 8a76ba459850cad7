"""What the judge of HallusionBench is told, read from the repository's ``utils.py``. No code of it is run."""

import ast
from collections.abc import Iterator
from pathlib import Path

from pairsmith.errors import StageError

SLOTS = ("question", "reference", "answer")
_SAMPLE_KEYS = {"question": "question", "gt_answer_details": "reference"}


def prompt_of(path: Path) -> str:
    """Return the judge's prompt: a text with its slots, or what ``evaluate_by_chatgpt`` of ``utils.py`` puts together.

    No code is run. Raises :class:`StageError` where a slot is missing.
    """
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".py":
            text = "".join(_pieces(ast.parse(text)))
    except (OSError, ValueError, SyntaxError) as error:
        msg = f"template {str(path)!r} cannot be read: {error}"
        raise StageError(msg) from None
    lacks = [slot for slot in SLOTS if f"{{{slot}}}" not in text]
    if lacks:
        msg = f"template {str(path)!r} has no {{{lacks[0]}}}; it needs {', '.join(f'{{{slot}}}' for slot in SLOTS)}"
        raise StageError(msg)
    return text


def _pieces(module: ast.Module) -> Iterator[str]:
    functions = (
        one for one in ast.walk(module) if isinstance(one, ast.FunctionDef) and one.name == "evaluate_by_chatgpt"
    )
    statements = [one for function in functions for one in ast.walk(function)]
    for one in sorted((one for one in statements if isinstance(one, ast.stmt)), key=lambda one: one.lineno):
        match one:
            case (
                ast.Assign(targets=[ast.Name(id="prompt")], value=value)
                | ast.AugAssign(target=ast.Name(id="prompt"), value=value)
            ):
                yield _piece(value)
            case _:
                continue


def _piece(value: ast.expr) -> str:
    match value:
        case ast.Constant(value=str(text)):
            return text
        case ast.Subscript(slice=ast.Constant(value=str(key))) if key in _SAMPLE_KEYS:
            return f"{{{_SAMPLE_KEYS[key]}}}"
        case ast.Subscript():
            return "{answer}"
        case _:
            return ""

"""The questions that a generator puts to every sample: those in the recipe, or those of a file."""

import json
from pathlib import Path

from pairsmith.errors import UsageError
from pairsmith_hf.options import GeneratorOptions

_WHERE = "[responses] use = 'hf': prompts"


def prompts(options: GeneratorOptions) -> tuple[str, ...]:
    """Return the questions in order, none where each sample is asked its own.

    A ``.txt`` has a question a line, blank lines left out; a ``.json`` has an array of texts, which may be of several lines.
    Raises :class:`UsageError` for a file that is neither, cannot be read, or holds no question.
    """
    if not isinstance(options.prompts, Path):
        return options.prompts
    path = options.prompts
    found = _lines(path) if path.suffix.lower() == ".txt" else _texts(path)
    if not found:
        msg = f"{_WHERE} = {str(path)!r} holds no question; leave the option out to ask each sample its own"
        raise UsageError(msg)
    return found


def _lines(path: Path) -> tuple[str, ...]:
    return tuple(line.strip() for line in _text(path).splitlines() if line.strip())


def _texts(path: Path) -> tuple[str, ...]:
    if path.suffix.lower() != ".json":
        msg = f"{_WHERE} = {str(path)!r} must be a .txt with a question a line, or a .json with an array of texts"
        raise UsageError(msg)
    try:
        held = json.loads(_text(path))
    except (ValueError, RecursionError) as error:
        msg = f"{_WHERE} = {str(path)!r} is no JSON: {error}"
        raise UsageError(msg) from None
    wrong = [one for one in held if not isinstance(one, str) or not one.strip()] if isinstance(held, list) else [held]
    if wrong:
        msg = f"{_WHERE} = {str(path)!r} must hold an array of texts, and holds {wrong[0]!r:.60}"
        raise UsageError(msg)
    return tuple(held)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        msg = f"{_WHERE} = {str(path)!r} cannot be read: {error.strerror}"
        raise UsageError(msg) from None
    except UnicodeDecodeError:
        msg = f"{_WHERE} = {str(path)!r} is not UTF-8; save the file as UTF-8"
        raise UsageError(msg) from None

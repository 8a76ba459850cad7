"""What a rubric judge must reply, and whether it did: every candidate once, every attribute a number of the scale."""

from collections.abc import Mapping, Sequence
from string import ascii_uppercase
from typing import Any

from pairsmith_llm.options import RubricOptions
from pairsmith_llm.reply import UnusableError, named

Grades = tuple[str, Mapping[str, int]]
"""A comment, and a grade by attribute."""


def labels(number: int) -> list[str]:
    """Return names for candidates.

    >>> labels(3), labels(28)[-2:]
    (['A', 'B', 'C'], ['A2', 'B2'])
    """
    size = len(ascii_uppercase)
    return [ascii_uppercase[n % size] + (str(n // size + 1) if n >= size else "") for n in range(number)]


def schema(options: RubricOptions) -> Mapping[str, Any]:
    """Return the JSON schema of a reply. The scale is checked here, as not every endpoint knows bounds."""
    fields = {
        "candidate": {"type": "string"},
        "comment": {"type": "string"},
        **{name: {"type": "integer"} for name in options.attributes},
    }
    entry = {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}
    return {
        "type": "object",
        "properties": {"candidates": {"type": "array", "items": entry}},
        "required": ["candidates"],
        "additionalProperties": False,
    }


def read_grades(reply: Any, asked: Sequence[str], options: RubricOptions) -> dict[str, Grades]:  # noqa: ANN401 - JSON
    """Return the grades of each candidate by its label, whatever the order of the reply.

    Raises :class:`UnusableError` with all that is wrong: a candidate that is missing, is there twice or was never shown,
    an attribute that is missing or no whole number of the scale.
    """
    found: dict[str, Grades] = {}
    wrong: list[str] = []
    for entry in _entries(reply):
        label = _label(named(entry, "candidate"))
        if label not in asked:
            wrong.append(f"there is no candidate {named(entry, 'candidate')!r}")
            continue
        if label in found:
            wrong.append(f"candidate {label} is there twice")
        graded = {name: _grade(named(entry, name), options) for name in options.attributes}
        wrong += [
            f"{name} of candidate {label} is {named(entry, name)!r}, not a whole number from {options.lowest} to "
            f"{options.highest}"
            for name, grade in graded.items()
            if grade is None
        ]
        comment = named(entry, "comment")
        numbers = {name: grade for name, grade in graded.items() if grade is not None}
        found[label] = (comment if isinstance(comment, str) else "", numbers)
    missing = [label for label in asked if label not in found]
    if missing:
        wrong.append(f"candidate {', '.join(missing)} is missing")
    if wrong:
        raise UnusableError("; ".join(wrong[:5]))
    return found


def _entries(reply: Any) -> list[Mapping[str, Any]]:  # noqa: ANN401 - JSON
    """Return the entries of a reply, in any of the shapes that models fall into."""
    entries = reply
    if isinstance(reply, Mapping):
        entries = named(reply, "candidates")
        if entries is None and named(reply, "candidate") is not None:
            entries = [reply]
        elif entries is None:
            entries = reply
    if isinstance(entries, Mapping):  # {"A": {...}, "B": {...}}
        entries = [
            {"candidate": label, **entry} if isinstance(entry, Mapping) else None for label, entry in entries.items()
        ]
    if not isinstance(entries, list) or not all(isinstance(entry, Mapping) for entry in entries):
        msg = 'it has no list "candidates" of objects'
        raise UnusableError(msg)
    return entries


def _label(said: Any) -> str:  # noqa: ANN401 - JSON
    """Return the label in what was said: ``"A"``, ``"candidate A"``, ``"(A)"``."""
    return str(said).strip().rpartition(" ")[2].strip("()[]<>.:\"'").upper()


def _grade(said: Any, options: RubricOptions) -> int | None:  # noqa: ANN401 - JSON
    """Return a grade, ``None`` where it is no whole number of the scale."""
    if isinstance(said, bool):
        return None
    try:
        grade = float(said)
    except (TypeError, ValueError):
        return None
    return int(grade) if grade.is_integer() and options.lowest <= grade <= options.highest else None

"""Brings answers that were made elsewhere to a benchmark's items, and names what does not fit.

A file holds rows of ``{"id": item, "answer": text}``; ``response`` and ``text`` are read for ``answer`` too, so that what a
run keeps of its items (``items.jsonl``) is such a file.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from attrs import frozen

from pairsmith.errors import UsageError
from pairsmith.records import records

FIELDS = ("answer", "response", "text")
_SHOWN = 3


@frozen(kw_only=True)
class Matched:
    """Answers by item, in the order of the items, and the ids of those that cannot be used."""

    texts: Mapping[str, str]
    missing: Sequence[str] = ()
    double: Sequence[str] = ()
    empty: Sequence[str] = ()
    unknown: Sequence[str] = ()

    @property
    def problems(self) -> dict[str, str]:
        """Why an item has no answer that can be scored: ``"missing"``, ``"double"`` or ``"empty"``."""
        kinds = {"missing": self.missing, "double": self.double, "empty": self.empty}
        return {one: kind for kind, ids in kinds.items() for one in ids}

    def counts(self) -> dict[str, float]:
        """Return how many items were scored and how many answers were not, each under its name."""
        counts = {"scored": self.texts, "empty": self.empty, "missing": self.missing}
        counts |= {"double": self.double, "unknown": self.unknown}
        return {name: float(len(ids)) for name, ids in counts.items() if ids or name in {"scored", "empty"}}

    def sentences(self) -> Iterator[str]:
        """Yield a sentence for each kind of problem, with the first ids that have it."""
        for ids, what in (
            (self.missing, "items have no answer and are not scored"),
            (self.double, "items have two answers or more, and none of those is scored"),
            (self.empty, "answers are empty and not scored"),
            (self.unknown, "answers are to items that the benchmark does not have"),
        ):
            if ids:
                yield f"{len(ids)} {what}, such as {', '.join(map(repr, ids[:_SHOWN]))}"


def read_answers(path: Path) -> list[tuple[str, str]]:
    """Return the ids and answers of a file of rows.

    Raises :class:`pairsmith.errors.PairsmithError` for a row that has no id or no text; an answer may be missing or
    empty, as it is of an item that a run could not score.
    """
    if not path.is_file():
        msg = f"--answers {str(path)!r} is not a file; give rows of an item's 'id' and the 'answer'"
        raise UsageError(msg)
    found = []
    for record in records(path):
        row = record.value()
        name, field = row.get("id"), next((one for one in FIELDS if one in row), None)
        text = row[field] if field else None
        if not isinstance(name, str | int) or isinstance(name, bool) or field is None:
            msg = f"{record.place} must have an item's 'id' and the 'answer': {dict(row)!r:.120}"
            raise UsageError(msg)
        if text is None:
            continue
        if not isinstance(text, str):
            msg = f"{record.place}: {field!r} must be a text: {text!r:.80}"
            raise UsageError(msg)
        found.append((str(name), text))
    return found


def match(ids: Sequence[str], answers: Sequence[tuple[str, str]], where: str) -> Matched:
    """Find each item's answer.

    Raises :class:`UsageError` where not one answer is to an item that is there.

    >>> match(["a", "b", "c"], [("a", "Yes"), ("b", " "), ("x", "No")], "answers.jsonl").counts()
    {'scored': 1.0, 'empty': 1.0, 'missing': 1.0, 'unknown': 1.0}
    """
    found: dict[str, list[str]] = {one: [] for one in ids}
    unknown = []
    for name, text in answers:
        found[name].append(text) if name in found else unknown.append(name)
    if len(unknown) == len(answers):
        items = ", ".join(map(repr, ids[:_SHOWN]))
        first = f"; its first is {unknown[0]!r}, and the items are {items} ..." if unknown else ""
        msg = f"{where}: none of its {len(answers)} answers is to one of the {len(ids)} items{first}"
        raise UsageError(msg)
    texts = {name: given[0] for name, given in found.items() if len(given) == 1 and given[0].strip()}
    left = {name: given for name, given in found.items() if name not in texts}
    return Matched(
        texts=texts,
        missing=[name for name, given in left.items() if not given],
        double=[name for name, given in left.items() if len(given) > 1],
        empty=[name for name, given in left.items() if len(given) == 1],
        unknown=unknown,
    )

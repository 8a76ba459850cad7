"""Brings answers and items together, and says which answers cannot be scored."""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attrs import frozen

from pairsmith.errors import StageError

LONG = 20_000
"""Characters from which an answer counts as long: it is scored as any other, and most likely it loops."""

Answers = Iterable[tuple[str, str]]
"""An item's id and the answer to it. They need not be in order, and need not be complete."""

Record = Mapping[str, Any]
"""What is kept of one item: what scores are computed from, or ``{"problem": ...}`` where it is not scored."""

_LOG = logging.getLogger(__name__)
_MEANS = {
    "missing": "items have no answer and are not scored",
    "double": "items have two answers and are not scored",
    "empty": "answers are empty and not scored",
    "unknown": "answers are to items that are not there",
    "long": f"answers have {LONG:,} characters or more and are scored as they are",
}


@frozen(kw_only=True)
class Matched:
    """The answers that can be scored by item, in the order of the items, and what is wrong with the others.

    ``problems`` says of an item why it is not scored: ``"missing"``, ``"double"`` or ``"empty"``.
    """

    ids: Sequence[str]
    texts: Mapping[str, str]
    problems: Mapping[str, str]
    unknown: Sequence[str] = ()
    long: Sequence[str] = ()

    def records(self, scored: Mapping[str, Record]) -> list[Record]:
        """Return one record per item in order: what was scored, or the problem."""
        long = {one: {"long": True} for one in self.long}
        return [
            {"problem": self.problems[one]} if one in self.problems else {**scored[one], **long.get(one, {})}
            for one in self.ids
        ]

    def counts(self) -> dict[str, float]:
        """Return how many items were scored and how many answers were not; nothing is left out silently.

        What a run cannot bring about, and only a file from elsewhere can, is named where it occurs.
        """
        found = Counter(self.problems.values())
        always = {"scored": len(self.texts), "empty": found["empty"], "long": len(self.long)}
        files = {"missing": found["missing"], "double": found["double"], "unknown": len(self.unknown)}
        return {**always, **{name: count for name, count in files.items() if count}}

    def warn(self, benchmark: str) -> None:
        """Log a line for each kind of problem, with the first items that have it."""
        by_kind: dict[str, list[str]] = {"unknown": list(self.unknown), "long": list(self.long)}
        for one, problem in self.problems.items():
            by_kind.setdefault(problem, []).append(one)
        for kind, ids in by_kind.items():
            if ids:
                shown = ", ".join(map(repr, ids[:3]))
                _LOG.warning("%s: %d %s, such as %s", benchmark, len(ids), _MEANS[kind], shown)


def match(ids: Sequence[str], answers: Answers) -> Matched:
    """Find each item's answer.

    Raises :class:`StageError` for an answer that is no text.

    >>> match(["a", "b", "c"], [("a", "Yes"), ("b", " "), ("x", "No")]).counts()
    {'scored': 1, 'empty': 1, 'long': 0, 'missing': 1, 'unknown': 1}
    """
    found: dict[str, list[str]] = {one: [] for one in ids}
    unknown = []
    for name, text in answers:
        if not isinstance(text, str):
            msg = f"the answer to item {name!r} is no text: {text!r:.80}; give every answer as a string"
            raise StageError(msg)
        if name in found:
            found[name].append(text)
        else:
            unknown.append(name)
    texts = {name: given[0] for name, given in found.items() if len(given) == 1 and given[0].strip()}
    problems = {
        name: "missing" if not given else "double" if len(given) > 1 else "empty"
        for name, given in found.items()
        if name not in texts
    }
    long = [name for name, text in texts.items() if len(text) >= LONG]
    return Matched(ids=list(ids), texts=texts, problems=problems, unknown=unknown, long=long)


def added(sums: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Return the totals of what items add; nothing for items that are not scored.

    >>> added([{"objects": 2, "false": 1}, {}, {"objects": 3}])
    {'objects': 5, 'false': 1}
    """
    totals: dict[str, float] = {}
    for one in sums:
        for name, value in one.items():
            totals[name] = totals.get(name, 0) + value
    return totals


def share(sums: Mapping[str, float], part: str, whole: str) -> float | None:
    """Return a share of totals in percent, or nothing of nothing."""
    return percent(sums.get(part, 0), sums.get(whole, 0))


def average(sums: Mapping[str, float], part: str, whole: str) -> float | None:
    """Return a mean of totals, or nothing of nothing."""
    return sums.get(part, 0) / sums[whole] if sums.get(whole) else None


def named(metrics: Mapping[str, float | None], suffix: str, but: Sequence[str] = ()) -> dict[str, float | None]:
    """Return metrics with what they depend on in brackets behind their names, ``but`` some that do not."""
    return {name if name in but else f"{name}{suffix}": value for name, value in metrics.items()}


def percent(part: float, whole: float) -> float | None:
    """Return a share in percent, or nothing of nothing."""
    return 100.0 * part / whole if whole else None


def known(metrics: Mapping[str, float | None]) -> dict[str, float]:
    """Return the metrics that are defined: a share of nothing is left out rather than called zero."""
    return {name: value for name, value in metrics.items() if value is not None}

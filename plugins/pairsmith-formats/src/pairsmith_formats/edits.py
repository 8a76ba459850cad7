"""What a row says that the values do not hold: kept beside them, and put back on the way out.

A row is read into values, and written again at once. Where the two differ (a column that has no place in the values, an
``<image>`` that stands elsewhere, an id that is a number) the difference is kept, each with what stood in its place.
When the row is written for good, a difference is only put back where that still stands: what a stage has changed since,
stays changed.
"""

from collections.abc import Mapping, Sequence
from typing import Any

Json = Any
Edit = Mapping[str, Any]
"""``at``: keys and numbers to the place; ``was``: what is written there (left out: nothing); ``is``: what the row says."""

_ABSENT = object()


def edits(written: Json, row: Json) -> list[Edit]:
    """Return what turns ``written`` into ``row``.

    >>> edits({"id": "7", "q": "a"}, {"id": 7, "score": 1})
    [{'at': ['id'], 'was': '7', 'is': 7}, {'at': ['q'], 'was': 'a'}, {'at': ['score'], 'is': 1}]
    """
    found: list[Edit] = []
    _compare(written, row, [], found)
    return found


def mend(written: Json, changes: Sequence[Edit]) -> Json:
    """Put back what a row said, where what stood there then stands there still.

    >>> mend({"id": "7", "q": "b"}, edits({"id": "7", "q": "a"}, {"id": 7, "score": 1}))
    {'id': 7, 'q': 'b', 'score': 1}
    """
    for change in changes:
        place = list(change["at"])
        if not place:
            written = change["is"] if _same(written, change.get("was", _ABSENT)) else written
            continue
        holder = _inside(written, place[:-1])
        if isinstance(holder, dict) and _same(holder.get(place[-1], _ABSENT), change.get("was", _ABSENT)):
            if "is" in change:
                holder[place[-1]] = change["is"]
            else:
                del holder[place[-1]]
        elif isinstance(holder, list) and place[-1] < len(holder) and _same(holder[place[-1]], change.get("was")):
            holder[place[-1]] = change["is"]
    return written


def _compare(written: Json, row: Json, place: list[str | int], found: list[Edit]) -> None:
    """Add the differences to ``found``; asked of every row of a million, so nothing is made where nothing differs."""
    if type(written) is str and written == row:
        return
    if isinstance(written, dict) and isinstance(row, dict):
        for key, one in written.items():
            if key in row:
                _compare(one, row[key], [*place, key], found)
            else:
                found.append({"at": [*place, key], "was": one})
        found.extend({"at": [*place, key], "is": one} for key, one in row.items() if key not in written)
    elif isinstance(written, list) and isinstance(row, list) and len(written) == len(row):
        for number, one in enumerate(written):
            _compare(one, row[number], [*place, number], found)
    elif not _same(written, row):
        found.append({"at": place, "was": written, "is": row})


def _same(one: Json, other: Json) -> bool:
    """Tell whether two JSON values are written alike: 1 and 1.0 and true are not."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    return type(one) is type(other) and (one == other or (one != one and other != other))  # noqa: PLR0124 - NaN


def _inside(value: Json, place: Sequence[str | int]) -> Json:
    for key in place:
        there = key in value if isinstance(value, dict) else isinstance(value, list) and int(key) < len(value)
        if not there:
            return None
        value = value[key]
    return value

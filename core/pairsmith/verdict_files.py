"""Verdicts that were made elsewhere, read as those of a run: what ``pairsmith judge-report FILE`` works on.

A row is one verdict: ``{"judge": "gpt-4", "sample": "s1", "response": "r1", "score": 7}``. ``claim`` is the id of a claim
where it is about one, and ``outcome`` is ``supported``, ``contradicted`` or ``skipped`` (with a ``reason``). Beside them may
stand ``text`` (the answer), ``statement`` (the claim), ``aspect``, ``image`` (a path), ``label`` (``chosen`` or
``rejected``), and ``of``: ``swapped`` or ``repeat-1`` for a verdict that was asked for again. People are judges too.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import define, field

from pairsmith.errors import UsageError, in_short
from pairsmith.records import Record, records
from pairsmith.values import Claim, Image, Judged, Response, Sample, Verdict, user

_TEXTS = ("judge", "sample", "response")


@define
class VerdictFiles:
    """Implements of :class:`pairsmith.interfaces.RunView` what a report on judges reads."""

    directory: Path
    files: Sequence[Path]
    recipe: Mapping[str, Any] = field(init=False, factory=dict)
    document: Mapping[str, Any] = field(init=False, factory=dict)
    _rows: list[tuple[Record, Mapping[str, Any]]] = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Read the files.

        Raises :class:`pairsmith.errors.PairsmithError` for a row that is no verdict, and for a second one of the same
        judge on the same thing.
        """
        for path in self.files:
            if not path.is_file():
                msg = f"{str(path)!r} is neither a run nor a file of verdicts"
                raise UsageError(msg)
        self._rows = [(record, _checked(record)) for path in self.files for record in records(path)]
        seen: dict[tuple[Any, ...], str] = {}
        for record, row in self._rows:
            key = (row.get("of", ""), *(row[name] for name in _TEXTS), row.get("claim"))
            if key in seen:
                about = row.get("claim") or row["response"]
                again = f"a second verdict of judge {row['judge']!r} on {about!r}, after {seen[key]}"
                msg = f"{record.place} is {again}; leave one out"
                raise UsageError(msg)
            seen[key] = record.place

    def stages(self) -> Mapping[str, Mapping[str, Any]]:
        """Return none: nothing is known of cost and time."""
        return {}

    def opinions(self, of: str = "") -> Iterator[tuple[Judged, Mapping[str, Sequence[Verdict]]]]:
        """Yield the samples with the verdicts of each judge."""
        samples: dict[str, list[tuple[Record, Mapping[str, Any]]]] = {}
        for record, row in self._rows:
            samples.setdefault(row["sample"], []).append((record, row))
        for name, rows in samples.items():
            verdicts: dict[str, list[Verdict]] = {}
            for record, row in rows:
                if row.get("of", "") == of:
                    verdicts.setdefault(row["judge"], []).append(_verdict(record, row))
            yield _judged(name, [row for _, row in rows]), verdicts


def _checked(record: Record) -> Mapping[str, Any]:
    row = record.value()
    lacks = next((name for name in _TEXTS if not isinstance(row.get(name), str)), None)
    if lacks:
        msg = f"{record.place} must have a text {lacks!r}: {dict(row)!r:.120}"
        raise UsageError(msg)
    return row


def _verdict(record: Record, row: Mapping[str, Any]) -> Verdict:
    known = {name: row[name] for name in ("outcome", "score", "reason") if row.get(name) is not None}
    try:
        return Verdict(judge=row["judge"], response_id=row["response"], claim_id=row.get("claim"), **known)
    except (ValueError, TypeError) as error:
        msg = f"{record.place}: {in_short(error)}"
        raise UsageError(msg) from None


def _judged(name: str, rows: Sequence[Mapping[str, Any]]) -> Judged:
    responses: dict[str, dict[str, Any]] = {}
    claims: dict[str, Claim] = {}
    for row in rows:
        one = responses.setdefault(row["response"], {"text": "", "label": ""})
        one |= {key: row[key] for key in ("text", "label") if row.get(key)}
        if row.get("claim") is not None:
            aspect, text = row.get("aspect", ""), row.get("statement", row["claim"])
            claims[row["claim"]] = Claim(id=row["claim"], response_id=row["response"], aspect=aspect, text=text)
    image = next((row["image"] for row in rows if row.get("image")), None)
    sample = Sample(id=name, prompt=user(""), images=(Image(path=Path(image)),) if image else ())
    answers = tuple(Response(id=one, sample_id=name, **known) for one, known in responses.items())
    return Judged(sample=sample, responses=answers, claims=tuple(claims.values()))

"""What each judge said, gathered so that judges can be compared."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from attrs import define, field, frozen

from pairsmith.errors import StageError
from pairsmith.interfaces import RunView
from pairsmith.records import records
from pairsmith.values import Judged, Verdict
from pairsmith_statistics.agreement import Rated

Unit = tuple[str, str, str | None]
"""What a verdict is about: a sample, an answer, and a claim where it is about one."""

SIDES = {True: "supported", False: "contradicted", "true": "supported", "false": "contradicted"}
LABELS = "labels"
SWAPPED = "swapped"


@frozen
class About:
    """What is known of a unit."""

    cluster: str
    aspect: str
    text: str
    answer: str
    images: tuple[Path, ...]
    label: str
    place: int

    @property
    def words(self) -> int:
        """The length of the answer."""
        return len(self.answer.split())


@define
class Stances:
    """Verdicts by judge and unit, and what the units are."""

    units: dict[Unit, About] = field(factory=dict)
    by_judge: dict[str, dict[Unit, Verdict]] = field(factory=dict)

    def outcomes(self, judge: str) -> dict[Unit, str]:
        """Return what a judge found so or not so; what it skipped is left out."""
        told = ((unit, verdict.outcome) for unit, verdict in self.by_judge.get(judge, {}).items())
        return {unit: outcome for unit, outcome in told if outcome in {"supported", "contradicted"}}

    def scores(self, judge: str) -> dict[Unit, float]:
        """Return the scores that a judge gave, by unit."""
        given = self.by_judge.get(judge, {}).items()
        return {unit: v.score for unit, v in given if v.score is not None and v.outcome != "skipped"}

    def rated(self, judge: str) -> list[Rated]:
        """Return the score of each answer: the judge's own, or the share of its claims that it supports."""
        given: dict[tuple[str, str], list[float]] = {}
        own = {unit: score for unit, score in self.scores(judge).items() if unit[2] is None}
        sides = {unit: float(outcome == "supported") for unit, outcome in self.outcomes(judge).items()}
        for unit, value in (own or sides).items():
            given.setdefault(unit[:2], []).append(value)
        about = {unit[:2]: what for unit, what in self.units.items()}
        place = {unit[:2]: _shown_at(verdict) for unit, verdict in self.by_judge.get(judge, {}).items()}
        return [
            Rated(
                sample=answer[0],
                response=answer[1],
                score=sum(values) / len(values),
                words=about[answer].words,
                place=about[answer].place if place[answer] is None else int(place[answer] or 0),
                label=about[answer].label,
            )
            for answer, values in given.items()
        ]


def _shown_at(verdict: Verdict) -> int | None:
    """Return the place at which a judge says it was shown an answer, by its letter."""
    label = verdict.evidence.get("label")
    told = isinstance(label, str) and len(label) == 1 and label.isascii() and label.isupper()
    return ord(str(label)) - ord("A") if told else None


def gathered(view: RunView, of: str = "") -> Stances:
    """Read a run's verdicts, or those that were asked for again."""
    found = Stances()
    for judged, by_judge in view.opinions(of):
        for unit, about in _units(judged, swapped=of == SWAPPED):
            found.units[unit] = about
        for judge, verdicts in by_judge.items():
            own = found.by_judge.setdefault(judge, {})
            for verdict in verdicts:
                own[judged.sample.id, verdict.response_id, verdict.claim_id] = verdict
    return found


def _units(judged: Judged, *, swapped: bool) -> Iterator[tuple[Unit, About]]:
    sample = judged.sample
    cluster = "+".join(image.id or image.path.name for image in sample.images) or sample.id
    images = tuple(image.path for image in sample.images)
    last = len(judged.responses) - 1
    answers = {one.id: (one, last - n if swapped else n) for n, one in enumerate(judged.responses)}
    for one, place in answers.values():
        yield (sample.id, one.id, None), About(cluster, "", "", one.text, images, one.label, place)
    for claim in judged.claims:
        one, place = answers[claim.response_id]
        unit = (sample.id, claim.response_id, claim.id)
        yield unit, About(cluster, claim.aspect, claim.text, one.text, images, one.label, place)


def labels(path: Path, found: Stances) -> dict[Unit, Verdict]:
    """Read true labels or people's ratings: rows of a ``claim`` or a ``response``, and a ``label`` or a ``rating``.

    A label is true or false, or ``supported`` or ``contradicted``. Raises :class:`StageError` for a row that says nothing,
    for a second one on one thing, and where not one is about something that was judged.
    """
    by_id: dict[tuple[str, str], Unit] = {}
    for unit in found.units:
        by_id["response" if unit[2] is None else "claim", str(unit[1] if unit[2] is None else unit[2])] = unit
    made: dict[Unit, Verdict] = {}
    unknown: list[str] = []
    for record in records(path):
        row = record.value()
        kind = "claim" if row.get("claim") is not None else "response"
        label, rating = row.get("label"), row.get("rating")
        outcome = SIDES.get(label, label) if isinstance(label, bool | str) else None
        outcome = outcome if outcome in {"supported", "contradicted"} else None
        number = isinstance(rating, int | float) and not isinstance(rating, bool)
        if not isinstance(row.get(kind), str) or (outcome is None and not number):
            wanted = "a 'claim' or 'response', and a 'label' true or false or a 'rating'"
            msg = f"{record.place} must have {wanted}: {dict(row)!r:.120}"
            raise StageError(msg)
        about = by_id.get((kind, row[kind]))
        if about is None:
            unknown.append(row[kind])
            continue
        if about in made:
            msg = f"{record.place} is a second label of {kind} {row[kind]!r}; leave one out"
            raise StageError(msg)
        made[about] = _labelled(about, outcome, rating if number else None)
    if not made:
        msg = f"{str(path)!r}: none of its {len(unknown)} labels is about something that was judged, such as {unknown[:1]}"
        raise StageError(msg)
    return made


def _labelled(unit: Unit, outcome: Any, score: float | None) -> Verdict:  # noqa: ANN401 - checked by the value
    return Verdict(judge=LABELS, response_id=unit[1], claim_id=unit[2], outcome=outcome, score=score)

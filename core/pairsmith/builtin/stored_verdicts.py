"""Verdicts that were given elsewhere, joined to claims or to responses by id."""

from collections.abc import Mapping, Sequence
from typing import Any

from pairsmith.builtin.joined import Joined
from pairsmith.builtin.stored_options import StoredVerdictsOptions
from pairsmith.errors import StageError
from pairsmith.interfaces import Run
from pairsmith.options import read_all
from pairsmith.values import Case, Verdict

_FIELDS = ("judge", "outcome", "score", "reason", "evidence")


class StoredVerdicts:
    """Reads verdicts where they lie, as :class:`pairsmith.builtin.stored.Stored` reads answers.

    A row is ``{"claim_id": "s1/0#0", "outcome": "supported"}``, or with ``about = "responses"``
    ``{"response_id": "s1/0", "score": 3.5}``; ``judge``, ``reason`` and ``evidence`` are taken over.
    """

    def __init__(self, options: StoredVerdictsOptions, run: Run) -> None:  # noqa: ARG002 - every factory is given the run
        """Look at every row once."""
        self._options = options
        self.aspects: tuple[str, ...] | None = () if options.about == "responses" else options.aspects or None
        self._id = "response_id" if options.about == "responses" else "claim_id"
        self._joined = Joined(options.path, self._id, lambda row, place: _check(row, place, options.path.stem))

    def judge(self, cases: Sequence[Case]) -> list[list[Verdict]]:
        """Return the stored verdict on each claim, or on each response."""
        if self.aspects == ():
            return [[self._verdict(one.id, one.id, None) for one in case.responses] for case in cases]
        return [[self._verdict(one.id, one.response_id, one.id) for one in case.claims] for case in cases]

    def _verdict(self, name: str, response_id: str, claim_id: str | None) -> Verdict:
        found = list(self._joined.rows(name))
        if len(found) == 1:
            row, place = found[0]
            return _made(row, place, self._options.path.stem, response_id, claim_id)
        if found:
            msg = f"{found[1][1]} is a second verdict on {self._id} {name!r}; keep one, or a file per judge"
            raise StageError(msg)
        if not self._options.allow_unmatched:
            msg = (
                f"{str(self._options.path)!r} has no verdict on {self._id} {name!r}; it holds "
                f"{self._joined.examples()}. With allow_unmatched = true it counts as skipped"
            )
            raise StageError(msg)
        reason = f"{self._options.path.name} has no verdict on it"
        stem = self._options.path.stem
        return Verdict(judge=stem, response_id=response_id, claim_id=claim_id, outcome="skipped", reason=reason)


def _made(row: Mapping[str, Any], place: str, stem: str, response_id: str, claim_id: str | None) -> Verdict:
    given = {name: row[name] for name in _FIELDS if row.get(name) is not None}
    whole = {"judge": stem, **given, "response_id": response_id}
    verdict, faults = read_all(whole if claim_id is None else {**whole, "claim_id": claim_id}, Verdict, place)
    if verdict is None:
        raise StageError(str(faults[0]))
    return verdict


def _check(row: Mapping[str, Any], place: str, stem: str) -> None:
    _made(row, place, stem, "", None)

"""Claims that were made elsewhere, joined to responses by id."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pairsmith.builtin.joined import Joined
from pairsmith.builtin.stored_options import StoredClaimsOptions
from pairsmith.errors import StageError
from pairsmith.interfaces import Run
from pairsmith.options import read_all
from pairsmith.values import Claim, Response, Sample


class StoredClaims:
    """Reads claims where they lie, as :class:`pairsmith.builtin.stored.Stored` reads answers.

    A row is one claim, ``{"response_id": "s1/0", "aspect": "object", "text": "a cat"}``, or all of a response,
    ``{"response_id": "s1/0", "claims": [...]}``; ``id``, ``depends_on`` and ``data`` are taken over. Where a claim has
    no id it is called ``RESPONSE#NUMBER``, counted from 0 over the rows of its response.
    """

    def __init__(self, options: StoredClaimsOptions, run: Run) -> None:  # noqa: ARG002 - every factory is given the run
        """Look at every row once."""
        self._options = options
        self._joined = Joined(options.path, options.id_field, _check)

    def decompose(self, sample: Sample, responses: Sequence[Response]) -> list[Claim]:
        """Return the stored claims of each response."""
        return [claim for response in responses for claim in self._claims(response, sample)]

    def _claims(self, response: Response, sample: Sample) -> Iterator[Claim]:
        found: list[Claim] = []
        place: str | None = None
        for row, place in self._joined.rows(response.id):
            found += [_claim(one, response.id, len(found) + n, place) for n, one in enumerate(_rows(row))]
        if place is None and not self._options.allow_unmatched:
            msg = (
                f"{str(self._options.path)!r} has no row on response {response.id!r} of sample {sample.id!r}; it holds "
                f'{self._joined.examples()}. A response without claims needs a row with "claims": [], or set '
                f"allow_unmatched = true"
            )
            raise StageError(msg)
        known = {claim.id for claim in found}
        for claim in found:
            unknown = [other for other in claim.depends_on if other not in known]
            if unknown or len(known) < len(found):
                what = f"depends on {unknown[0]!r}, which is no claim of it" if unknown else "has an id twice"
                msg = f"{place}: of the claims of response {response.id!r}, {claim.id!r} {what}"
                raise StageError(msg)
        yield from found


def _rows(row: Mapping[str, Any]) -> list[Any]:
    if "claims" not in row:
        return [{name: row[name] for name in ("id", "aspect", "text", "depends_on", "data") if name in row}]
    claims = row["claims"]
    return claims if isinstance(claims, list) else [claims]


def _claim(row: Any, response_id: str, number: int, place: str) -> Claim:  # noqa: ANN401 - whatever the file holds
    if not isinstance(row, dict):
        msg = f"{place}: a claim must be an object with 'aspect' and 'text': {row!r}"
        raise StageError(msg)
    whole = {"id": f"{response_id}#{number}", **row, "response_id": response_id}
    claim, faults = read_all(whole, Claim, place)
    if claim is None:
        raise StageError(str(faults[0]))
    return claim


def _check(row: Mapping[str, Any], place: str) -> None:
    for number, one in enumerate(_rows(row)):
        _claim(one, "", number, place)

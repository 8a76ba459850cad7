"""Splits answers into atomic claims with a model behind an endpoint."""

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import evolve

from pairsmith.framing import escape_tags
from pairsmith.interfaces import Run
from pairsmith.replies import UnusableError, named
from pairsmith.values import Case, Claim, Failed, Response, Sample
from pairsmith_llm.connected import Connected
from pairsmith_llm.endpoint import Endpoint, or_failed
from pairsmith_llm.options import ClaimsOptions
from pairsmith_llm.request import Message, Request, fields_of
from pairsmith_llm.structured import ask_json, filled, instructions

_SEED = 0
_PARTS = ("subject", "value", "other")
_SIZES = ("large", "small", "long", "short", "tall")
_PLACES = ("left", "right", "top", "bottom", "near")
_IMAGE = {"", "image", "picture", "photo", "photograph", "frame"}


class ClaimsDecomposer(Connected):
    """Implements :class:`pairsmith.interfaces.Decomposer`: one question an answer, the same for the same text."""

    def __init__(self, options: ClaimsOptions, run: Run) -> None:
        """Read key and instructions; nothing is sent yet."""
        self._options = options
        self._endpoint = Endpoint(options, run, options.name or "openai-claims")
        aspects = "\n".join(f"- {name}: {meaning}" for name, meaning in options.aspects.items())
        self._told = filled(instructions("claims", options.prompt), aspects=aspects)
        self._schema = schema(options)

    def decompose(self, sample: Sample, responses: Sequence[Response]) -> list[Claim] | Failed:
        """Return the claims of all responses of one sample."""
        return self.decompose_many([Case(sample=sample, responses=tuple(responses))])[0]

    def decompose_many(self, cases: Sequence[Case]) -> list[list[Claim] | Failed]:
        """Return the claims of the responses of each sample; all are asked about side by side."""
        responses = [response for case in cases for response in case.responses]
        split = iter(self._endpoint.run([or_failed(self._split(response)) for response in responses]))
        made: list[list[Claim] | Failed] = []
        for case in cases:
            of_case = [next(split) for _ in case.responses]
            failed = next((one for one in of_case if isinstance(one, Failed)), None)
            made.append(failed or [claim for one in of_case if not isinstance(one, Failed) for claim in one])
        return made

    async def _split(self, response: Response) -> list[Claim]:
        if not response.text.strip():
            return []
        request = Request(
            model=self._options.model,
            messages=(
                Message(role="system", text=self._told),
                Message(role="user", text=f"<answer>\n{escape_tags(response.text, ('answer',))}\n</answer>"),
            ),
            fields=fields_of(self._options, _SEED),
            schema=self._schema,
        )
        claims, _ = await ask_json(
            self._endpoint, self._options, request, lambda reply: read_claims(reply, tuple(self._options.aspects))
        )
        return [
            evolve(
                claim,
                id=f"{response.id}#{claim.id}",
                response_id=response.id,
                depends_on=tuple(f"{response.id}#{other}" for other in claim.depends_on),
            )
            for claim in claims
        ]


def schema(options: ClaimsOptions) -> Mapping[str, Any]:
    """Return the JSON schema of a reply."""
    text = {"type": "string"}
    fields = {
        "number": {"type": "integer"},
        "aspect": {"type": "string", "enum": list(options.aspects)},
        "text": text,
        **dict.fromkeys(_PARTS, text),
        "depends_on": {"type": "array", "items": {"type": "integer"}},
    }
    entry = {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}
    return {
        "type": "object",
        "properties": {"claims": {"type": "array", "items": entry}},
        "required": ["claims"],
        "additionalProperties": False,
    }


def read_claims(reply: Any, aspects: Sequence[str]) -> list[Claim]:  # noqa: ANN401 - JSON
    """Return the claims in a reply, known by their numbers, each sentence once.

    Raises :class:`UnusableError` for an unknown aspect, a number twice, a claim without text, or one that depends on
    itself, on a later claim or on none.
    """
    entries = reply if isinstance(reply, list) else named(reply, "claims")
    if not isinstance(entries, list) or not all(isinstance(entry, Mapping) for entry in entries):
        msg = 'it has no list "claims" of objects'
        raise UnusableError(msg)
    claims: dict[str, Claim] = {}
    same: dict[str, str] = {}
    for place, entry in enumerate(entries, start=1):
        claim = _claim(entry, place, aspects)
        if claim.id in claims or claim.id in same:
            msg = f"two claims have the number {claim.id}"
            raise UnusableError(msg)
        depends = tuple(dict.fromkeys(same.get(other, other) for other in claim.depends_on))
        wrong = next((other for other in depends if other not in claims), None)
        if wrong is not None:
            msg = f"claim {claim.id} depends on {wrong}, which is no claim before it"
            raise UnusableError(msg)
        twin = next((other.id for other in claims.values() if other.text.casefold() == claim.text.casefold()), None)
        if twin is not None:
            same[claim.id] = twin
            continue
        claims[claim.id] = evolve(claim, depends_on=depends)
    return list(claims.values())


def _claim(entry: Mapping[str, Any], place: int, aspects: Sequence[str]) -> Claim:
    number, text = named(entry, "number"), named(entry, "text")
    number = place if number is None else number
    aspect = str(named(entry, "aspect") or "").strip().lower()
    known = {name.lower(): name for name in aspects}
    if aspect not in known:
        msg = f"claim {number!r} has the aspect {named(entry, 'aspect')!r}; there are {', '.join(aspects)}"
        raise UnusableError(msg)
    if not isinstance(text, str) or not text.strip():
        msg = f"claim {number!r} has no text"
        raise UnusableError(msg)
    depends = named(entry, "depends_on") or []
    if not isinstance(depends, list):
        depends = [depends]
    parts = {name: " ".join(str(named(entry, name) or "").split()) for name in _PARTS}
    return Claim(
        id=str(number),
        response_id="",
        aspect=known[aspect],
        text=text.strip(),
        depends_on=tuple(str(other) for other in depends),
        data=parts_of(known[aspect], number, **parts),
    )


def parts_of(aspect: str, number: Any, *, subject: str, value: str, other: str) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Return a claim's parts under the names that detectors, question answerers and readers of text look for.

    A size or a place outside the words they know is left without its class, and they skip it with that reason.

    Raises :class:`UnusableError` for a count without a number.
    """
    match aspect:
        case "object":
            return {"object": subject}
        case "attribute":
            return {"object": subject, "attribute": value}
        case "scale":
            size = {"scale": value.lower()} if value.lower() in _SIZES else {}
            return {"object": subject, "attribute": value, **size}
        case "count":
            if not value.isdecimal():
                msg = f"claim {number!r} counts {value!r}, which is no number in digits"
                raise UnusableError(msg)
            return {"object": subject, "count": int(value)}
        case "spatial":
            place = {"direction": value.lower()} if value.lower() in _PLACES else {}
            whole = {"whole": "image"} if other.lower().removeprefix("the ") in _IMAGE else {}
            return {"subject": subject, "relation": value, "object": other or "image", **whole, **place}
        case "relation":
            return {"subject": subject, "relation": value, "object": other}
        case "text":
            return {"text": value}
    return {name: part for name, part in (("object", subject), ("value", value), ("other", other)) if part}

"""Reads captions: splits an answer into claims, with every "it" resolved. The decomposer of the toy world."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from pairsmith.interfaces import Run
from pairsmith.values import Claim, Response, Sample
from pairsmith_toyworld.caption import NUMBERS
from pairsmith_toyworld.scene import COLOURS, ROWS, SHAPES, SIZES, WORDS

_NAMED = rf"a (?P<size>{'|'.join(SIZES)}) (?P<colour>{'|'.join(COLOURS)}) (?P<shape>{'|'.join(SHAPES)})"
_RELATION = r"(?:(?P<relation>left|right) of|(?P<level>above|below)) it"
_OBJECT = (
    re.compile(rf"(?:there is|the image shows) {_NAMED}"),
    re.compile(rf"{_NAMED} is {_RELATION}"),
    re.compile(rf"{_RELATION} is {_NAMED}"),
)
_WORD = re.compile(rf"the word (?P<word>{'|'.join(WORDS)}) is written at the (?P<row>{'|'.join(ROWS)})")
_COUNT = re.compile(rf"in total there (?:is|are) (?P<number>{'|'.join(NUMBERS)}) objects?")

Said = dict[str, Any]
"""A claim as its parts: ``kind`` and what it is about."""


def parse(text: str) -> list[Said]:
    """Return what an answer claims, in order. A sentence outside the grammar is one claim of kind ``malformed``.

    >>> [said["kind"] for said in parse("there is a small red ring . a large blue star is left of it . in of .")]
    ['object', 'size', 'object', 'size', 'relation', 'malformed']
    """
    claims: list[Said] = []
    before: tuple[str, str] | None = None
    for sentence in filter(None, (part.strip() for part in text.split(" ."))):
        found = next((match for pattern in _OBJECT if (match := pattern.fullmatch(sentence))), None)
        if found:
            parts = found.groupdict()
            about = {"colour": parts["colour"], "shape": parts["shape"]}
            claims.append({"kind": "object", **about})
            claims.append({"kind": "size", **about, "size": parts["size"]})
            relation = parts.get("relation") or parts.get("level")
            if relation and before:
                claims.append({"kind": "relation", **about, "relation": relation, "other": list(before)})
            before = (parts["colour"], parts["shape"])
        elif match := _WORD.fullmatch(sentence):
            claims.append({"kind": "word", "word": match["word"]})
            claims.append({"kind": "word-place", "word": match["word"], "row": match["row"]})
        elif match := _COUNT.fullmatch(sentence):
            claims.append({"kind": "count", "number": NUMBERS.index(match["number"])})
        else:
            claims.append({"kind": "malformed", "sentence": sentence})
    return claims


def tell(said: Said) -> str:
    """Return a claim as a sentence of its own."""
    match said["kind"]:
        case "object":
            return f"there is a {said['colour']} {said['shape']}"
        case "size":
            return f"the {said['colour']} {said['shape']} is {said['size']}"
        case "relation":
            where = {"left": "left of", "right": "right of"}.get(said["relation"], said["relation"])
            return f"the {said['colour']} {said['shape']} is {where} the {' '.join(said['other'])}"
        case "word":
            return f"the word {said['word']} is written"
        case "word-place":
            return f"the word {said['word']} is at the {said['row']}"
        case "count":
            return f"the number of objects is {said['number']}"
    return f"(not a sentence) {said['sentence']}"


ASPECTS = {
    "object": "object",
    "size": "scale",
    "relation": "spatial",
    "word": "text",
    "word-place": "text",
    "count": "count",
    "malformed": "grammar",
}


class GrammarDecomposer:
    """Implements :class:`pairsmith.interfaces.Decomposer` for captions of this world."""

    def __init__(self, options: object, run: Run) -> None:
        """Need nothing."""

    def decompose(self, sample: Sample, responses: Sequence[Response]) -> list[Claim]:  # noqa: ARG002 - reads no image
        """Return the claims of all responses."""
        return [claim for response in responses for claim in claims_of(response)]


def claims_of(response: Response) -> Iterator[Claim]:
    """Yield the claims of a response; what is said of an object depends on the object."""
    objects: dict[tuple[str, str], str] = {}
    for number, said in enumerate(parse(response.text)):
        identity = f"{response.id}#{number}"
        about = [(said["colour"], said["shape"])] if said["kind"] in {"size", "relation"} else []
        about += [(said["other"][0], said["other"][1])] if said["kind"] == "relation" else []
        yield Claim(
            id=identity,
            response_id=response.id,
            aspect=ASPECTS[said["kind"]],
            text=tell(said),
            depends_on=tuple(dict.fromkeys(objects[kind] for kind in about if kind in objects)),
            data=said,
        )
        if said["kind"] == "object":
            objects.setdefault((said["colour"], said["shape"]), identity)

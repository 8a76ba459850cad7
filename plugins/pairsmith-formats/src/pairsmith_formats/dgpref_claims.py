"""DecompGen's published decompositions as claims (arXiv 2411.13697, its prompts' grammar)."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attrs import define, field

from pairsmith.errors import StageError
from pairsmith.interfaces import Run
from pairsmith.values import Claim, Response, Sample
from pairsmith_formats.dgpref_captions import PLACE
from pairsmith_formats.options import DgprefPickleOptions
from pairsmith_formats.pickles import read_pickle

_GROUP = re.compile(r"\(([^()\n]*)\)")
_WORDS = (
    "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen",
    "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty",
)  # fmt: skip
_NUMBERS = {text: value for value, word in enumerate(_WORDS, start=2) for text in (word, str(value))}
_IMAGE = {"scene", "image", "picture", "photo", "view", "frame", "figure", "side", "backdrop", "background"}
_SIZES = {word: word for word in ("large", "small", "long", "short", "tall")} | {
    "huge": "large", "larger": "large", "big": "large", "tiny": "small", "smaller": "small", "high": "tall"
}  # fmt: skip
_PLACES = {
    "left": "left", "right": "right", "top": "top", "above": "top", "bottom": "bottom", "below": "bottom",
    "under": "bottom", "beneath": "bottom", "underneath": "bottom", "near": "near", "next": "near",
}  # fmt: skip
_NO_ATTRIBUTES = {"multiple", "several", "various", "numerous", "middle", "surrounded", *_WORDS, *_PLACES}


class DgprefClaims:
    """Gives each caption the claims that were published for it; what breaks the grammar is left out, as published.

    Words are kept as they were written, so that the published verdicts find them. ``NONE`` is no object, and a place is a
    whole word; see :class:`pairsmith_formats.dgpref_verdicts.DgprefVerdicts` for what that changes.
    """

    def __init__(self, options: DgprefPickleOptions, run: Run) -> None:  # noqa: ARG002 - every factory is given the run
        """Read the pickle."""
        self._path = options.path
        self._replies = read_pickle(options.path)
        if not isinstance(self._replies, dict):
            msg = f"{str(options.path)!r} holds a {type(self._replies).__name__}, not a dict of replies by caption"
            raise StageError(msg)

    def decompose(self, sample: Sample, responses: Sequence[Response]) -> list[Claim]:
        """Return the claims of all responses."""
        return [claim for response in responses for claim in self._claims(sample, response)]

    def _claims(self, sample: Sample, response: Response) -> list[Claim]:
        key = response.parameters.get(PLACE, response.id.rpartition("/")[2])
        replies = self._replies.get(key)
        if replies is None:
            return []
        if not isinstance(replies, dict) or not all(isinstance(one, str) for one in replies.values()):
            msg = f"{str(self._path)!r}, entry {key!r} of sample {sample.id!r} is no dict of aspects to texts"
            raise StageError(msg)
        return _Collected(response.id).all_of(replies, response.text)


@define
class _Collected:
    response: str
    made: list[Claim] = field(factory=list)
    objects: dict[str, str] = field(factory=dict)
    seen: set[tuple[Any, ...]] = field(factory=set)

    def all_of(self, replies: Mapping[str, str], text: str) -> list[Claim]:
        attributes = [pair for pair in _tuples(replies, "attribute", 2) if not _is_image(pair[1])]
        counts = [
            pair for pair in _tuples(replies, "count", 2) if not _is_image(pair[1]) and pair[0].lower() in _NUMBERS
        ]
        relations = [one for one in _tuples(replies, "relation", 3) if not _is_image(one[0])]
        named = [*_entities(replies.get("entity", "")), *(pair[1] for pair in (*attributes, *counts))]
        for name in (*named, *(name for one in relations for name in (one[0], one[2]))):
            self.thing(name)
        for attribute, name in attributes:
            self.attribute(attribute, name)
        for number, name in counts:
            self.add("count", f"{number} {name}", {"object": name, "count": _NUMBERS[number.lower()]}, name)
        for one in relations:
            self.relation(*one)
        for written in re.findall(r'"([^"\n]+)"', text):
            self.add("text", written, {"text": written})
        return self.made

    def thing(self, name: str) -> None:
        if name and name != "NONE" and not _is_image(name):
            self.add("object", name, {"object": name})
            self.objects.setdefault(name, self.made[-1].id)

    def attribute(self, attribute: str, name: str) -> None:
        if attribute == name or attribute in _NO_ATTRIBUTES:
            return
        about = {"object": name, "attribute": attribute}
        size = _SIZES.get(attribute)
        aspect, data = ("attribute", about) if size is None else ("scale", {**about, "scale": size})
        self.add(aspect, f"{attribute} {name}", data, name)

    def relation(self, subject: str, relation: str, other: str) -> None:
        where = next((_PLACES[word] for word in re.findall(r"[a-z]+", relation.lower()) if word in _PLACES), None)
        data: dict[str, Any] = {"subject": subject, "relation": relation, "object": other}
        if _is_image(other):
            data["whole"] = "image"
        aspect, data = ("relation", data) if where is None else ("spatial", {**data, "direction": where})
        self.add(aspect, f"{subject} {relation} {other}", data, subject, other)

    def add(self, aspect: str, text: str, data: dict[str, Any], *about: str) -> None:
        key = (aspect, *data.values())
        if key in self.seen:
            return
        self.seen.add(key)
        needed = tuple(dict.fromkeys(self.objects[name] for name in about if name in self.objects))
        name = f"{self.response}#{len(self.made)}"
        self.made.append(
            Claim(id=name, response_id=self.response, aspect=aspect, text=text, depends_on=needed, data=data)
        )


def _is_image(name: str) -> bool:
    return name in _IMAGE


def _tuples(replies: Mapping[str, str], aspect: str, size: int) -> Iterator[tuple[str, ...]]:
    for group in _GROUP.findall(replies.get(aspect, "")):
        parts = tuple(part.strip() for part in group.split(", "))
        if len(parts) == size and all(parts):
            yield parts


def _entities(reply: str) -> list[str]:
    found = _GROUP.search(reply)
    return [name.strip() for name in (found[1] if found else reply).split(", ") if "\n" not in name]

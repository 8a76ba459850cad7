"""From the tuples of one answer to its claims. Pure functions.

Every thing that a kept tuple names is an object claim, and what is said of the thing depends on that claim: where the thing
is not there, its colour is nobody's business.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import define, field, frozen

from pairsmith.values import Claim
from pairsmith_decompose import words
from pairsmith_decompose.routing import DIRECTIONS, direction, scale

Tuples = Mapping[str, Sequence[tuple[str, ...]]]

NOT_ATTRIBUTES = {"multiple", "several", "various", "numerous", "middle", "surrounded", *words.NUMBERS, *DIRECTIONS}
"""Given as an attribute, these are a number or a place; only the thing itself is claimed."""


@frozen(kw_only=True)
class Rules:
    """What is no claim, and how things are named."""

    image_words: frozenset[str] = frozenset()
    vague: frozenset[str] = frozenset()
    singular: bool = True

    def thing(self, text: str) -> str:
        """Return the name of a thing."""
        return words.noun(text, singular=self.singular)

    def is_image(self, thing: str) -> bool:
        """Tell whether a word means the image itself."""
        return words.noun(thing, singular=True) in self.image_words


def counts(tuples: Sequence[tuple[str, ...]]) -> tuple[list[tuple[int, str]], list[str]]:
    """Return the counts among ``(number, thing)`` tuples, and what is neither a number of 2 to 20 nor a vague one."""
    kept, faults = [], []
    for how_many, thing in tuples:
        value = words.number(how_many)
        if value is not None:
            kept.append((value, thing))
        elif not words.UNCOUNTED.intersection(how_many.lower().split()):
            faults.append(f"'({how_many}, {thing})' has no number of 2 to 20")
    return kept, faults


@define
class Claims:
    """Collects the claims of one response, each once."""

    response_id: str
    rules: Rules
    made: list[Claim] = field(factory=list)
    _things: dict[str, str] = field(factory=dict)
    _seen: set[tuple[str, ...]] = field(factory=set)

    def things(self, names: Sequence[str]) -> None:
        """Claim that things are there."""
        for name in names:
            thing = self.rules.thing(name)
            if not thing or thing in self._things or self.rules.is_image(thing) or self._vague(thing):
                continue
            self._things[thing] = self._add("object", f"there is {_article(thing)}", {"object": thing})

    def attribute(self, attribute: str, name: str) -> None:
        """Claim what a thing is like."""
        quality, thing = " ".join(attribute.lower().split()), self.rules.thing(name)
        if self.rules.is_image(thing) or quality in {thing, name.lower()} or quality in NOT_ATTRIBUTES:
            return
        size = scale(quality)
        about = {"object": thing, "attribute": quality}
        aspect, data = ("attribute", about) if size is None else ("scale", {**about, "scale": size})
        self._add(aspect, f"the {thing} is {quality}", data, thing)

    def count(self, value: int, name: str) -> None:
        """Claim how many of a thing there are."""
        thing = self.rules.thing(name)
        if not self.rules.is_image(thing):
            text = f"there are {words.NUMBERS[value - 2]} {words.noun(name, singular=False)}"
            self._add("count", text, {"object": thing, "count": value}, thing)

    def relation(self, one: str, relation: str, other: str) -> None:
        """Claim how a thing stands to another, or to the image."""
        subject, target = self.rules.thing(one), self.rules.thing(other)
        if self.rules.is_image(subject):
            return
        how = " ".join(relation.lower().split())
        where = direction(how)
        data = {"subject": subject, "relation": how, "object": target}
        if self.rules.is_image(target):
            data["whole"] = "image"
        aspect, data = ("relation", data) if where is None else ("spatial", {**data, "direction": where})
        self._add(aspect, f"the {subject} is {how} the {target}", data, subject, target)

    def text(self, written: str) -> None:
        """Claim that something is written."""
        self._add("text", f"the text {written!r} can be read", {"text": written})

    def _vague(self, thing: str) -> bool:
        return words.noun(thing, singular=True) in self.rules.vague

    def _add(self, aspect: str, text: str, data: dict[str, Any], *about: str) -> str:
        key = (aspect, *map(str, data.values()))
        identity = f"{self.response_id}#{len(self.made)}"
        if key not in self._seen:
            self._seen.add(key)
            needed = tuple(dict.fromkeys(self._things[thing] for thing in about if thing in self._things))
            claim = Claim(
                id=identity, response_id=self.response_id, aspect=aspect, text=text, depends_on=needed, data=data
            )
            self.made.append(claim)
        return identity


def build(response_id: str, tuples: Tuples, texts: Sequence[str], rules: Rules) -> list[Claim]:
    """Return the claims of a response: things first, then what is said of them."""
    claims = Claims(response_id, rules)
    attributes, relations = tuples.get("attribute", ()), tuples.get("relation", ())
    numbers, _ = counts(tuples.get("count", ()))
    claims.things([name for names in tuples.get("entity", ()) for name in names])
    claims.things([name for _, name in attributes])
    claims.things([name for _, name in numbers])
    claims.things(
        [name for one, _, other in relations if not rules.is_image(rules.thing(one)) for name in (one, other)]
    )
    for attribute, name in attributes:
        claims.attribute(attribute, name)
    for value, name in numbers:
        claims.count(value, name)
    for relation in relations:
        claims.relation(*relation)
    for written in (*texts, *(text for (text,) in tuples.get("text", ()))):
        claims.text(written)
    return claims.made


def _article(thing: str) -> str:
    return f"{'an' if thing[0] in 'aeiou' else 'a'} {thing}"

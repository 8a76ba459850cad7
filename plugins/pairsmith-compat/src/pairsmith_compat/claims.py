"""DecompGen's reading of replies, and its routing of claims (arXiv 2411.13697, its released code). Pure functions.

What it does by mistake: a reply of NONE is a thing of that name; a tuple of too many or too few values vanishes without a
word; a place is found anywhere inside a relation, so that "shining brightly" is to the right.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import define, field

from pairsmith.values import Claim

NUMBERS = (
    "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen",
    "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty",
)  # fmt: skip
IMAGE_WORDS = frozenset(
    ("scene", "image", "picture", "photo", "view", "frame", "figure", "side", "backdrop", "background")
)
SCALES = {
    **dict.fromkeys(("large", "huge", "larger", "big"), "large"),
    **dict.fromkeys(("small", "tiny", "smaller"), "small"),
    "long": "long",
    "short": "short",
    **dict.fromkeys(("tall", "high"), "tall"),
}
PLACES = {
    "left": "left",
    "right": "right",
    "top": "top",
    "above": "top",
    "bottom": "bottom",
    "below": "bottom",
    "under": "bottom",
    "beneath": "bottom",
    "underneath": "bottom",
    "near": "near",
    "next": "near",
}
"""In the order in which they are looked for."""
ONLY_THERE = frozenset(
    ("multiple", "several", "various", "numerous", "middle", "surrounded", *NUMBERS, *PLACES),
)
"""As attributes these claim no more than the thing."""

_BRACKET = re.compile(r"\((.*?)\)")
_ARITY = {"attribute": 2, "count": 2, "relation": 3}


def tuples(reply: str, split: str) -> list[tuple[str, ...]]:
    """Return the tuples after a reply's last colon; those of another number of values are not there.

    >>> tuples("Attributes: (brown, dog); (wooden); (old, oak, table)", "attribute")
    [('brown', 'dog')]
    """
    found = (tuple(one.strip() for one in inside.split(", ")) for inside in _BRACKET.findall(_said(reply)))
    return [one for one in found if len(one) == _ARITY[split]]


def things(reply: str, *, first_bracket: bool) -> list[str]:
    """Return the things of a reply, which without a bracket are whatever it says.

    >>> things("Things: (dog); (old man)", first_bracket=False), things("(dog, man); (cat)", first_bracket=True)
    (['dog', 'old man'], ['dog', 'man'])
    >>> things("NONE", first_bracket=False)
    ['NONE']
    """
    said = _said(reply).strip()
    brackets = _BRACKET.findall(said) or [said]
    listed = brackets[:1] if first_bracket else brackets
    return list(dict.fromkeys(one.strip() for inside in listed for one in inside.split(", ") if one.strip()))


def place(relation: str) -> str | None:
    """Return the place that a relation has anywhere inside.

    >>> place("shining brightly on"), place("stopped at"), place("on top of"), place("holding")
    ('right', 'top', 'top', None)
    """
    return next((to for word, to in PLACES.items() if word in relation), None)


def _said(reply: str) -> str:
    return reply.rpartition(":")[2]


@define
class _Claims:
    response_id: str
    made: list[Claim] = field(factory=list)
    _there: dict[str, str] = field(factory=dict)
    _seen: set[tuple[str, ...]] = field(factory=set)

    def thing(self, name: str) -> None:
        if name not in IMAGE_WORDS and name not in self._there:
            self._there[name] = f"{self.response_id}#{len(self.made)}"
            self.add("object", f"there is {name}", {"object": name})

    def add(self, aspect: str, text: str, data: Mapping[str, Any], *about: str) -> None:
        key = (aspect, *map(str, data.values()))
        if key in self._seen:
            return
        self._seen.add(key)
        needed = tuple(dict.fromkeys(self._there[name] for name in about if name in self._there))
        name = f"{self.response_id}#{len(self.made)}"
        self.made.append(
            Claim(id=name, response_id=self.response_id, aspect=aspect, text=text, depends_on=needed, data=data)
        )


def build(response_id: str, text: str, replies: Mapping[str, str], *, first_bracket: bool) -> list[Claim]:
    """Return the claims of an answer, from the replies about it by split."""
    claims = _Claims(response_id)
    attributes = [one for one in tuples(replies.get("attribute", ""), "attribute") if one[0] != one[1]]
    counts = [(_number(one[0]), one[1]) for one in tuples(replies.get("count", ""), "count")]
    numbered = [(number, name) for number, name in counts if number is not None]
    relations = tuples(replies.get("relation", ""), "relation")
    entities = things(replies["entity"], first_bracket=first_bracket) if "entity" in replies else []
    for name in (*entities, *(one[1] for one in attributes), *(name for _, name in numbered)):
        claims.thing(name)
    for subject, _, other in relations:
        claims.thing(subject)
        claims.thing(other)
    for quality, name in attributes:
        _attribute(claims, quality, name)
    for number, name in numbered:
        if name not in IMAGE_WORDS:
            told = f"there are {NUMBERS[number - 2]} {name}"
            claims.add("count", told, {"object": name, "count": number}, name)
    for subject, relation, other in relations:
        _relation(claims, subject, relation, other)
    for written in dict.fromkeys(re.findall(r'"([^"]+)"', text)):
        claims.add("text", f"the text {written!r} can be read", {"text": written})
    return claims.made


def _attribute(claims: _Claims, quality: str, name: str) -> None:
    if name in IMAGE_WORDS or quality in ONLY_THERE:
        return
    about = {"object": name, "attribute": quality}
    size = SCALES.get(quality)
    told = f"the {name} is {quality}"
    if size is None:
        claims.add("attribute", told, about, name)
    else:
        claims.add("scale", told, {**about, "scale": size}, name)


def _relation(claims: _Claims, subject: str, relation: str, other: str) -> None:
    if subject in IMAGE_WORDS:
        return
    data = {"subject": subject, "relation": relation, "object": other}
    if other in IMAGE_WORDS:
        data["whole"] = "image"
    where = place(relation)
    told = f"the {subject} is {relation} the {other}"
    if where is None:
        claims.add("relation", told, data, subject, other)
    else:
        claims.add("spatial", told, {**data, "direction": where}, subject, other)


def _number(said: str) -> int | None:
    if said.isdecimal() and said in {str(number + 2) for number in range(len(NUMBERS))}:
        return int(said)
    return NUMBERS.index(said) + 2 if said in NUMBERS else None


def texts(responses: Sequence[str]) -> list[str]:
    """Return the texts that a model is asked about, each once."""
    return sorted({text for text in responses if text.strip()})

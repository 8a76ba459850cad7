"""Which attribute is a matter of size, and which relation a matter of place. Pure functions over whole words.

The published rule looks for a place word anywhere inside the relation, so that "b-right-ly" is to the right and
"s-top-ped at" on top. Here a word counts as a whole, and a relation that names two places goes to the question answerer.
"""

import re

SCALES = {
    "large": "large",
    "larger": "large",
    "huge": "large",
    "big": "large",
    "bigger": "large",
    "small": "small",
    "smaller": "small",
    "tiny": "small",
    "little": "small",
    "long": "long",
    "short": "short",
    "tall": "tall",
    "high": "tall",
}
DIRECTIONS = {
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
    "beside": "near",
}
_SIDE = re.compile(r"\b(left|right)(?:[- ]hand)?(?: side| of|$)")
_WORD = re.compile(r"[a-z]+")


def scale(attribute: str) -> str | None:
    """Return the class of size that an attribute means, or ``None`` where it means none.

    >>> scale("huge"), scale("brown"), scale("long-haired")
    ('large', None, None)
    """
    return SCALES.get(attribute.strip().lower())


def direction(relation: str) -> str | None:
    """Return the direction that a relation means, or ``None`` where it is about something else or about two.

    >>> direction("to the left of"), direction("on top of"), direction("right next to"), direction("has left")
    ('left', 'top', 'near', None)
    >>> direction("shining brightly on"), direction("stopped at"), direction("at the top left of")
    (None, None, None)
    """
    text = relation.strip().lower()
    words = _WORD.findall(text)
    found = {DIRECTIONS[word] for word in words if word in DIRECTIONS and word not in {"left", "right"}}
    sides = {match[1] for match in _SIDE.finditer(text)}
    if "left" in sides and words[-1] == "left" and {"has", "have", "had", "is", "was", "just"} & set(words):
        sides.discard("left")  # "has left": gone, not beside
    found |= sides
    return found.pop() if len(found) == 1 else None

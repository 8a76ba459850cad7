"""Claims as questions, and answers as yes or no. Pure functions."""

import re
from collections.abc import Mapping
from string import Formatter

from pairsmith.values import Claim

QUESTIONS = {
    "object": "Is there a {object} in the image?",
    "attribute": "Is the {object} {attribute}?",
    "scale": "Is the {object} {attribute}?",
    "count": "Is the number of {object} in the image {count}?",
    "relation": "Is the {subject} {relation} the {object}?",
    "spatial": "Is the {subject} {relation} the {object}?",
    "text": 'Is the text "{text}" written in the image?',
}
PLACES = {
    "object": {"object"},
    "attribute": {"object", "attribute"},
    "scale": {"object", "attribute", "scale"},
    "count": {"object", "count"},
    "relation": {"subject", "relation", "object"},
    "spatial": {"subject", "relation", "object", "direction"},
    "text": {"text"},
}
_ANSWER = re.compile(r"\b(yes|no)\b", re.IGNORECASE)


def unknown_place(aspect: str, text: str) -> str | None:
    """Return what is wrong with a question's wording, or ``None``."""
    try:
        places = {name for _, name, _, _ in Formatter().parse(text) if name is not None}
    except ValueError as error:
        return f"a bracket is not closed ({error})"
    there = ", ".join(f"{{{name}}}" for name in sorted(PLACES[aspect]))
    if not places:
        return f"it names nothing of the claim; there is {there}"
    wrong = sorted(places - PLACES[aspect])
    return f"{{{wrong[0]}}} is no part of such a claim; there is {there}" if wrong else None


def question(claim: Claim, wording: Mapping[str, str]) -> str | None:
    """Return a claim as a question, or ``None`` where its data lack something.

    >>> claim = Claim(id="c", response_id="r", aspect="attribute", text="?", data={"object": "dog", "attribute": "brown"})
    >>> question(claim, QUESTIONS)
    'Is the dog brown?'
    """
    text = wording[claim.aspect]
    places = {name for _, name, _, _ in Formatter().parse(text) if name is not None}
    if not places <= claim.data.keys():
        return None
    return text.format(**{name: claim.data[name] for name in places})


def says(answer: str) -> bool | None:
    """Return whether an answer says yes or no, by the first of the two words; ``None`` where it says neither.

    >>> says("Yes, it is."), says("no"), says("eyes"), says("it is red")
    (True, False, None, None)
    """
    found = _ANSWER.search(answer)
    return None if found is None else found[1].lower() == "yes"

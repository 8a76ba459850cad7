r"""The grammar of a reply, and what breaks it. Pure functions.

    reply = [ lead-in ":" ] ( "NONE" | tuple { ";" tuple } ) [ "." ]
    tuple = "(" value { "," value } ")"

A reply of few-shot prompts goes on to the next example where nothing stops the model; what follows the first reply is cut.
Between tuples a comma, a line break or nothing is as good as a semicolon. Anything else is a fault, and is named.

>>> parse("Attributes: (brown, dog); (wooden)", "attribute")
Parsed(tuples=(('brown', 'dog'),), faults=("'(wooden)' has 1 value, not 2",))
>>> parse("NONE", "count")
Parsed(tuples=(), faults=())
"""

import re

from attrs import frozen

ARITY = {"entity": None, "attribute": 2, "count": 2, "relation": 3, "text": 1}
"""Values of a tuple; an entity's may be a list of any length, and a text is one value with whatever commas it has."""

DESCRIPTION = "Description:"
"""How an example begins in a prompt; see the templates."""

_BRACKET = re.compile(r"\(([^()\n]*)\)")
_BETWEEN = re.compile(r"[\s;,]*")
_NONE = re.compile(r"\(?none\)?[.\s]*", re.IGNORECASE)
_SHOWN = 60
_QUOTES = "\"'\u201c\u201d\u2018\u2019"


@frozen
class Parsed:
    """The tuples of a reply and what was wrong with the rest of it."""

    tuples: tuple[tuple[str, ...], ...] = ()
    faults: tuple[str, ...] = ()


def parse(reply: str, split: str) -> Parsed:
    """Return what a reply to one of the five prompts holds."""
    text = reply.partition(f"\n{DESCRIPTION}")[0].strip()
    body = _after_lead_in(text)
    if _NONE.fullmatch(body):
        return Parsed()
    if "(" not in body:
        return Parsed(faults=(f"there is no tuple and no NONE in {_excerpt(text)}",))
    tuples, faults, end = list[tuple[str, ...]](), list[str](), 0
    for found in _BRACKET.finditer(body):
        between = body[end : found.start()]
        if not _BETWEEN.fullmatch(between):
            faults.append(f"there is {_excerpt(between.strip())} outside the tuples")
        end = found.end()
        values = _values(found[1], split)
        arity = ARITY[split]
        if not all(values) or not values:
            faults.append(f"{_excerpt(found[0])} has an empty value")
        elif arity is not None and len(values) != arity:
            faults.append(f"{_excerpt(found[0])} has {len(values)} value{'s' * (len(values) != 1)}, not {arity}")
        else:
            tuples.append(values)
    rest = body[end:].strip(" \t\n;,.")
    if rest:
        faults.append(f"there is {_excerpt(rest)} after the tuples")
    return Parsed(tuple(tuples), tuple(faults))


def _after_lead_in(text: str) -> str:
    """Return what follows ``Attributes:`` or ``Here they are:``; a colon inside the tuples is left alone."""
    start = text.find("(")
    before = text if start < 0 else text[:start]
    lead_in, colon, _ = before.rpartition(":")
    return text[len(lead_in) + 1 :].strip() if colon else text


def _values(inside: str, split: str) -> tuple[str, ...]:
    values = [inside] if split == "text" else inside.split(",")
    return tuple(value.strip().strip(_QUOTES).strip() for value in values)


def _excerpt(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "\u2026")


def quoted(text: str) -> list[str]:
    r"""Return what a text puts between double quotation marks, without the comma or full stop of American usage.

    >>> quoted('A sign says "STOP," and another \u201cMain Street\u201d.')
    ['STOP', 'Main Street']
    """
    found = re.findall(r"\"([^\"\n]{1,80})\"|\u201c([^\u201c\u201d\n]{1,80})\u201d", text)
    inside = ((straight or curly).strip().rstrip(".,;").strip() for straight, curly in found)
    return list(dict.fromkeys(value for value in inside if value))

"""Reads yes or no out of an answer."""

import re
from typing import Literal

Reading = Literal["yes", "no", "unclear"]

_NO = {"No", "no", "not"}
_WORD = re.compile(r"[a-z]+")


def published(text: str) -> Reading:
    """Return what POPE's script (github.com/AoiDragon/POPE, ``evaluate.py``) takes an answer for.

    No where the first sentence, which ends at the first full stop, has the word No, no or not between blanks once its
    commas are gone; yes otherwise, whatever the answer says. Never unclear.

    >>> published("No, there is none."), published("I cannot see it"), published("NO")
    ('no', 'yes', 'yes')
    """
    first = text.partition(".")[0].replace(",", "")
    return "no" if _NO & set(first.split(" ")) else "yes"


def first_word(text: str) -> Reading:
    """Return yes or no where that is the first word, in any case, and unclear for everything else.

    >>> first_word("**Yes**, it is."), first_word("NO"), first_word("There is no cat."), first_word("")
    ('yes', 'no', 'unclear', 'unclear')
    """
    found = _WORD.search(text.lower())
    match found.group() if found else "":
        case "yes":
            return "yes"
        case "no":
            return "no"
        case _:
            return "unclear"


def exact(text: str) -> Reading:
    """Return yes or no for exactly ``Yes`` or ``No``, as AMBER's script does.

    >>> exact("Yes"), exact("yes"), exact("No.")
    ('yes', 'unclear', 'unclear')
    """
    match text:
        case "Yes":
            return "yes"
        case "No":
            return "no"
        case _:
            return "unclear"

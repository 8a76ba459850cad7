"""Nouns and numbers as claims name them. Pure functions."""

import re

NUMBERS = (
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
    "twenty",
)
UNCOUNTED = frozenset(
    ["a", "an", "one", "1", "single", "no", "zero", "several", "few", "many", "some", "multiple", "various", "numerous"]
)
"""What the prompt asks to leave out, and models give nevertheless. It is no fault."""

_FEWEST, _MOST = 2, 20
_ARTICLE = re.compile(r"^(?:an?|the)\s+", re.IGNORECASE)
_IRREGULAR = {
    "people": "person",
    "men": "man",
    "women": "woman",
    "children": "child",
    "feet": "foot",
    "teeth": "tooth",
    "geese": "goose",
    "mice": "mouse",
    "knives": "knife",
    "shelves": "shelf",
    "leaves": "leaf",
    "loaves": "loaf",
    "wolves": "wolf",
    "calves": "calf",
    "halves": "half",
    "scarves": "scarf",
    "potatoes": "potato",
    "tomatoes": "tomato",
    "movies": "movie",
    "cookies": "cookie",
    "ties": "tie",
    "pies": "pie",
    "shoes": "shoe",
    "horseshoes": "horseshoe",
    "buses": "bus",
    "lenses": "lens",
    "vases": "vase",
    "houses": "house",
    "horses": "horse",
    "roses": "rose",
    "noses": "nose",
    "purses": "purse",
    "nurses": "nurse",
    "blouses": "blouse",
    "suitcases": "suitcase",
    "briefcases": "briefcase",
    "bookcases": "bookcase",
    "cases": "case",
    "axes": "axe",
}
_ALWAYS_PLURAL = {
    "binoculars",
    "clothes",
    "glasses",
    "sunglasses",
    "eyeglasses",
    "goggles",
    "headphones",
    "jeans",
    "pajamas",
    "pants",
    "pliers",
    "scissors",
    "shorts",
    "skis",
    "stairs",
    "tongs",
    "trousers",
    "tweezers",
    "gas",
    "canvas",
    "atlas",
    "christmas",
    "lens",
    "series",
    "species",
}
_SHORTEST = 4


def noun(text: str, *, singular: bool) -> str:
    """Return a thing's name in lower case without article, in the singular if asked.

    >>> noun("The Wooden Benches", singular=True), noun("the dogs", singular=False), noun("a bus", singular=True)
    ('wooden bench', 'dogs', 'bus')
    """
    plain = _ARTICLE.sub("", " ".join(text.lower().split())).strip(" .,;:!?")
    if not singular or not plain:
        return plain
    *before, last = plain.split(" ")
    return " ".join([*before, _singular(last)])


def _singular(word: str) -> str:
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if word in _ALWAYS_PLURAL or len(word) < _SHORTEST or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies"):
        return f"{word[:-3]}y"
    return word[:-2] if word.endswith(("ches", "shes", "sses", "xes", "zes")) else word[:-1]


def number(text: str) -> int | None:
    """Return a number of two to twenty, given as a word or in digits, or ``None``.

    >>> number("Three"), number("12"), number("several"), number("21"), number("1")
    (3, 12, None, None, None)
    """
    word = text.strip().lower()
    if word in NUMBERS:
        return NUMBERS.index(word) + _FEWEST
    return int(word) if word.isdecimal() and len(word) <= 2 and _FEWEST <= int(word) <= _MOST else None  # noqa: PLR2004

"""From a word to its singular, by rule, without any download."""

import re
from functools import cache

TOKEN = re.compile(r"[a-z]+(?:-[a-z]+)*|'[a-z]+|\d+|[^\sa-z\d]")
"""A word with its hyphens, what follows an apostrophe, a number, or one mark: marks keep words apart."""

_IRREGULAR = {
    "children": "child",
    "feet": "foot",
    "geese": "goose",
    "men": "man",
    "mice": "mouse",
    "oxen": "ox",
    "people": "person",
    "teeth": "tooth",
    "women": "woman",
    "calves": "calf",
    "halves": "half",
    "hooves": "hoof",
    "knives": "knife",
    "leaves": "leaf",
    "lives": "life",
    "loaves": "loaf",
    "scarves": "scarf",
    "shelves": "shelf",
    "thieves": "thief",
    "wives": "wife",
    "wolves": "wolf",
    "buses": "bus",
    "gases": "gas",
    "lenses": "lens",
    "skis": "ski",
    "taxis": "taxi",
    "ties": "tie",
    "pies": "pie",
    "movies": "movie",
    "cookies": "cookie",
    "brownies": "brownie",
    "selfies": "selfie",
    "shoes": "shoe",
    "canoes": "canoe",
    "toes": "toe",
    "horseshoes": "horseshoe",
    "axes": "axe",
    "caches": "cache",
    "clothes": "clothes",
    "scissors": "scissors",
    "glasses": "glass",
    "sheep": "sheep",
    "series": "series",
    "species": "species",
}
_KEPT = ("ss", "us", "is", "ous")
_ES = ("ches", "shes", "sses", "xes", "zzes")


@cache
def singular(word: str) -> str:
    """Return the singular of an English noun in lower case, as far as rules tell.

    >>> [singular(word) for word in ("dogs", "benches", "puppies", "glasses", "knives", "bus", "buses", "potatoes")]
    ['dog', 'bench', 'puppy', 'glass', 'knife', 'bus', 'bus', 'potato']
    """
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if word.endswith("men") and len(word) > len("women"):
        return f"{word[:-3]}man"
    if not word.endswith("s") or word.endswith(_KEPT) or len(word) <= len("gas"):
        return word
    if word.endswith("ies"):
        return f"{word[:-3]}y"
    if word.endswith((*_ES, "oes")):
        return word[:-2]
    return word[:-1]


def tokens(text: str) -> list[str]:
    """Return the words, numbers and marks of a text, in lower case.

    >>> tokens("The dog's T-shirt, 2 cats.")
    ['the', 'dog', "'s", 't-shirt', ',', '2', 'cats', '.']
    """
    return TOKEN.findall(text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"))

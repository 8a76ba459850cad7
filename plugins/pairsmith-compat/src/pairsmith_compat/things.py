"""Which things DecompGen counts, and as what (arXiv 2411.13697, its released code: ``pref_data_gen.py``). Pure functions.

Its experts look for every thing as an answer names it. Only when answers are scored, some names are left out, and a thing
in the plural is as there as the one in the singular.
"""

UNCOUNTED = (
    "above", "air", "ambiance", "arch", "area", "around", "around table", "array", "assortment", "atmosphere", "backdrop",
    "body of water", "center", "center of attention", "center of image", "center of scene", "checkpoint", "city",
    "city street", "color", "design", "detail", "direction", "each other", "edge", "edge of slope", "element",
    "environment", "event", "familiy", "field", "figure", "filled", "focus", "foreground", "further away", "gathering",
    "glass", "grass", "ground", "group", "individual", "jumping", "landmark", "landscape", "light",
    "mode of transportation", "nearby", "object", "other person", "pattern", "position", "precision", "remote",
    "right side", "room", "setting", "side", "side of building", "side of street", "size", "skill", "slope",
    "snow-covered slope", "space", "speed", "step", "subject", "sun", "surface", "texture", "town", "transportation",
    "turn", "viewer", "wall", "waterfront", "waterside", "winter", "winter sport", "with each other",
)  # fmt: skip
"""The names whose being there counts neither way, as they are spelt there."""

_IRREGULAR = {
    "children": "child", "feet": "foot", "geese": "goose", "men": "man", "mice": "mouse", "oxen": "ox", "people": "person",
    "teeth": "tooth", "women": "woman", "knives": "knife", "leaves": "leaf", "loaves": "loaf", "shelves": "shelf",
    "scarves": "scarf", "wolves": "wolf", "halves": "half", "calves": "calf", "buses": "bus", "movies": "movie",
    "cookies": "cookie", "ties": "tie", "pies": "pie", "shoes": "shoe", "houses": "house", "horses": "horse",
    "firemen": "fireman", "policemen": "policeman", "snowmen": "snowman",
    "fishermen": "fisherman", "businessmen": "businessman", "businesswomen": "businesswoman",
    "vases": "vase", "roses": "rose", "noses": "nose", "cases": "case", "blouses": "blouse",
}  # fmt: skip
_SINGULAR = ("ss", "us", "is")
_SIBILANT = ("ches", "shes", "sses", "xes", "zes", "oes")
_SHORTEST = 4


def singular(name: str) -> str:
    """Return a name in lower case with its last word in the singular, by common rules; the released code asks ``inflect``.

    >>> singular("Old Men"), singular("wine glasses"), singular("puppies"), singular("bus"), singular("grass")
    ('old man', 'wine glass', 'puppy', 'bus', 'grass')
    """
    before, space, last = name.lower().rpartition(" ")
    return f"{before}{space}{_one(last)}"


def _one(word: str) -> str:
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if len(word) < _SHORTEST or not word.endswith("s") or word.endswith(_SINGULAR):
        return word
    if word.endswith("ies"):
        return f"{word[:-3]}y"
    return word[:-2] if word.endswith(_SIBILANT) else word[:-1]

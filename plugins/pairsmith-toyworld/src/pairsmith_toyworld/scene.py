"""Scenes: what is in a picture of the toy world, drawn from a seed and kept as plain JSON."""

import random
from collections.abc import Mapping
from typing import Any

from attrs import asdict, field, frozen

SHAPES = ("circle", "square", "triangle", "star", "cross", "ring")
COLOURS = ("red", "green", "blue", "yellow", "purple", "orange", "cyan", "white")
SIZES = ("small", "large")
WORDS = ("OK", "NO", "HI", "UP", "GO", "ME", "TV", "BY")
ROWS = ("top", "middle", "bottom")
COMPANIONS = {
    "red": ("small", "blue", "square"),
    "green": ("large", "yellow", "star"),
    "purple": ("small", "white", "ring"),
}
"""What an object of a colour makes one expect beside it: size, colour and shape."""

MARGIN = 0.03
"""Share of the picture by which one object must be left of another for that to be said."""

_OBJECTS = range(1, 6)
_OBJECT_WEIGHTS = (1, 2, 3, 3, 2)
_WITH_COMPANION = 0.35


@frozen
class Thing:
    """An object. ``x`` and ``y`` are the middle, as shares of the picture from the left and the top."""

    size: str
    colour: str
    shape: str
    cell: int
    x: float
    y: float

    @property
    def kind(self) -> tuple[str, str]:
        """What tells it from the other objects of a scene."""
        return self.colour, self.shape


@frozen
class Word:
    """A written word."""

    text: str
    row: str
    cell: int
    x: float
    y: float


@frozen
class Scene:
    """A picture's content: objects in reading order, perhaps a word, the grey of the ground, the seed of the noise."""

    things: tuple[Thing, ...]
    word: Word | None
    grey: int
    noise: int = field(default=0)

    def thing(self, colour: str, shape: str) -> Thing | None:
        """Return the object of this colour and shape, if there is one."""
        return next((thing for thing in self.things if thing.kind == (colour, shape)), None)

    def row(self) -> dict[str, Any]:
        """Return the scene as JSON."""
        return asdict(self)

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "Scene":
        """Return the scene of a row."""
        return cls(
            things=tuple(Thing(**thing) for thing in row["things"]),
            word=None if row["word"] is None else Word(**row["word"]),
            grey=row["grey"],
            noise=row["noise"],
        )


def draw(dice: random.Random, *, word: float = 0.35) -> Scene:
    """Draw a scene: one to five objects, each kind once, on a grid of three by three; a word with probability ``word``."""
    number = dice.choices(_OBJECTS, weights=_OBJECT_WEIGHTS)[0]
    kinds: list[tuple[str, str, str]] = []
    used: set[tuple[str, str]] = set()
    while len(kinds) < number:
        colour, shape = dice.choice(COLOURS), dice.choice(SHAPES)
        if (colour, shape) not in used:
            used.add((colour, shape))
            kinds.append((dice.choice(SIZES), colour, shape))
    for trigger, (size, colour, shape) in COMPANIONS.items():
        if len(kinds) >= _OBJECTS[-1]:
            break
        expected = any(kind[1] == trigger for kind in kinds) and (colour, shape) not in used
        if expected and dice.random() < _WITH_COMPANION:
            used.add((colour, shape))
            kinds.append((size, colour, shape))
    *cells, last = dice.sample(range(9), len(kinds) + 1)
    things = [_place(dice, kind, cell) for kind, cell in zip(kinds, cells, strict=True)]
    written = _write(dice, last) if dice.random() < word else None
    things.sort(key=lambda thing: thing.cell)
    return Scene(things=tuple(things), word=written, grey=dice.randint(25, 90), noise=dice.randrange(1 << 30))


def _place(dice: random.Random, kind: tuple[str, str, str], cell: int) -> Thing:
    size, colour, shape = kind
    x = (cell % 3 + 0.5 + dice.uniform(-0.09, 0.09)) / 3
    y = (cell // 3 + 0.5 + dice.uniform(-0.09, 0.09)) / 3
    return Thing(size=size, colour=colour, shape=shape, cell=cell, x=x, y=y)


def _write(dice: random.Random, cell: int) -> Word:
    text = dice.choice(WORDS)
    x = (cell % 3 + 0.5 + dice.uniform(-0.05, 0.05)) / 3
    y = (cell // 3 + 0.5 + dice.uniform(-0.05, 0.05)) / 3
    return Word(text=text, row=ROWS[cell // 3], cell=cell, x=x, y=y)


def relation_holds(first: Thing, relation: str, second: Thing) -> bool:
    """Tell whether the first object is left of, right of, above or below the second."""
    return {
        "left": first.x < second.x - MARGIN,
        "right": first.x > second.x + MARGIN,
        "above": first.y < second.y - MARGIN,
        "below": first.y > second.y + MARGIN,
    }[relation]


def main_relation(first: Thing, second: Thing) -> str:
    """Return the relation that is most plainly true."""
    across, down = first.x - second.x, first.y - second.y
    if abs(across) > abs(down):
        return "left" if across < 0 else "right"
    return "above" if down < 0 else "below"

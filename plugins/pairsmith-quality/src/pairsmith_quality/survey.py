"""One walk over a run's pairs, keeping numbers and the texts that the text-only judge needs."""

from array import array
from collections.abc import Iterable
from random import Random

import numpy as np
from attrs import define, field
from numpy.typing import NDArray

from pairsmith.seeds import derive
from pairsmith.values import Demonstration, Item, Pair, turns
from pairsmith_quality.measures import MEASURES, measures
from pairsmith_quality.options import QualityOptions
from pairsmith_quality.outside import Outside
from pairsmith_quality.pictures import Pictures
from pairsmith_quality.repeats import Repeats, said

SIDES = ("chosen", "rejected")


@define
class Found:
    """What a kind of finding was found in: how many, and the first of them as ``(id, what)``."""

    most: int
    count: int = 0
    examples: list[tuple[str, str]] = field(factory=list)

    def add(self, name: str, what: object) -> None:
        """Count one."""
        self.count += 1
        if len(self.examples) < self.most:
            self.examples.append((name, str(what)))

    def row(self, of: int) -> dict[str, object]:
        """Return it for JSON."""
        share = round(100 * self.count / of, 2) if of else 0.0
        return {"count": self.count, "percent": share, "examples": [list(one) for one in self.examples]}


@define
class Survey:
    """Everything that is counted of a run's pairs (or demonstrations)."""

    options: QualityOptions
    outside: Outside
    pictures: Pictures = field(init=False)
    items: int = 0
    pairs: int = 0
    samples: set[str] = field(factory=set)
    groups: "array[int]" = field(factory=lambda: array("q"))
    columns: "dict[str, array[float]]" = field(init=False)
    texts: list[tuple[int, str, str]] = field(factory=list)
    found: dict[str, Found] = field(init=False)
    _repeats: dict[str, Repeats] = field(init=False)
    _numbers: dict[object, int] = field(factory=dict)
    _random: Random = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Begin with nothing."""
        self._random = Random(derive("quality", "texts", self.options.seed))
        self.pictures = Pictures(self.options.max_distance, self.options.max_colour)
        self.columns = {f"{name}|{side}": array("d") for name in MEASURES for side in SIDES}
        kinds = ("both", "text", "image contamination", "prompt contamination")
        self.found = {kind: Found(self.options.examples) for kind in kinds}
        self._repeats = {rule: Repeats(self.options, rule, self.pictures) for rule in ("both", "text")}

    def read(self, items: Iterable[Item]) -> "Survey":
        """Walk over them."""
        for item in items:
            self._add(item.value)
        return self

    def column(self, name: str, side: str) -> NDArray[np.float64]:
        """Return a measure of one side of every pair, ``[N]``; ``nan`` where there is no such side."""
        return np.frombuffer(self.columns[f"{name}|{side}"], dtype=np.float64)

    def _add(self, value: Pair | Demonstration) -> None:
        self.items += 1
        self.samples.add(value.sample.id)
        key: object = self._repeats["both"].images(value.sample) or value.sample.id
        self.groups.append(self._numbers.setdefault(key, len(self._numbers)))
        sides = {"chosen": value.chosen.text}
        if isinstance(value, Pair):
            self.pairs += 1
            sides["rejected"] = value.rejected.text
            self._keep(value)
        for side in SIDES:
            counted = measures(sides[side]) if side in sides else dict.fromkeys(MEASURES, float("nan"))
            for name, number in counted.items():
                self.columns[f"{name}|{side}"].append(number)
        text = said(value)
        for rule, repeats in self._repeats.items():
            repeat = repeats.look(value, text)
            if repeat is not None:
                self.found[rule].add(value.id, repeat)
        responses = (value.chosen, value.rejected) if isinstance(value, Pair) else (value.chosen,)
        contact = self.outside.contact(value.sample, *(turns(value.sample, one) for one in responses))
        if contact.image:
            self.found["image contamination"].add(value.id, contact.image)
        if contact.prompt:
            self.found["prompt contamination"].add(value.id, contact.prompt)

    def _keep(self, pair: Pair) -> None:
        """Keep the texts of a pair, or of as many pairs as are wanted, each with the same chance (Vitter's algorithm R)."""
        place = len(self.texts)
        if place == self.options.judged_pairs:
            place = self._random.randrange(self.pairs)
            if place >= len(self.texts):
                return
        self.texts[place : place + 1] = [(self.items - 1, pair.chosen.text, pair.rejected.text)]

"""Runs in memory, pairs by hand and pictures that are drawn."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from attrs import define, evolve, field
from PIL import Image as Picture

from pairsmith.interfaces import Run
from pairsmith.testing import make_run
from pairsmith.values import Dropped, Image, Item, Judged, Pair, Response, Sample, user


def drawn(folder: Path, number: int, size: tuple[int, int] = (96, 72)) -> Image:
    """Draw blocks of colours, which no two numbers share."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{number}.png"
    blocks = np.random.default_rng(number).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    Picture.fromarray(blocks).resize(size, Picture.Resampling.BICUBIC).save(path)
    return Image(path=path)


def pair(name: str, chosen: str, rejected: str, *, image: Image | None = None, prompt: str = "What is this?") -> Pair:
    """Return a pair of a sample of its own."""
    sample = Sample(id=f"s-{name}", images=(image,) if image else (), prompt=user(prompt))
    sides = {
        side: Response(id=f"{name}/{side}", sample_id=sample.id, text=text)
        for side, text in (("c", chosen), ("r", rejected))
    }
    return Pair(id=name, sample=sample, chosen=sides["c"], rejected=sides["r"])


@define
class Listed:
    """A selector whose pairs are given by sample; a benchmark and an image source of given samples."""

    pairs: Mapping[str, Sequence[Any]] = field(factory=dict)
    given: Sequence[Sample | Dropped] = ()
    surveyed: int = 0

    def survey(self, everything: Any) -> None:
        self.surveyed += 1

    def select(self, judged: Judged, *, seed: int) -> Sequence[Any]:
        return self.pairs[judged.sample.id]

    def facts(self) -> Mapping[str, Any]:
        return {"inner": "told"}

    def samples(self, start: int = 0) -> Iterator[Sample | Dropped]:
        return iter(self.given)


@define
class Memory:
    """A run as a reporter sees it."""

    directory: Path
    pairs: Sequence[Any]
    counts: Mapping[str, int] = field(factory=dict)
    recipe: Mapping[str, Any] = field(factory=dict)
    document: Mapping[str, Any] = field(factory=dict)

    def items(self, arm: str = "") -> Iterator[Item]:
        return (Item(value=one) for one in self.pairs)

    def stages(self) -> Mapping[str, Mapping[str, Any]]:
        return {
            "images": {"parts": 1, "counts": {"dropped: broken": 9}},
            "pairs": {"parts": 1, "counts": self.counts},
            "control-pairs": {"parts": 1, "counts": {"dropped: other": 7}},
        }


def with_components(run: Run, **components: Any) -> Run:
    """Return a run that finds these, by name."""

    def component(kind: str, table: Mapping[str, Any], where: str) -> Any:
        made = components[table["use"]]
        return lambda own=None: made

    return evolve(run, component=component)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run in a folder of its own."""
    return make_run(tmp_path / "run")


@pytest.fixture
def make() -> SimpleNamespace:
    """What tests are made of."""
    return SimpleNamespace(drawn=drawn, pair=pair, listed=Listed, memory=Memory, with_components=with_components)

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field

from pairsmith.images import DirectoryImageStore
from pairsmith.interfaces import Run
from pairsmith.values import Claim, Image, Judged, Response, Sample, Verdict, user


@define
class View:
    """A run's view that holds what a test puts into it."""

    directory: Path
    notes: list[dict[str, Any]] = field(factory=list)
    rows: dict[tuple[str, str], list[dict[str, Any]]] = field(factory=dict)
    verdicts: dict[str, list[tuple[Judged, dict[str, list[Verdict]]]]] = field(factory=dict)
    states: dict[str, dict[str, Any]] = field(factory=dict)

    def evaluations(self) -> list[dict[str, Any]]:
        return self.notes

    def scored(self, benchmark: str, model: str) -> Iterator[dict[str, Any]]:
        return iter(self.rows[benchmark, model])

    def stages(self) -> dict[str, dict[str, Any]]:
        return self.states

    def opinions(self, of: str = "") -> Iterator[tuple[Judged, dict[str, list[Verdict]]]]:
        return iter(self.verdicts.get(of, []))


class Chair:
    """False mentions of all mentions."""

    def metrics(self, sums):
        return {"chair": 100 * sums["false"] / sums["all"] if sums.get("all") else 0.0, "length": sums.get("all", 0)}


@pytest.fixture
def view(tmp_path: Path) -> View:
    return View(tmp_path)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(directory=tmp_path, images=DirectoryImageStore(tmp_path), component=lambda kind, table, where: Chair)


@pytest.fixture
def judged():
    """Makes a sample of answers, each a text, or a text and a label; and claims if asked for."""

    def make(name: str, *answers: str | tuple[str, str], claims: int = 0) -> Judged:
        given = [(one, "") if isinstance(one, str) else one for one in answers]
        responses = tuple(
            Response(id=f"{name}/{n}", sample_id=name, text=text, label=label) for n, (text, label) in enumerate(given)
        )
        every = tuple(
            Claim(id=f"{one.id}#{n}", response_id=one.id, aspect="object", text=f"a *thing* {n}")
            for one in responses
            for n in range(claims)
        )
        image = Image(path=Path(f"images/{name}.png"), id=name)
        return Judged(sample=Sample(id=name, images=(image,), prompt=user("?")), responses=responses, claims=every)

    return make

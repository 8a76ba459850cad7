"""An option that matters to scores only scores the same answers again and asks nobody."""

import json
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from attrs import evolve, field, frozen

from doubles import Benchmark, Check, Decomposer, Family, Generator, Judge, Loss, Selector, Source, Trainer
from pairsmith import hookimpl
from pairsmith.component import Component
from pairsmith.interfaces import Run, Scores
from pairsmith.options import read
from pairsmith.recipe import Document, Use, resolve
from pairsmith.registry import Registry
from pairsmith.runner import asking_key, component_key
from pairsmith.start import start


@frozen(kw_only=True)
class Options:
    folder: Path = field(metadata={"help": "pictures"})
    unit: int = field(default=1, metadata={"help": "what lengths are divided by", "scores_only": True})
    words: Path | None = field(default=None, metadata={"help": "a file", "scores_only": True})


def files(options: Options) -> list[Path]:
    return [path for path in (options.words,) if path]


class Lengths(Benchmark):
    def __init__(self, options: Options, run: Run) -> None:
        super().__init__(options.folder)
        self.unit = options.unit

    def score(self, samples: Any, responses: Any) -> Scores:
        scores = super().score(samples, responses)
        return evolve(scores, metrics={"length": scores.metrics["length"] / self.unit})


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Registry:
    made = Registry()
    places = {"x:Lengths": Lengths, "x:files": files}
    monkeypatch.setattr("pairsmith.component.resolve", lambda target: places[target])
    offered = Component(name="lengths", factory="x:Lengths", options=Options, inputs="x:files", summary="Lengths.")
    made.add("pairsmith-x", lambda: SimpleNamespace(pairsmith_benchmarks=hookimpl(lambda: [offered])))
    return made


def go(folder: Path, registry: Registry, generator: Generator, **options: Any) -> dict[str, Any]:
    tables = {
        "schema": 1,
        "model": {"use": Family(folder / "base")},
        "images": {"use": Source(folder / "pictures")},
        "image_check": {"use": Check()},
        "responses": {"use": Generator()},
        "claims": {"use": Decomposer()},
        "judges": [{"use": Judge()}],
        "pairs": {"use": Selector()},
        "loss": {"use": Loss()},
        "train": {"use": Trainer()},
        "evaluation": {"use": generator},
        "benchmarks": [{"use": "lengths", "folder": str(folder / "bench"), **options}],
        "reports": [],
    }
    document = Document(name="test", tables=tables)
    run = start(document, out=folder / "runs" / str(options.get("unit", 1)), progress=Quiet(), registry=registry)
    return json.loads((run / "stages" / "evaluate-lengths-base" / "scores.json").read_text())


class Quiet:
    def say(self, line: str) -> None: ...

    def stage(self, name: str, total: int | None, done: int = 0) -> Any:
        return nullcontext(SimpleNamespace(advance=lambda *_, **__: None))


def test_the_same_answers_are_scored_again(tmp_path: Path, registry: Registry) -> None:
    generator = Generator()
    first = go(tmp_path, registry, generator)
    asked = generator.calls
    assert asked
    second = go(tmp_path, registry, generator, unit=2)
    assert second["metrics"]["length"] == first["metrics"]["length"] / 2
    assert generator.calls == asked
    assert go(tmp_path, registry, generator, unit=2) == second


def use(registry: Registry, **options: Any) -> Use:
    component = registry.find("benchmarks", "lengths")
    return Use(kind="benchmarks", where="b", offer=component, options=read(options, Options, "b"))


def test_what_is_asked_does_not_depend_on_how_it_is_scored(registry: Registry, tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_text("one")
    plain, other = use(registry, folder="f"), use(registry, folder="f", unit=2, words=str(words))
    assert asking_key(plain) == asking_key(other)
    assert component_key(plain) != component_key(other)
    assert asking_key(plain) != asking_key(use(registry, folder="g"))
    before = component_key(other)
    words.write_text("two")
    assert component_key(other) != before


def test_a_recipe_without_such_options_has_the_key_it_had(tmp_path: Path) -> None:
    recipe = resolve(
        Document(name="t", tables={"schema": 1, "images": {"use": Source(tmp_path)}, "image_check": {"use": Check()}}),
        Registry(),
    )
    assert asking_key(recipe.images) == component_key(recipe.images)

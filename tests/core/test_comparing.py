"""Models are evaluated after a run and without one, and nothing is answered twice."""

import json
import shutil
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from attrs import evolve, field, frozen

from doubles import Benchmark, Check, Decomposer, Family, Generator, Judge, Loss, Selector, Source, Trainer
from pairsmith import comparing, hookimpl
from pairsmith.comparing import evaluate_model, evaluate_run, score_answers
from pairsmith.component import Component, NoOptions
from pairsmith.directory import RunDirectory
from pairsmith.errors import ComponentNotFoundError, OptionsError, UsageError
from pairsmith.interfaces import Run, Scores
from pairsmith.recipe import Document, Recipe, resolve
from pairsmith.registry import Registry
from pairsmith.start import start
from pairsmith.view import DirectoryView


@frozen(kw_only=True)
class Options:
    path: str = field(metadata={"help": "a folder"})
    unit: int = field(default=1, metadata={"help": "what lengths are divided by"})


class Lengths(Benchmark):
    def __init__(self, options: Options, run: Run) -> None:
        super().__init__(Path(options.path))
        self.unit = options.unit

    def score(self, samples: Any, responses: Any) -> Scores:
        sums = [{"answers": 1, "length": len(one.text)} for one in responses]
        return evolve(super().score(samples, responses), sums=sums, lower_is_better=("length",))


class Adapted(Family):
    """Its models answer with their names."""

    def __init__(self, options: Options, run: Run) -> None:
        super().__init__(Path(options.path))

    def fingerprint(self, weights: Any) -> str:
        return f"{weights.path} {weights.adapter}"


class Quiet:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.lines.append(line)

    def stage(self, name: str, total: int | None, done: int = 0) -> Any:
        return nullcontext(SimpleNamespace(advance=lambda *_, **__: None))


@pytest.fixture
def generator() -> Generator:
    return Generator()


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch, generator: Generator) -> Registry:
    made = Registry()
    from pairsmith.builtin import pairsmith_image_sources

    own = pairsmith_image_sources()
    places = {
        "x:Lengths": Lengths,
        "x:Adapted": Adapted,
        "x:Generator": lambda options, run: generator,
        "x:Check": lambda options, run: Check(),
    }
    monkeypatch.setattr("pairsmith.component.resolve", lambda target: places[target])
    offers = {
        "benchmarks": [Component(name="lengths", factory="x:Lengths", options=Options, summary="Lengths.")],
        "model_families": [Component(name="adapted", factory="x:Adapted", options=Options, summary="A family.")],
        "generators": [Component(name="gen", factory="x:Generator", options=NoOptions, summary="Answers.")],
        "image_checks": [Component(name="any", factory="x:Check", options=NoOptions, summary="Takes all.")],
        "image_sources": [one for one in own if one.name == "none"],
    }
    hooks = {f"pairsmith_{kind}": hookimpl(lambda found=found: list(found)) for kind, found in offers.items()}
    made.add("pairsmith-x", lambda: SimpleNamespace(**hooks))
    return made


def tables(folder: Path, generator: Generator) -> dict[str, Any]:
    return {
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
        "benchmarks": [{"use": "lengths", "path": str(folder / "bench")}],
        "reports": [],
    }


@pytest.fixture
def recipe(tmp_path: Path, registry: Registry, generator: Generator, monkeypatch: pytest.MonkeyPatch) -> Recipe:
    """A recipe of objects, which a later process could not look up; here it is taken from the one before."""
    made = resolve(Document(name="test", tables=tables(tmp_path, generator)), registry)
    monkeypatch.setattr(comparing, "resolve", lambda document, registry: made)
    return made


def trained(folder: Path, registry: Registry, generator: Generator, until: str | None = None) -> Path:
    document = Document(name="test", tables=tables(folder, generator))
    return start(document, out=folder / "runs" / "one", progress=Quiet(), registry=registry, until=until)


def scores(run: Path) -> dict[tuple[str, str], dict[str, Any]]:
    return {(one["benchmark"], one["model"]): dict(one) for one in DirectoryView(run).evaluations()}


def test_what_a_run_has_evaluated_is_not_asked_again(
    tmp_path: Path, registry: Registry, generator: Generator, recipe: Recipe
) -> None:
    run = trained(tmp_path, registry, generator)
    asked, before = generator.calls, scores(run)
    assert set(before) == {("lengths", "base"), ("lengths", "trained")}
    evaluate_run(run, [], Quiet(), registry)
    assert (generator.calls, scores(run)) == (asked, before)
    shutil.rmtree(run / "stages" / "evaluate-lengths-trained")
    evaluate_run(run, [], Quiet(), registry)
    assert (generator.calls, scores(run)) == (asked + 1, before)
    (run / "stages" / "evaluate-lengths-base" / "scores.json").unlink()
    evaluate_run(run, [], Quiet(), registry)
    assert (generator.calls, scores(run)) == (asked + 1, before)


def test_each_item_keeps_its_image_and_what_it_adds(
    tmp_path: Path, registry: Registry, generator: Generator, recipe: Recipe
) -> None:
    run = trained(tmp_path, registry, generator)
    rows = list(DirectoryView(run).scored("lengths", "base"))
    assert len(rows) == 4
    assert all(row["sums"] == {"answers": 1, "length": len(row["response"])} for row in rows)
    assert len({row["images"][0] for row in rows}) == 4
    table = scores(run)["lengths", "base"]["table"]
    assert table == {"use": "pairsmith-x/lengths", "path": str(tmp_path / "bench"), "unit": 1}


def test_another_benchmark_takes_no_place_of_the_recipes(
    tmp_path: Path, registry: Registry, generator: Generator, recipe: Recipe
) -> None:
    run = trained(tmp_path, registry, generator)
    before = scores(run)
    other = {"use": "lengths", "path": str(tmp_path / "bench"), "unit": 2}
    evaluate_run(run, [other], Quiet(), registry)
    after = scores(run)
    assert {key: value for key, value in after.items() if key in before} == before
    ((new, _), _) = sorted(after.keys() - before.keys())
    assert new.startswith("lengths-")
    asked = generator.calls
    evaluate_run(run, [other], Quiet(), registry)
    evaluate_run(run, [{"use": "lengths", "path": str(tmp_path / "bench")}], Quiet(), registry)
    assert generator.calls == asked
    assert scores(run) == after


def test_a_run_that_has_not_trained_yet_says_so(
    tmp_path: Path, registry: Registry, generator: Generator, recipe: Recipe
) -> None:
    run = trained(tmp_path, registry, generator, until="pairs")
    with pytest.raises(UsageError, match=r"has not finished 'train' yet; 'pairsmith run .*' goes on with it"):
        evaluate_run(run, [], Quiet(), registry)
    assert not generator.calls


def test_a_recipe_of_benchmarks_alone_evaluates_its_model(
    tmp_path: Path, registry: Registry, generator: Generator
) -> None:
    written = {
        name: value for name, value in tables(tmp_path, generator).items() if name not in {"pairs", "loss", "train"}
    }
    run = start(Document(name="t", tables=written), out=tmp_path / "runs" / "t", progress=Quiet(), registry=registry)
    assert set(scores(run)) == {("lengths", "base")}


def model_tables(folder: Path) -> dict[str, Any]:
    return {
        "model": {"use": "adapted", "path": "m"},
        "evaluation": {"use": "gen"},
        "image_check": {"use": "any"},
        "benchmarks": [{"use": "lengths", "path": str(folder / "bench")}],
    }


def test_a_model_without_a_run(tmp_path: Path, registry: Registry, generator: Generator) -> None:
    out = evaluate_model(model_tables(tmp_path), None, tmp_path / "runs" / "m", Quiet(), registry)
    assert set(scores(out)) == {("lengths", "base")}
    asked = generator.calls
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    other = evaluate_model(model_tables(tmp_path), adapter, tmp_path / "runs" / "a", Quiet(), registry)
    assert set(scores(other)) == {("lengths", "base"), ("lengths", "trained")}
    assert generator.calls == asked + 1  # the base model's answers are those of the run beside it
    again = evaluate_model(model_tables(tmp_path), adapter, tmp_path / "runs" / "a", Quiet(), registry)
    assert (again, generator.calls) == (other, asked + 1)
    assert RunDirectory(other).stage("evaluate-lengths-trained").done() is not None


def test_a_run_that_only_evaluates_is_no_run_to_go_on_with(tmp_path: Path, registry: Registry) -> None:
    out = evaluate_model(model_tables(tmp_path), None, tmp_path / "runs" / "m", Quiet(), registry)
    assert list(DirectoryView(out).judged()) == []


def test_what_cannot_be_begun(tmp_path: Path, registry: Registry) -> None:
    with pytest.raises(UsageError, match="is not a folder"):
        evaluate_model(model_tables(tmp_path), tmp_path / "none", None, Quiet(), registry)
    with pytest.raises(ComponentNotFoundError, match=r"did you mean .lengths."):
        score_answers([{"use": "length", "path": "x"}], {}, None, Quiet(), registry)
    with pytest.raises(OptionsError, match=r"--benchmark lengths\.unitt: unknown option; did you mean 'unit'"):
        score_answers([{"use": "lengths", "path": "x", "unitt": 1}], {}, None, Quiet(), registry)
    with pytest.raises(UsageError, match="goes with one --benchmark"):
        score_answers([{"use": "lengths", "path": "x"}] * 2, {}, None, Quiet(), registry)


def test_answers_made_elsewhere(tmp_path: Path, registry: Registry) -> None:
    first, second = tmp_path / "first.jsonl", tmp_path / "second.jsonl"
    first.write_text("".join(json.dumps({"id": f"s{n}", "answer": "x" * n}) + "\n" for n in (0, 1, 2, 3, 9)))
    second.write_text("".join(json.dumps({"id": f"s{n}", "answer": "yy"}) + "\n" for n in (0, 1, 1)))
    said = Quiet()
    use = {"use": "lengths", "path": str(tmp_path / "bench")}
    out = score_answers([use], {"a": first, "b": second}, tmp_path / "out", said, registry)
    found = scores(out)
    assert found["lengths", "a"]["metrics"] == {"length": 2, "scored": 3, "empty": 1, "unknown": 1}
    assert found["lengths", "b"]["metrics"] == {"length": 2, "scored": 1, "empty": 0, "missing": 2, "double": 1}
    assert set(found["lengths", "b"]["lower_is_better"]) == {"length", "empty", "missing", "double"}
    assert "a: 1 answers are empty and not scored, such as 's0'" in said.lines
    assert "b: 1 items have two answers or more, and none of those is scored, such as 's1'" in said.lines
    rows = list(DirectoryView(out).scored("lengths", "b"))
    assert [row.get("problem") for row in rows] == [None, "double", "missing", "missing"]
    assert [row["sums"] for row in rows] == [{"answers": 1, "length": 2}, {}, {}, {}]
    again = score_answers([use], {"a": first, "b": second}, tmp_path / "out", Quiet(), registry)
    assert scores(again) == found

"""A benchmark's ``judge`` is a table of the recipe: read, checked and counted with it, and no part of what is asked."""

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from attrs import evolve, field, frozen

import pairsmith_benchmarks
from pairsmith import hookimpl
from pairsmith.check import check
from pairsmith.component import Component, Needs, resolve
from pairsmith.errors import RecipeError
from pairsmith.evaluation import table_of
from pairsmith.interfaces import Run
from pairsmith.recipe import Document, Use
from pairsmith.recipe import resolve as read
from pairsmith.registry import Registry
from pairsmith.runner import asking_key, component_key
from pairsmith.values import Response
from pairsmith.within import builder


@frozen(kw_only=True)
class Options:
    size: int = field(default=1, metadata={"help": "a size"})
    path: Path | None = field(default=None, metadata={"help": "a file"})


class Rater:
    def __init__(self, options: Options, run: Run) -> None:
        self.size = options.size

    def respond(self, samples: Any, **_: Any) -> list[list[Response]]:
        return [[Response(id="r", sample_id=one.id, text=f"Rating: {self.size}")] for one in samples]


def files(options: Options) -> list[Path]:
    return [options.path] if options.path else []


def needs(options: Options) -> Needs:
    return Needs(downloads=["org/judge"], calls_per_sample=options.size, environment=["NO_SUCH_KEY"])


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Registry:
    places = {"x:Rater": Rater, "x:files": files, "x:needs": needs}
    monkeypatch.setattr("pairsmith.component.resolve", lambda target: places.get(target) or resolve(target))
    rater = Component(name="rater", factory="x:Rater", options=Options, inputs="x:files", needs="x:needs", summary="R.")
    other = [Component(name="other", factory="x:Rater", options=Options, summary="Something.")]
    kinds = ("generators", "model_families", "image_sources", "image_checks")
    hooks = {
        f"pairsmith_{kind}": hookimpl(lambda kind=kind: [*other, rater] if kind == "generators" else other)
        for kind in kinds
    }
    made = Registry()
    made.add("pairsmith-x", lambda: SimpleNamespace(**hooks))
    made.add("pairsmith-benchmarks", lambda: pairsmith_benchmarks)
    return made


@pytest.fixture
def folder(tmp_path: Path, folders: SimpleNamespace) -> Path:
    made = Path(folders.mmhal(tmp_path / "mmhal")["path"])
    (made / "eval_gpt4.py").write_text('template = """{} {} {} {}"""\n')
    return made


def tables(folder: Path, judge: Mapping[str, Any]) -> dict[str, Any]:
    used = {name: {"use": "other"} for name in ("model", "images", "image_check", "evaluation")}
    benchmark = {"use": "mmhal-bench", "path": str(folder), "judge": judge}
    return {"schema": 1, **used, "benchmarks": [benchmark]}


def benchmark(folder: Path, registry: Registry, **judge: Any) -> Use:
    document = Document(name="r", tables=tables(folder, {"use": "rater", **judge}))
    return read(document, registry).benchmarks[0]


RECIPE = """schema = 1
model = {{ use = "other" }}
images = {{ use = "other" }}
image_check = {{ use = "other" }}
evaluation = {{ use = "other" }}
[[benchmarks]]
use = "mmhal-bench"
path = "{folder}"
judge = {{ use = "rater", {option} = 3 }}
"""


def test_check_counts_what_a_judge_of_a_benchmark_needs(tmp_path: Path, folder: Path, registry: Registry) -> None:
    path = tmp_path / "r.toml"
    path.write_text(RECIPE.format(folder=folder, option="size"))
    said = check(path, (), registry)
    assert "  benchmarks[0].judge      pairsmith-x/rater" in said
    assert said[-4:] == [
        "downloads org/judge",
        "not set: the environment variable NO_SUCH_KEY",
        "judge calls of benchmarks: about 3 an item and model",
        "fits",
    ]


def test_check_refuses_a_judge_that_does_not_fit(tmp_path: Path, folder: Path, registry: Registry) -> None:
    path = tmp_path / "r.toml"
    path.write_text(RECIPE.format(folder=folder, option="sise"))
    with pytest.raises(RecipeError, match=r"benchmarks\[0\]\.judge\.sise: unknown option; did you mean 'size'"):
        check(path, (), registry)


@pytest.mark.parametrize("name", ["mmhal-bench", "object-halbench", "mm-vet", "llava-bench", "hallusion-bench", "mt-bench", "alpaca-eval"])  # fmt: skip
def test_every_benchmark_with_a_judge_names_its_kind(registry: Registry, name: str) -> None:
    options = registry.find("benchmarks", name).component.options_class
    (judge,) = (one for one in options.__attrs_attrs__ if one.name == "judge")
    assert (judge.metadata["component"], judge.metadata["scores_only"]) == ("generators", True)


def test_who_judges_changes_the_scores_and_not_what_is_asked(tmp_path: Path, folder: Path, registry: Registry) -> None:
    rules = tmp_path / "rules.txt"
    rules.write_text("one")
    one, two = benchmark(folder, registry), benchmark(folder, registry, size=2, path=str(rules))
    assert one.inner[0].key() != two.inner[0].key()
    assert component_key(one) != component_key(two)
    asked, scored = asking_key(two), component_key(two)
    assert asking_key(one) == asked
    assert "inner" not in asked, "samples that were asked before keep their key"
    rules.write_text("two")
    assert asking_key(two) == asked
    assert component_key(two) != scored


def test_it_is_built_and_asked_as_before(folder: Path, registry: Registry, run: Run) -> None:
    use = benchmark(folder, registry, size=4)
    asking = evolve(run, component=builder(registry, lambda: asking))
    scores = use.build(asking).score_answers([("0", "A cat.")])
    assert scores.metrics["score[rater]"] == 4
    assert (table_of(use) or {})["judge"] == {"use": "rater", "size": 4}

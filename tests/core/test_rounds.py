"""Rounds: the model of the round before answers, is judged and trained again, and nothing of it is made twice."""

from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from attrs import define, field

import pairsmith.builtin
from doubles import Benchmark, Decomposer, Family, Generator, Judge, Loss, Selector, Source, Trainer
from pairsmith import comparing, hookimpl, names, rejudging
from pairsmith.comparing import evaluate_run
from pairsmith.component import Component, NoOptions
from pairsmith.errors import RecipeError, StageError
from pairsmith.interfaces import Run
from pairsmith.recipe import Document, Recipe, resolve
from pairsmith.registry import Registry
from pairsmith.rejudging import ask_again
from pairsmith.shard import Shard
from pairsmith.start import start
from pairsmith.view import DirectoryView

ROUNDS = {"n": 3}


class Quiet:
    def say(self, line: str) -> None: ...

    def stage(self, name: str, total: int | None, done: int = 0) -> Any:
        return nullcontext(SimpleNamespace(advance=lambda *_, **__: None))


@define
class Stubborn(Judge):
    """Raises when it is shown an answer that holds a word, for as long as there is one."""

    refuses: str = field(default="", init=False)

    def judge(self, cases: Any) -> Any:
        if self.refuses and any(self.refuses in one.text for case in cases for one in case.responses):
            msg = "the server is gone"
            raise ConnectionError(msg)
        return super().judge(cases)


class Speaker(Generator):
    """Answers with the folder its model was trained in."""

    def __init__(self, options: object, run: Run, log: list[Any]) -> None:
        super().__init__(n=2)
        assert run.weights is not None
        self.name = Path(run.weights.path).parents[1].name if "output" in run.weights.path else "base"
        self.log = log

    def respond(self, samples: Any, *, seed: int, greedy: bool = False) -> Any:
        self.log.append((self.name, greedy, [sample.id for sample in samples]))
        from attrs import evolve

        rows = super().respond(samples, seed=seed, greedy=greedy)
        return [[evolve(one, text=f"{one.text}, says {self.name}") for one in row] for row in rows]


@pytest.fixture
def log() -> list[Any]:
    return []


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch, log: list[Any]) -> Registry:
    made = Registry()
    made.add("pairsmith", lambda: pairsmith.builtin)
    from pairsmith.component import resolve as ordinary

    def resolved(target: str) -> Any:
        return (lambda options, run: Speaker(options, run, log)) if target == "x:Speaker" else ordinary(target)

    monkeypatch.setattr("pairsmith.component.resolve", resolved)
    offer = Component(name="speaker", factory="x:Speaker", options=NoOptions, summary="Answers.")
    made.add("pairsmith-x", lambda: SimpleNamespace(pairsmith_generators=hookimpl(lambda: [offer])))
    return made


@pytest.fixture
def tables(tmp_path: Path) -> dict[str, Any]:
    return {
        "schema": 1,
        "part_size": 4,
        "rounds": dict(ROUNDS),
        "model": {"use": Family(tmp_path / "base")},
        "images": {"use": Source(tmp_path / "pictures")},
        "image_check": {"use": "none"},
        "responses": {"use": "speaker"},
        "claims": {"use": Decomposer()},
        "judges": [{"use": Stubborn()}],
        "pairs": {"use": Selector()},
        "loss": {"use": Loss()},
        "train": {"use": Trainer()},
        "control": {"pairs": {"use": Selector()}},
        "benchmarks": [{"use": Benchmark(tmp_path / "bench")}],
        "reports": [],
    }


def go(folder: Path, tables: dict[str, Any], registry: Registry, **how: Any) -> Path:
    document = Document(name="test", tables=tables)
    return start(document, out=folder / "runs" / "one", progress=Quiet(), registry=registry, **how)


def recipe(tables: dict[str, Any], registry: Registry) -> Recipe:
    return resolve(Document(name="test", tables=tables), registry)


def test_the_model_of_the_round_before_answers_and_is_trained_further(
    tmp_path: Path, tables: dict[str, Any], registry: Registry, log: list[Any]
) -> None:
    run = go(tmp_path, tables, registry)
    asked = [(name, ids) for name, greedy, ids in log if not greedy]
    by = {name: [one for other, ids in asked if other == name for one in ids] for name, _ in asked}
    assert list(by) == ["base", "train", "round-2"]
    assert sorted(one for ids in by.values() for one in ids) == sorted(
        f"s{n}" for n in range(10)
    )  # no picture is in two rounds
    assert [len(ids) for ids in by.values()] == [4, 3, 3]
    trained = [(items, Path(weights.path).parts[-3:]) for items, weights in tables["train"]["use"].trained]
    first, control, second, third = trained
    assert first[1][-1] == control[1][-1] == "base"
    assert first[0] == control[0] == [f"p-{one}" for one in by["base"]]
    assert second == ([f"p-{one}" for one in by["train"]], ("train", "output", "model"))
    assert third == ([f"p-{one}" for one in by["round-2"]], ("round-2", "output", "model"))
    view = DirectoryView(run)
    assert [one["model"] for one in view.evaluations()] == ["base", "round-1", "round-2", "trained", "control"]
    answered_by = [name for name, greedy, _ in log if greedy]
    assert answered_by == ["base", "train", "round-2", "round-3", "control-train"]
    assert [item.value.chosen.text.rpartition(" ")[2] for item in view.items()] == ["round-2"] * 3
    assert {judged.sample.id for judged in view.judged()} == {f"s{n}" for n in range(10)}
    assert all(state["done"] for state in view.stages().values())
    assert list(view.stages()) == list(names.ordered(recipe(tables, registry)))


def test_a_run_that_was_stopped_in_a_later_round_goes_on_there(
    tmp_path: Path, tables: dict[str, Any], registry: Registry, log: list[Any]
) -> None:
    judge, trainer = tables["judges"][0]["use"], tables["train"]["use"]
    judge.refuses = "says round-2"
    with pytest.raises(StageError, match="verdicts-1-stubborn-round-3: ConnectionError: the server is gone"):
        go(tmp_path, tables, registry)
    asked, trained = len(log), len(trainer.trained)
    judge.refuses = ""
    go(tmp_path, tables, registry)
    assert [greedy for _, greedy, _ in log[asked:]] == [True] * 5  # nothing but the benchmark was answered
    assert len(trainer.trained) == trained + 1
    asked = len(log)
    go(tmp_path, tables, registry)
    assert len(log) == asked


def test_what_changes_one_rounds_model_changes_the_rounds_after_it_only(
    tmp_path: Path, tables: dict[str, Any], registry: Registry, log: list[Any]
) -> None:
    """A twin that selects differently has the answers of the first round, and asks for those of the second."""
    run = go(tmp_path, tables, registry)
    del log[:]

    class Other(Selector):
        revision = 2

    twin = start(
        Document(name="test", tables={**tables, "pairs": {"use": Other()}}),
        out=tmp_path / "runs" / "two",
        progress=Quiet(),
        registry=registry,
    )
    keys = [DirectoryView(one).stages() for one in (run, twin)]
    same = {name for name in keys[0] if keys[0][name]["key"] == keys[1][name]["key"]}
    assert {"responses", "claims", "samples-round-3", "control-train"} <= same
    assert not same & {"pairs", "train", "responses-round-2", "verdicts-1-stubborn-round-2", "round-2"}
    assert {name for name, greedy, _ in log if not greedy} == {"train", "round-2"}


def test_every_round_may_have_all_samples(
    tmp_path: Path, tables: dict[str, Any], registry: Registry, log: list[Any]
) -> None:
    tables["rounds"] = {"n": 2, "samples": "same"}
    run = go(tmp_path, tables, registry)
    by = {
        name: [one for other, greedy, ids in log if other == name and not greedy for one in ids] for name, _, _ in log
    }
    assert by["base"] == [f"s{n}" for n in range(10)]
    assert by["train"] == [f"s{n}@2" for n in range(10)]
    assert len({judged.sample.id for judged in DirectoryView(run).judged()}) == 20


def test_trainings_before_the_last_are_done_once(tmp_path: Path, tables: dict[str, Any], registry: Registry) -> None:
    tables["stages"] = [{"name": "sft"}, {"name": "dpo"}]
    run = go(tmp_path, tables, registry)
    starts = [Path(weights.path).parts[-3] for _, weights in tables["train"]["use"].trained[1:]]
    assert starts == ["sft", "sft", "dpo", "round-2-dpo"]
    assert DirectoryView(run).document["trainings"] == ["sft", "dpo", "round-2-dpo", "round-3-dpo"]


def test_one_round_is_a_recipe_without_rounds(tables: dict[str, Any], registry: Registry) -> None:
    one = list(names.ordered(recipe({**tables, "rounds": {"n": 1}}, registry)))
    del tables["rounds"]
    assert one == list(names.ordered(recipe(tables, registry)))
    assert "samples-round-1" not in one


def test_the_stages_of_rounds_come_in_the_order_of_their_work(tables: dict[str, Any], registry: Registry) -> None:
    tables["rounds"] = {"n": 2}
    assert list(names.ordered(recipe(tables, registry))) == [
        "images",
        "samples-round-1", "responses", "claims", "verdicts-1-stubborn", "pairs", "reference", "train",
        "control-pairs", "control-reference", "control-train",
        "samples-round-2", "responses-round-2", "claims-round-2", "verdicts-1-stubborn-round-2",
        "round-2-pairs", "round-2-reference", "round-2",
        "benchmark-benchmark", "evaluate-benchmark-base", "evaluate-benchmark-round-1", "evaluate-benchmark-trained",
        "evaluate-benchmark-control",
    ]  # fmt: skip


def test_rounds_are_evaluated_where_that_is_wanted(tables: dict[str, Any], registry: Registry) -> None:
    assert names.models(recipe({**tables, "evaluate": ["trained", "base"]}, registry)) == ["base", "trained"]
    assert names.models(recipe({**tables, "evaluate": ["rounds"]}, registry)) == ["round-1", "round-2"]


def test_a_training_may_not_be_called_as_a_round(tables: dict[str, Any], registry: Registry) -> None:
    tables["stages"] = [{"name": "round-2"}, {"name": "train"}]
    with pytest.raises(RecipeError, match=r"the name 'round-2' of one of .* makes a folder 'round-2'"):
        names.check_names(recipe(tables, registry))


@pytest.mark.parametrize(("without", "said"), [
    ("train", "train: is missing; [rounds] train again on what the model of the round before answers"),
    ("responses", "responses: is missing; in [rounds] the model of the round before answers, through a generator"),
])  # fmt: skip
def test_rounds_need_who_answers_and_who_trains(
    tables: dict[str, Any], registry: Registry, without: str, said: str
) -> None:
    for name in (without, "control", "benchmarks"):
        del tables[name]
    with pytest.raises(RecipeError) as error:
        recipe(tables, registry)
    assert said in str(error.value)


@pytest.mark.parametrize(("rounds", "said"), [
    ({"n": 0}, "rounds.n: 'n' must be >= 1: 0"),
    ({"n": 2, "samples": "new"}, "rounds.samples: expected one of 'fresh', 'same', got 'new'"),
    ({"number": 2}, "rounds.number: unknown option"),
])  # fmt: skip
def test_a_fault_in_rounds_is_one_line(
    tables: dict[str, Any], registry: Registry, rounds: dict[str, Any], said: str
) -> None:
    with pytest.raises(RecipeError) as error:
        recipe({**tables, "rounds": rounds}, registry)
    assert said in str(error.value)


def test_a_round_without_a_sample_says_so(tmp_path: Path, tables: dict[str, Any], registry: Registry) -> None:
    with pytest.raises(StageError, match="samples-round-3: there are fewer samples than the 3 rounds that share them"):
        go(tmp_path, tables, registry, limit=2)


@pytest.mark.parametrize("until", ["responses", "pairs", "reference"])
def test_what_stops_before_the_first_training_ends_stops_in_the_first_round(
    tmp_path: Path, tables: dict[str, Any], registry: Registry, log: list[Any], until: str
) -> None:
    run = go(tmp_path, tables, registry, until=until)
    assert {name for name, _, _ in log} == {"base"}
    assert not any("round-2" in name for name, state in DirectoryView(run).stages().items() if state["key"])


def test_judges_are_reported_on_over_all_rounds(
    tmp_path: Path, tables: dict[str, Any], registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = go(tmp_path, tables, registry)
    made = recipe(tables, registry)
    for module in (rejudging, comparing):
        monkeypatch.setattr(module, "resolve", lambda document, registry: made)
    ask_again(run, swap=False, repeat=1, progress=Quiet(), registry=registry)
    for of in ("", "repeat-1"):
        found = list(DirectoryView(run).opinions(of))
        assert {judged.sample.id for judged, _ in found} == {f"s{n}" for n in range(10)}
        assert all(list(by) == ["verdicts-1-stubborn"] and by["verdicts-1-stubborn"] for _, by in found)


def test_a_run_of_rounds_is_evaluated_again(
    tmp_path: Path, tables: dict[str, Any], registry: Registry, log: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = go(tmp_path, tables, registry, until="train")
    made = recipe(tables, registry)
    monkeypatch.setattr(comparing, "resolve", lambda document, registry: made)
    del log[:]
    evaluate_run(run, (), Quiet(), registry)
    assert [name for name, _, _ in log] == ["base", "train", "round-2", "round-3", "control-train"]
    assert len(DirectoryView(run).evaluations()) == 5


def test_shares_of_the_first_round_are_taken_over(
    tmp_path: Path, tables: dict[str, Any], registry: Registry, log: list[Any]
) -> None:
    """What later rounds need, a trained model, no share has: each ends with the first round's verdicts."""
    document = Document(name="test", tables=tables)
    for number in (1, 2):
        out = tmp_path / f"machine-{number}" / f"share-{number}"
        start(document, out=out, progress=Quiet(), registry=registry, share=Shard(number, 2))
        states = DirectoryView(out).stages()
        begun = [name for name, state in states.items() if state["parts"]]
        assert begun == ["images", "samples-round-1", "responses", "claims", "verdicts-1-stubborn"]
        assert [states[name]["parts"] for name in begun] == [3, *[{1: 2, 2: 1}[number]] * 4]
        (tmp_path / "runs").mkdir(exist_ok=True)
        out.rename(tmp_path / "runs" / out.name)
    shared = sorted(one for name, greedy, ids in log if not greedy for one in ids)
    del log[:]
    run = go(tmp_path, tables, registry)
    assert shared == ["s0", "s3", "s6", "s9"]
    assert "base" not in {name for name, greedy, _ in log if not greedy}
    assert all(state["done"] for state in DirectoryView(run).stages().values())

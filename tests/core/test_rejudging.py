"""Judges of a run are asked again, apart from what they said before; verdicts in files are read as those of a run."""

import json
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from attrs import define, field, frozen

from doubles import Check, Decomposer, Family, Generator, Source
from doubles import Judge as ClaimJudge
from pairsmith import hookimpl, rejudging
from pairsmith.cases import opposite
from pairsmith.component import Component
from pairsmith.errors import PairsmithError, UsageError
from pairsmith.grading import GradingOptions, labelled
from pairsmith.interfaces import Run
from pairsmith.recipe import Document, resolve
from pairsmith.registry import Registry
from pairsmith.rejudging import ask_again
from pairsmith.start import start
from pairsmith.values import Case, Response, Sample, Verdict, user
from pairsmith.verdict_files import VerdictFiles
from pairsmith.view import DirectoryView


class Quiet:
    def say(self, line: str) -> None: ...

    def stage(self, name: str, total: int | None, done: int = 0) -> Any:
        return nullcontext(SimpleNamespace(advance=lambda *_, **__: None))


@define
class FirstBest:
    """Prefers what it is shown first; notes in which order that was."""

    aspects: tuple[str, ...] | None = ()
    shown: list[list[str]] = field(factory=list, init=False)

    def judge(self, cases: list[Case]) -> list[list[Verdict]]:
        self.shown += [[one.id for one in case.responses] for case in cases]
        return [
            [Verdict(judge="first", response_id=one.id, score=float(-n)) for n, one in enumerate(case.responses)]
            for case in cases
        ]


@pytest.fixture
def judges() -> list[Any]:
    return [FirstBest(), ClaimJudge()]


@pytest.fixture
def run(tmp_path: Path, judges: list[Any], monkeypatch: pytest.MonkeyPatch) -> Path:
    tables = {
        "schema": 1,
        "part_size": 2,
        "images": {"use": Source(tmp_path / "pictures", 3)},
        "image_check": {"use": Check()},
        "responses": {"use": Generator()},
        "claims": {"use": Decomposer()},
        "judges": [{"use": one} for one in judges],
        "reports": [],
    }
    document = Document(name="t", tables=tables)
    made = start(document, out=tmp_path / "runs" / "t", until="verdicts", progress=Quiet(), registry=Registry())
    monkeypatch.setattr(
        rejudging, "resolve", lambda document, registry: resolve(Document(name="t", tables=tables), registry)
    )
    return made


def test_each_judge_has_its_verdicts(run: Path) -> None:
    found = list(DirectoryView(run).opinions())
    assert [judged.sample.id for judged, _ in found] == ["s0", "s1", "s2"]
    assert all(list(by) == ["verdicts-1-firstbest", "verdicts-2-judge"] for _, by in found)
    assert all({verdict.judge for verdict in by["verdicts-1-firstbest"]} == {"first"} for _, by in found)
    assert all(judged.claims for judged, _ in found)
    assert next(iter(DirectoryView(run).opinions("swapped")))[1] == {}


def test_the_opposite_order_is_for_judges_of_whole_answers(run: Path, judges: list[Any]) -> None:
    before = list(DirectoryView(run).opinions())
    ask_again(run, swap=True, repeat=0, progress=Quiet(), registry=Registry())
    assert judges[0].shown[3:] == [ids[::-1] for ids in judges[0].shown[:3]]
    found = list(DirectoryView(run).opinions("swapped"))
    assert all(list(by) == ["verdicts-1-firstbest"] for _, by in found)
    first = {verdict.response_id: verdict.score for verdict in found[0][1]["verdicts-1-firstbest"]}
    assert first == {"s0/2": 0, "s0/1": -1, "s0/0": -2}
    assert list(DirectoryView(run).opinions()) == before


def test_a_judge_that_draws_its_order_is_shown_the_opposite_one(
    run: Path, judges: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[list[str]] = []

    def judge(cases: list[Case]) -> list[list[Verdict]]:
        shown = [list(labelled(case, GradingOptions(), seed=5).values()) for case in cases]
        drawn.extend([one.id for one in order] for order in shown)
        return [[Verdict(judge="d", response_id=one.id, score=0.0) for one in order] for order in shown]

    monkeypatch.setattr(judges[0].__class__, "judge", lambda self, cases: judge(cases))
    ask_again(run, swap=True, repeat=1, progress=Quiet(), registry=Registry())
    repeated, swapped = drawn[:3], drawn[3:]
    assert all(len(order) == 3 for order in repeated)
    assert swapped == [order[::-1] for order in repeated]


def test_whatever_order_is_drawn_the_opposite_one_turns_every_two_answers_round() -> None:
    for n in range(20):
        given = tuple(Response(id=str(k), sample_id=f"s{n}", text="") for k in range(3 + n % 3))
        case = Case(sample=Sample(id=f"s{n}", prompt=user("?")), responses=given)
        for options in (GradingOptions(), GradingOptions(shuffle=False)):
            before, after = (list(labelled(one, options, seed=1).values()) for one in (case, opposite(case)))
            assert after == before[::-1]
        assert opposite(opposite(case)) == case


def test_repeats_are_asked_once(run: Path, judges: list[Any]) -> None:
    ask_again(run, swap=False, repeat=2, progress=Quiet(), registry=Registry())
    asked = len(judges[0].shown), len(judges[1].shown)
    assert asked[0] == 3 * 3
    ask_again(run, swap=False, repeat=2, progress=Quiet(), registry=Registry())
    assert (len(judges[0].shown), len(judges[1].shown)) == asked
    view = DirectoryView(run)
    assert [by for _, by in view.opinions("repeat-2")] == [by for _, by in view.opinions()]
    assert not next(iter(view.opinions("repeat-3")))[1]


def test_a_judge_asks_again_in_a_folder_of_its_own(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers that were paid for are kept in the run's folder; there they would be found, and taken for second ones."""
    seen: list[Run] = []
    lazy = rejudging.Lazy
    monkeypatch.setattr(rejudging, "Lazy", lambda use, run: seen.append(run) or lazy(use, run))
    ask_again(run, swap=False, repeat=2, progress=Quiet(), registry=Registry())
    folders = [one.directory for one in seen]
    assert len(set(folders)) == 4
    # A journal looks into what lies beside its own folder as well.
    assert all(len({folder.parent for folder in folders}) == 4 and run in folder.parents for folder in folders)


def test_a_judge_that_has_not_finished_is_named(run: Path) -> None:
    (run / "stages" / "verdicts-2-judge" / "done.json").unlink()
    with pytest.raises(UsageError, match="has not finished 'verdicts-2-judge' yet"):
        ask_again(run, swap=False, repeat=1, progress=Quiet(), registry=Registry())


@frozen(kw_only=True)
class OwnOptions:
    model: Mapping[str, Any] = field(metadata={"help": "a model of its own", "component": "model_families"})


@frozen(kw_only=True)
class FolderOptions:
    path: Path = field(metadata={"help": "a model"})


@pytest.mark.parametrize("base", [True, False], ids=["with a base model", "without"])
def test_a_judge_with_a_model_of_its_own_asks_that_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, base: bool
) -> None:
    asked: list[str] = []

    def judge(options: OwnOptions, run: Run) -> FirstBest:
        asked.append(run.weights.path if run.weights else "nothing")
        return FirstBest()

    places = {"x:judge": judge, "x:family": lambda options, run: Family(options.path)}
    monkeypatch.setattr("pairsmith.component.resolve", lambda target: places[target])
    judges = [Component(name="own", factory="x:judge", options=OwnOptions, summary="Judges.")]
    families = [Component(name="folder", factory="x:family", options=FolderOptions, summary="A model.")]
    hooks = {"pairsmith_judges": hookimpl(lambda: judges), "pairsmith_model_families": hookimpl(lambda: families)}
    registry = Registry()
    registry.add("pairsmith-x", lambda: SimpleNamespace(**hooks))
    tables = {
        "schema": 1,
        **({"model": {"use": Family(tmp_path / "base")}} if base else {}),
        "images": {"use": Source(tmp_path / "pictures", 3)},
        "image_check": {"use": Check()},
        "responses": {"use": Generator()},
        "judges": [{"use": "own", "model": {"use": "folder", "path": str(tmp_path / "own")}}],
        "reports": [],
    }
    document = Document(name="t", tables=tables)
    made = start(document, out=tmp_path / "runs" / "t", until="verdicts", progress=Quiet(), registry=registry)
    monkeypatch.setattr(rejudging, "resolve", lambda *_: resolve(document, registry))
    ask_again(made, swap=True, repeat=1, progress=Quiet(), registry=registry)
    assert asked == [str(tmp_path / "own")] * 3
    for again in ("repeat-1", "swapped"):
        key = json.loads((made / "stages" / f"{again}-verdicts-1-own" / "key.json").read_text())
        assert key["made_from"]["weights"] == str(tmp_path / "own")


# Files ---------------------------------------------------------------------------------------------------------------


def write(path: Path, *rows: Any) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


ROW = {"judge": "gpt", "sample": "s", "response": "r1", "score": 3}


def test_verdicts_made_elsewhere(tmp_path: Path) -> None:
    rows = [
        {**ROW, "text": "A cat.", "label": "chosen", "image": "s.png"},
        {**ROW, "response": "r2", "score": 1},
        {**ROW, "judge": "people", "score": None, "outcome": "supported", "claim": "c", "statement": "a cat"},
        {**ROW, "of": "swapped", "score": 2},
    ]
    view = VerdictFiles(tmp_path, [write(tmp_path / "v.jsonl", *rows)])
    ((judged, by_judge),) = view.opinions()
    assert [one.text for one in judged.responses] == ["A cat.", ""]
    assert judged.claims[0].text == "a cat"
    assert {name: [one.score for one in verdicts] for name, verdicts in by_judge.items()} == {
        "gpt": [3, 1],
        "people": [None],
    }
    ((_, swapped),) = view.opinions("swapped")
    assert [one.score for one in swapped["gpt"]] == [2]


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ([{"judge": "gpt", "sample": "s"}], r"row 1 \(line 1\) must have a text 'response'"),
        ([{**ROW, "score": None}], "a verdict needs an outcome or a score"),
        ([{**ROW, "outcome": "perhaps"}], "'outcome' must be in"),
        ([ROW, {**ROW, "score": 4}], "row 2 .* is a second verdict of judge 'gpt' on 'r1', after .*row 1"),
    ],
)
def test_rows_that_are_no_verdicts(tmp_path: Path, rows: list[Any], problem: str) -> None:
    with pytest.raises(PairsmithError, match=problem):
        list(VerdictFiles(tmp_path, [write(tmp_path / "v.jsonl", *rows)]).opinions())

"""Samples that a component failed on: counted, named, asked again, and gone on without where the recipe allows it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field

from doubles import Benchmark, Decomposer, Family, Generator, Judge
from pairsmith.cli import main
from pairsmith.component import Component, Needs
from pairsmith.errors import StageError
from pairsmith.recipe import Document, resolve
from pairsmith.registry import Registry
from pairsmith.values import Case, Claim, Failed, Sample, Verdict
from pairsmith.view import DirectoryView
from test_pipeline import go, stage, tables


@define
class Flaky(Generator):
    """Fails on the samples it is told to."""

    options = None  # what fails today may do tomorrow
    bad: set[str] = field(factory=set)
    asked: list[str] = field(factory=list, init=False)

    def respond(self, samples: Sequence[Sample], *, seed: int, greedy: bool = False) -> list[Any]:
        self.asked += [sample.id for sample in samples]
        given = super().respond(samples, seed=seed, greedy=greedy)
        return [
            Failed(reason=f"no answer to {sample.id}") if sample.id in self.bad else responses
            for sample, responses in zip(samples, given, strict=True)
        ]

    def facts(self) -> dict[str, Any]:
        return {"calls": self.calls}


@define
class FlakyJudge(Judge):
    """Fails on the samples it is told to, whatever it is asked about them."""

    options = None  # what fails today may do tomorrow
    bad: set[str] = field(factory=set)

    def judge(self, cases: Sequence[Case]) -> list[Any]:
        given = super().judge(cases)
        return [
            Failed(reason="hung up") if case.sample.id in self.bad else one
            for case, one in zip(cases, given, strict=True)
        ]


@define
class FlakyDecomposer(Decomposer):
    """Does a part at once, and fails on one sample."""

    bad: str
    calls: int = field(default=0, init=False)

    def decompose_many(self, cases: Sequence[Case]) -> list[list[Claim] | Failed]:
        self.calls += 1
        return [
            Failed(reason="hung up") if case.sample.id == self.bad else self.decompose(case.sample, case.responses)
            for case in cases
        ]


def test_the_run_ends_with_a_count_after_every_sample_was_tried(tmp_path: Path) -> None:
    generator = Flaky(bad={"s1", "s2", "s9"})
    with pytest.raises(
        StageError, match="3 of 10 samples failed, and max_failures allows 0; the first, 's1': no answer"
    ):
        go(tmp_path, tables(tmp_path, responses={"use": generator}))
    assert generator.asked == [f"s{n}" for n in range(10)]


def test_a_resumed_run_asks_only_for_the_parts_with_failures_and_then_equals_a_whole_one(tmp_path: Path) -> None:
    generator = Flaky(bad={"s1", "s9"})
    wanted = tables(tmp_path, responses={"use": generator})
    with pytest.raises(StageError):
        go(tmp_path, wanted)
    generator.bad, generator.asked = set(), []
    broken = go(tmp_path, wanted)
    assert generator.asked == ["s0", "s1", "s2", "s3", "s8", "s9"]
    whole = go(tmp_path, tables(tmp_path, responses={"use": Flaky()}), out=tmp_path / "apart" / "whole")
    for name in ("responses", "claims", "verdicts-1-judge", "pairs"):
        parts = [stage(run, name).path(part).read_bytes() for run in (broken, whole) for part in range(3)]
        assert parts[:3] == parts[3:], name


def test_a_recipe_may_allow_failures_and_their_reasons_are_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = go(tmp_path, tables(tmp_path, responses={"use": Flaky(bad={"s1", "s9"})}, max_failures=2))
    view = DirectoryView(run)
    assert view.stages()["responses"]["counts"] == {"failed": 2, "responses": 24}
    assert view.stages()["responses"]["facts"] == {"calls": 3}
    assert list(view.dropped("responses")) == [
        {"id": "s1", "reason": "failed", "detail": "no answer to s1"},
        {"id": "s9", "reason": "failed", "detail": "no answer to s9"},
    ]
    assert sum(1 for _ in view.items()) == 8
    assert main(["status", str(run)]) == 0
    said = capsys.readouterr().out
    assert "2 failed" in said
    assert "calls 3" in said


def test_one_failure_more_than_allowed_stops_the_run(tmp_path: Path) -> None:
    with pytest.raises(StageError, match="2 of 10 samples failed, and max_failures allows 1"):
        go(tmp_path, tables(tmp_path, responses={"use": Flaky(bad={"s1", "s9"})}, max_failures=1))


def test_a_failed_judge_leaves_skipped_verdicts_with_the_reason(tmp_path: Path) -> None:
    run = go(tmp_path, tables(tmp_path, judges=[{"use": FlakyJudge(bad={"s3"})}], max_failures=1))
    by_sample = {judged.sample.id: judged.verdicts for judged in DirectoryView(run).judged()}
    assert {(verdict.outcome, verdict.reason) for verdict in by_sample["s3"]} == {("skipped", "failed: hung up")}
    assert len(by_sample["s3"]) == len(by_sample["s4"])
    assert stage(run, "verdicts-1-flakyjudge").done()["counts"]["failed"] == 1


def test_a_failed_judge_of_whole_answers_skips_each(tmp_path: Path) -> None:
    class Whole(FlakyJudge):
        def judge(self, cases: Sequence[Case]) -> list[Any]:
            return [
                Failed(reason="hung up")
                if case.sample.id in self.bad
                else [Verdict(judge="j", response_id=response.id, score=1.0) for response in case.responses]
                for case in cases
            ]

    judge = Whole(aspects=(), bad={"s3"})
    run = go(tmp_path, {**tables(tmp_path, judges=[{"use": judge}], max_failures=1), "claims": {"use": Decomposer()}})
    by_sample = {judged.sample.id: judged.verdicts for judged in DirectoryView(run).judged()}
    assert [verdict.outcome for verdict in by_sample["s3"]] == ["skipped"] * 3


def test_a_decomposer_may_take_a_part_at_once_and_fail_on_a_sample(tmp_path: Path) -> None:
    decomposer = FlakyDecomposer("s5")
    run = go(tmp_path, tables(tmp_path, claims={"use": decomposer}, max_failures=1))
    assert decomposer.calls == 3
    claims = {judged.sample.id: len(judged.claims) for judged in DirectoryView(run).judged()}
    assert claims == {f"s{n}": 0 if n == 5 else 6 for n in range(10)}


def test_what_was_made_from_fewer_failures_is_not_taken_for_what_was_made_from_more(tmp_path: Path) -> None:
    generator, judge = Flaky(bad={"s1"}), Judge()
    lax = tables(tmp_path, responses={"use": generator}, judges=[{"use": judge}], max_failures=1)
    go(tmp_path, lax)
    generator.bad, judge.shown = set(), []
    strict = go(tmp_path, {**lax, "max_failures": 0}, out=tmp_path / "runs" / "two")
    assert stage(strict, "responses").done()["counts"] == {"responses": 30}
    assert {judged.sample.id: len(judged.verdicts) for judged in DirectoryView(strict).judged()}["s1"] == 6
    assert len(judge.shown) == 60


def test_facts_are_kept_where_a_stage_stops(tmp_path: Path) -> None:
    with pytest.raises(StageError):
        go(tmp_path, tables(tmp_path, responses={"use": Flaky(bad={"s1"})}))
    assert json.loads((tmp_path / "runs/one/stages/responses/facts.json").read_text()) == {"calls": 3}


def test_a_model_that_is_evaluated_may_not_fail(tmp_path: Path) -> None:
    more = {"model": {"use": Family(tmp_path / "base")}, "benchmarks": [{"use": Benchmark(tmp_path / "bench")}]}
    wanted = tables(tmp_path, responses={"use": Flaky(bad={"s1"})}, max_failures=5, **more)
    with pytest.raises(StageError, match="evaluate-benchmark-base: 1 of 4 samples failed; the first, 's1'") as error:
        go(tmp_path, wanted)
    assert "max_failures" not in str(error.value)


def test_a_negative_number_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="max_failures: 'max_failures' must be >= 0: -1"):
        resolve(Document(name="test", tables=tables(tmp_path, max_failures=-1)), Registry())


def test_check_names_an_environment_variable_that_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    from pairsmith import check

    class Offer:
        component = Component(name="x", factory="test_failures:no", summary="s", needs="test_failures:needs_a_key")

    class Use:
        offer, options, where = Offer, None, "judges[0]"

    monkeypatch.setattr(check, "located", lambda use, shipped: use)
    monkeypatch.delenv("A_KEY_OF_THE_TEST", raising=False)
    recipe: Any = type("R", (), {"uses": lambda self: [Use()]})()
    registry: Any = type("G", (), {"models": lambda self: {}})()
    assert check._needs(recipe, registry) == ["not set: the environment variable A_KEY_OF_THE_TEST"]
    monkeypatch.setenv("A_KEY_OF_THE_TEST", "1")
    assert check._needs(recipe, registry) == []


def needs_a_key(options: object) -> Needs:
    return Needs(environment=("A_KEY_OF_THE_TEST",))

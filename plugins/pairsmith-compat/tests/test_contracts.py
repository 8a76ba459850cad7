"""Every wrapper keeps the contract of its kind, around a component of the core or of these tests."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from pairsmith.interfaces import Kind, Run
from pairsmith.testing import (
    CorruptionContract,
    DecomposerContract,
    GeneratorContract,
    ImageSourceContract,
    JudgeContract,
    LossContract,
    PairSelectorContract,
    TrainerContract,
    make_run,
)
from pairsmith.values import Case, Claim, Pair, Response, Sample, Verdict, user


class Source:
    def samples(self, start: int = 0):
        return (Sample(id=f"s{n}", prompt=user("What?")) for n in range(start, 3))


class Generator:
    def respond(self, samples, *, seed: int, greedy: bool = False):
        return [
            [
                Response(id=f"{one.id}/{k}", sample_id=one.id, text=f"{0 if greedy else seed}\nand {k}")
                for k in range(1 if greedy else 2)
            ]
            for one in samples
        ]


class Judge:
    """Supports what is above and contradicts the rest."""

    aspects = ("spatial",)

    def judge(self, cases):
        return [
            [
                Verdict(
                    judge="j",
                    response_id=one.response_id,
                    claim_id=one.id,
                    outcome="supported" if one.data.get("direction") == "top" else "contradicted",
                )
                for one in case.claims
            ]
            for case in cases
        ]


class Worse:
    axis = "image"

    def __init__(self, run: Run) -> None:
        self._run = run

    def corrupt_images(self, sample, others, *, seed: int):
        return tuple(self._run.images.add_bytes(f"{seed}".encode(), ".png") for _ in sample.images), {"seed": seed}


class Decomposer:
    """Says of every text what a model might."""

    def replies(self, texts):
        said = {
            "entity": "Things: (dog); (man)",
            "attribute": "(red, dog)",
            "relation": "(dog, near, man)",
            "count": "NONE",
        }
        return [said for _ in texts]


class Selector:
    def select(self, judged, *, seed: int):
        if not judged.responses:
            return []
        one, *_, other = judged.responses
        return [Pair(id=f"{judged.sample.id}:p", sample=judged.sample, chosen=one, rejected=other)]


class Trainer:
    def launch(self, worker):
        return ["torchrun", *worker]

    def reference_settings(self):
        return {"precision": "fp32"}


def with_doubles(tmp_path: Path) -> Run:
    """A run whose components are those above, whatever is asked for."""
    run = make_run(tmp_path / "run")

    def component(kind: Kind, table: Mapping[str, Any], where: str):
        made = {
            "image_sources": Source,
            "generators": Generator,
            "judges": Judge,
            "corruptions": lambda: Worse(run),
            "decomposers": Decomposer,
            "pair_selectors": Selector,
            "trainers": Trainer,
        }
        return lambda own=None: made[kind]()

    return evolve(run, component=component)


class Doubled:
    def make_run(self, tmp_path: Path) -> Run:
        return with_doubles(tmp_path)


class TestSource(Doubled, ImageSourceContract):
    name = "pairsmith-compat/reworded"
    options = {"source": {"use": "x"}, "system": "Be kind."}


class TestGenerator(Doubled, GeneratorContract):
    name = "pairsmith-compat/reworded"
    options = {"generator": {"use": "x"}, "after": "\n", "one_line": True}


class TestClaims(Doubled, DecomposerContract):
    name = "pairsmith-compat/published-claims"
    options = {"decomposer": {"use": "x"}}


class TestFreshDraws(Doubled, PairSelectorContract):
    name = "pairsmith-compat/fresh-draws"
    options = {"selector": {"use": "x"}}


class TestTrainer(Doubled, TrainerContract):
    name = "pairsmith-compat/reworded"
    options = {"trainer": {"use": "x"}, "system": "Be kind."}


class TestSpatial(Doubled, JudgeContract):
    name = "pairsmith-compat/published-spatial"
    options = {"judge": {"use": "x"}}


class TestAnswers(Doubled, JudgeContract):
    name = "pairsmith-compat/published-answers"
    options = {"judge": {"use": "x"}}


class TestObjects(Doubled, PairSelectorContract):
    name = "pairsmith-compat/published-objects"
    options = {"selector": {"use": "x"}}


class TestByRow(Doubled, CorruptionContract):
    name = "pairsmith-compat/by-row"
    options = {"corruption": {"use": "x"}}


class TestDpo(LossContract):
    name = "pairsmith-compat/published-dpo"


class TestDecompGensDpo(LossContract):
    name = "pairsmith-compat/published-dpo"
    options = {"reference": "mean"}


# What each of them brings back ---------------------------------------------------------------------------------------


def made(kind: Kind, name: str, run: Run, **table: Any) -> Any:
    from pairsmith.options import read
    from pairsmith.registry import Registry

    component = Registry.discover().find(kind, f"pairsmith-compat/{name}").component
    return component.build(read(table, component.options_class, name), run)


def test_above_is_judged_as_below_and_below_is_never_so(tmp_path: Path) -> None:
    """The double supports what is above: as published it is asked whether it is below, and finds that it is not."""
    claims = tuple(
        Claim(id=way, response_id="r", aspect="spatial", text=way, data={"direction": way}) for way in ("top", "left")
    )
    case = Case(sample=Sample(id="s", prompt=user("?")), responses=(), claims=claims)
    judge = made("judges", "published-spatial", with_doubles(tmp_path), judge={"use": "x"})
    (verdicts,) = judge.judge([case])
    assert [one.outcome for one in verdicts] == ["contradicted", "contradicted"]
    assert [one.outcome for one in Judge().judge([case])[0]] == ["supported", "contradicted"]


def test_what_is_below_is_contradicted_even_where_it_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Yes(Judge):
        def judge(self, cases):
            said = ("supported", "supported", "skipped")
            return [
                [
                    Verdict(judge="j", response_id="r", claim_id=one.id, outcome=outcome, reason="no box")
                    for one, outcome in zip(case.claims, said, strict=True)
                ]
                for case in cases
            ]

    monkeypatch.setitem(globals(), "Judge", Yes)
    ways = (("above", "top"), ("below", "bottom"), ("unseen", "bottom"))
    claims = tuple(Claim(id=n, response_id="r", aspect="spatial", text=n, data={"direction": way}) for n, way in ways)
    case = Case(sample=Sample(id="s", prompt=user("?")), responses=(), claims=claims)
    (verdicts,) = made("judges", "published-spatial", with_doubles(tmp_path), judge={"use": "x"}).judge([case])
    assert [(one.claim_id, one.outcome) for one in verdicts] == [
        ("above", "supported"),
        ("below", "contradicted"),
        ("unseen", "skipped"),
    ]


def test_a_row_is_corrupted_the_same_way_whatever_the_seed(tmp_path: Path) -> None:
    run = with_doubles(tmp_path)
    corruption = made("corruptions", "by-row", run, corruption={"use": "x"})
    images = (run.images.add_bytes(b"a", ".png"),)
    one, other = (Sample(id=name, images=images, prompt=user("?")) for name in "ab")
    assert corruption.corrupt_images(one, (), seed=1) == corruption.corrupt_images(one, (), seed=2)
    assert corruption.corrupt_images(one, (), seed=1) != corruption.corrupt_images(other, (), seed=1)


def test_words_go_around_the_last_question_and_answers_on_one_line(tmp_path: Path) -> None:
    from pairsmith_compat.options import Wording
    from pairsmith_compat.wording import reworded

    wording = Wording(system="Be kind.", before="Well, ", after="\n")
    (system, question) = reworded(user("what?"), wording)
    assert (system.role, system.text, question.text) == ("system", "Be kind.", "Well, what?\n")
    assert reworded((system, *user("what?")), Wording(system="Other."))[0].text == "Be kind."
    table = {"generator": {"use": "x"}, "one_line": True}
    generator = made("generators", "reworded", with_doubles(tmp_path), **table)
    sample = Sample(id="s", prompt=user("what?"))
    assert [one.text for one in generator.respond([sample], seed=7)[0]] == ["7 and 0", "7 and 1"]
    kept = made("generators", "reworded", with_doubles(tmp_path), **table, after="!", keep_prompt=False)
    assert kept.respond([sample], seed=7)[0][0].prompt == user("what?!")

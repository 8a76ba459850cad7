"""What DecompGen's scores count: things by a list and in the singular, and yes anywhere in an answer."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from attrs import evolve

from pairsmith.testing import make_run
from pairsmith.values import Case, Claim, Failed, Judged, Response, Sample, Verdict, user
from pairsmith_compat.answering import PublishedAnswers
from pairsmith_compat.options import AnswersOptions, ObjectsOptions
from pairsmith_compat.scoring import PublishedObjects
from pairsmith_compat.things import UNCOUNTED, singular

SAMPLE = Sample(id="s", prompt=user("?"))


def objects(selector: Any, tmp_path: Path, **options: Any) -> PublishedObjects:
    run = evolve(make_run(tmp_path), component=lambda *_: lambda _: selector)
    return PublishedObjects(ObjectsOptions(selector={"use": "x"}, **options), run)


def judged(*things: tuple[str, str], judge: str = "owl-vit") -> Judged:
    """Answers that each name a thing, with a verdict on its being there and one on its colour."""
    claims = [
        Claim(id=f"{n}{aspect}", response_id=str(n), aspect=aspect, text=name, data={"object": name})
        for n, (name, _) in enumerate(things)
        for aspect in ("object", "attribute")
    ]
    verdicts = [
        Verdict(judge=judge, response_id=one.response_id, claim_id=one.id, outcome=things[int(one.response_id)][1])
        for one in claims
    ]
    responses = tuple(Response(id=str(n), sample_id="s", text=name) for n, (name, _) in enumerate(things))
    return Judged(sample=SAMPLE, responses=responses, claims=tuple(claims), verdicts=tuple(verdicts))


def outcomes(made: Judged) -> list[tuple[str | None, str | None]]:
    return [(made.verdicts[n].outcome, made.verdicts[n + 1].outcome) for n in range(0, len(made.verdicts), 2)]


def test_a_thing_of_the_list_does_not_count_but_what_is_said_of_it(tmp_path: Path) -> None:
    told = judged(("field", "contradicted"), ("Field", "contradicted"), ("dog", "supported"))
    assert outcomes(objects(None, tmp_path).counted(told)) == [
        ("skipped", "contradicted"),
        ("contradicted", "contradicted"),  # letters are compared as they are
        ("supported", "supported"),
    ]
    assert outcomes(objects(None, tmp_path, uncounted=("dog",)).counted(told))[2] == ("skipped", "supported")
    assert len(set(UNCOUNTED)) == len(UNCOUNTED) == 81


def test_a_plural_is_there_where_any_answer_has_the_singular(tmp_path: Path) -> None:
    told = judged(("dogs", "contradicted"), ("dog", "supported"), ("cats", "contradicted"), ("Men", "supported"))
    assert outcomes(objects(None, tmp_path).counted(told)) == [
        ("supported", "contradicted"),
        ("supported", "supported"),
        ("contradicted", "contradicted"),
        ("supported", "supported"),
    ]
    worse = judged(("dogs", "supported"), ("dog", "contradicted"))
    assert outcomes(objects(None, tmp_path).counted(worse))[0] == ("contradicted", "supported")


@pytest.mark.parametrize(("name", "one"), [
    ("people", "person"), ("firemen", "fireman"), ("Wine Glasses", "wine glass"), ("benches", "bench"), ("boxes", "box"),
    ("buses", "bus"), ("berries", "berry"), ("shelves", "shelf"), ("glass", "glass"), ("gas", "gas"), ("women", "woman"),
    ("omen", "omen"), ("tennis", "tennis"), ("cars on street", "cars on street"),
])  # fmt: skip
def test_singulars(name: str, one: str) -> None:
    assert singular(name) == one


def test_the_selector_inside_sees_what_counts_everywhere(tmp_path: Path) -> None:
    seen: list[Judged] = []
    selector = SimpleNamespace(
        survey=lambda everything: seen.extend(one for one, _ in everything),
        select=lambda judged, seed: seen.append(judged) or [],
    )
    made = objects(selector, tmp_path)
    told = judged(("city", "contradicted"))
    made.survey([(told, 0)])
    made.select(told, seed=0)
    assert [outcomes(one) for one in seen] == [[("skipped", "contradicted")]] * 2


@pytest.mark.parametrize(("said", "outcome", "read"), [
    ("yes", "supported", "supported"), ("Yes, it is.", "supported", "supported"), ("eyes", "skipped", "supported"),
    ("it is red", "skipped", "contradicted"), ("no, yes", "contradicted", "supported"), ("", "skipped", "contradicted"),
])  # fmt: skip
def test_yes_counts_anywhere_and_all_else_is_no(tmp_path: Path, said: str, outcome: Any, read: str) -> None:
    def verdict(**evidence: Any) -> Verdict:
        return Verdict(judge="vqa", response_id="r", claim_id="c", outcome=outcome, reason="?", evidence=evidence)

    kept_out = evolve(verdict(answer=said, grammar=0.1, sentence=False), outcome="skipped")
    unasked = evolve(verdict(), outcome="skipped")
    given = [[verdict(answer=said)], [kept_out], [unasked], Failed(reason="gone")]
    inside = SimpleNamespace(aspects=("attribute",), judge=lambda _: given)
    run = evolve(make_run(tmp_path), component=lambda *_: lambda _: inside)
    judge = PublishedAnswers(AnswersOptions(judge={"use": "vqa"}), run)
    assert judge.aspects == ("attribute",)
    first, *rest = judge.judge([Case(sample=SAMPLE, responses=())] * 4)
    assert [one.outcome for one in first] == [read]
    assert rest == [(kept_out,), (unasked,), Failed(reason="gone")]

"""Beams and drawn answers, as DecompGen asked: the library's own, and the same whatever is asked beside."""

from pathlib import Path

import pytest
import torch
from attrs import evolve

from pairsmith.errors import OptionsError, StageError
from pairsmith.options import read
from pairsmith.testing import make_run
from pairsmith.values import Case, Claim, Image, Response, Sample, user
from pairsmith_vqa.judge import Vqa
from pairsmith_vqa.options import VqaOptions

WORDS = {"dog": "brown", "table": "red", "cat": "on the table", "man": "two"}


def judge(models: dict[str, str], folder: Path, kind: str, seed: int = 0, **more) -> Vqa:
    return Vqa(VqaOptions(model=models[kind], **more), evolve(make_run(folder / "run"), seed=seed))


def case(path: Path, *things: str) -> Case:
    sample = Sample(id="s", images=(Image(path=path),), prompt=user("?"))
    claims = [
        Claim(id=name, response_id="r", aspect="attribute", text="?", data={"object": name, "attribute": WORDS[name]})
        for name in things
    ]
    return Case(sample=sample, responses=(Response(id="r", sample_id="s", text="?"),), claims=tuple(claims))


def told(made: Vqa, cases: list[Case]) -> dict[str, str]:
    return {verdict.claim_id: verdict.evidence["answer"] for verdicts in made.judge(cases) for verdict in verdicts}


@pytest.mark.parametrize("kind", ["blip", "blip-2-t5", "blip-2-opt", "llava"])
def test_beams_are_the_librarys(kind: str, models, pictures, tmp_path: Path, monkeypatch) -> None:
    """What generate returns for the settings, cut where the prompt ends; yes and no are as without beams."""
    from transformers import GenerationMixin

    seen: list[dict] = []
    own = GenerationMixin.generate

    def generate(self, *args, **settings):
        seen.append({name: settings[name] for name in ("num_beams", "do_sample", "length_penalty") if name in settings})
        return own(self, *args, **settings)

    monkeypatch.setattr(GenerationMixin, "generate", generate)
    cases = [case(pictures[0], *WORDS)]
    greedy = judge(models, tmp_path / "a", kind)
    searched = judge(models, tmp_path / "b", kind, beams=2, length_penalty=-1.0)
    one, other = ([dict(verdict.evidence) for verdict in made.judge(cases)[0]] for made in (greedy, searched))
    assert [answer["yes"] for answer in other] == pytest.approx([answer["yes"] for answer in one], abs=2e-3)
    assert seen[-1] == {"num_beams": 2, "do_sample": False, "length_penalty": -1.0}
    assert seen[0] == {"num_beams": 1, "do_sample": False}
    assert greedy.answers.path.name != searched.answers.path.name


def test_a_drawn_answer_depends_on_the_question_and_the_seed_alone(models, pictures, tmp_path: Path) -> None:
    how = {"temperature": 1.0, "top_k": 50, "beams": 2, "length_penalty": -1.0}
    first = judge(models, tmp_path / "a", "blip", **how)
    whole = told(first, [case(pictures[0], *WORDS)])
    assert first.answers.calls == len(WORDS), "one question at a time"
    torch.rand(7)
    apart = judge(models, tmp_path / "b", "blip", **how)
    assert {**told(apart, [case(pictures[0], "man", "cat")]), **told(apart, [case(pictures[0], *WORDS)])} == whole
    other = judge(models, tmp_path / "c", "blip", seed=1, **how)
    assert told(other, [case(pictures[0], *WORDS)]) != whole
    assert other.answers.path.name != first.answers.path.name
    assert told(judge(models, tmp_path / "d", "blip"), [case(pictures[0], *WORDS)]) != whole


def test_what_means_nothing_is_refused(models, tmp_path: Path) -> None:
    with pytest.raises(OptionsError, match="answer = 'p-yes' reads a probability and no words"):
        read({"answer": "p-yes", "beams": 2}, VqaOptions, "judges[0]")
    with pytest.raises(StageError, match="chooses among fixed answers; leave out beams and temperature"):
        judge(models, tmp_path, "vilt", temperature=1.0)

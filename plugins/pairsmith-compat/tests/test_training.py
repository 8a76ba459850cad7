"""Losses by hand, answers without an end, and references of whole answers."""

import pickle
from math import exp, log, log1p
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from attrs import evolve

from pairsmith.errors import StageError
from pairsmith.interfaces import EncodedPrompt, Job, LogProbs, Run
from pairsmith.testing import make_run
from pairsmith.values import Cell, Item, Pair, Response, Sample, user
from pairsmith_compat.dpo import PublishedDpo
from pairsmith_compat.family import EndlessCodec, TemplateCodec, WithoutEnd, WithTemplate
from pairsmith_compat.options import (
    DpoOptions,
    FamilyOptions,
    ReferenceOptions,
    RewordedTrainerOptions,
    TemplateOptions,
)
from pairsmith_compat.trainer import PublishedReference, cut
from pairsmith_compat.wording import RewordedTrainer

CHOSEN, REJECTED = Cell("chosen"), Cell("rejected")


def known(*rows: list[float]) -> LogProbs:
    longest = max(map(len, rows))
    tokens = torch.tensor([row + [0.0] * (longest - len(row)) for row in rows])
    return LogProbs(tokens, torch.tensor([[k < len(row) for k in range(longest)] for row in rows]))


POLICY = {CHOSEN: known([-1.0, -2.0, -1.0]), REJECTED: known([-3.0])}
REFERENCE = {CHOSEN: known([-2.0, -2.0, -2.0]), REJECTED: known([-4.0])}


def loss(**options: Any) -> float:
    return float(PublishedDpo(DpoOptions(**options), None)(POLICY, REFERENCE).loss)


def test_without_a_mistake_it_is_dpo() -> None:
    assert loss(beta=0.1) == pytest.approx(log1p(exp(-0.1 * ((-4 + 6) - (-3 + 4)))))
    same = PublishedDpo(DpoOptions(), None)(POLICY, POLICY).loss
    assert float(same) == pytest.approx(log(2))


def test_decompgen_averages_the_reference_and_sums_the_policy() -> None:
    """So the first loss is not ln 2: 0.95 and 1.41 in the published logs."""
    assert loss(beta=0.1, reference="mean") == pytest.approx(log1p(exp(-0.1 * ((-4 + 2) - (-3 + 4)))))
    same = PublishedDpo(DpoOptions(reference="mean"), None)(POLICY, POLICY).loss
    assert abs(float(same) - log(2)) > 0.01


def test_an_empty_answer_of_pds_dpo_counts_as_nothing() -> None:
    """The rejected answer is its end token alone: only the chosen one is pushed up."""
    assert loss(beta=0.1, empty="nothing") == pytest.approx(log1p(exp(-0.1 * (-4 + 6))))


class Codec:
    """Tokens are letters; what follows an answer is <0> and a line break."""

    pad_token, end, own = 1, 0, "mine"

    def response(self, turns: object, text: str) -> tuple[int, ...]:
        return (*map(ord, text), self.end, 10)


def test_answers_lose_their_end_and_what_follows_it() -> None:
    codec = EndlessCodec(Codec())  # type: ignore[arg-type]
    assert codec.response((), "ab") == (97, 98)
    assert codec.response((), "") == ()
    assert (codec.pad_token, codec.end, codec.own) == (1, 0, "mine")
    assert pickle.loads(pickle.dumps(codec)).response((), "a") == (97,)  # noqa: S301 - our own bytes
    with pytest.raises(AttributeError):
        codec.nothing_of_the_kind


def test_a_family_without_end_has_another_fingerprint(tmp_path: Path) -> None:
    inner = SimpleNamespace(weights="w", dtype="bfloat16", fingerprint=lambda _: "abc", codec=lambda _: Codec())
    run: Run = evolve(make_run(tmp_path), component=lambda *_: lambda _: inner)
    family = WithoutEnd(FamilyOptions(family={"use": "x"}), run)
    assert family.fingerprint("w") != "abc"
    assert (family.weights, family.dtype) == ("w", "bfloat16")
    assert family.codec("w").response((), "a") == (97,)
    learning = [WithTemplate(TemplateOptions(family={"use": "x"}, marks=marks), run) for marks in (("a",), ("b",))]
    assert len({one.fingerprint("w") for one in (family, *learning)}) == 3


class Trainer:
    """Gives each token of an answer minus its place, and remembers what it trained on."""

    def launch(self, worker: Any) -> Any:
        return worker

    def reference_settings(self) -> dict[str, Any]:
        return {"precision": "fp32"}

    def reference(self, job: Job, items: Any) -> Any:
        return [
            {
                str(cell): [-float(n) for n, _ in enumerate(item.value.response(cell.response).text)]
                for cell in (CHOSEN, REJECTED)
            }
            for item in items
        ]

    def train(self, job: Job) -> Any:
        return [one.value.chosen.text for one in job.items], [one.value.chosen.text for one in job.items[:1]]


def item(chosen: str, rejected: str) -> Item:
    sample = Sample(id="s", prompt=user("?"))
    one, other = (Response(id=f"s/{k}", sample_id="s", text=text) for k, text in enumerate((chosen, rejected)))
    return Item(value=Pair(id="p", sample=sample, chosen=one, rejected=other))


@pytest.mark.parametrize(
    ("keeps", "expected", "prompted"), [("mean", -2.5, ()), ("sum", -15 / 5, ()), ("mean", -2.5, (1,))]
)
def test_a_cut_answer_is_held_against_the_whole_one(
    tmp_path: Path, keeps: str, expected: float, prompted: tuple[int, ...]
) -> None:
    """'aa bb ' has letters 0 to 5 (mean 2.5, sum 15); of 'aa bb' with its two tokens of an end 7, and cut to 'aa' 4."""

    class Bare(Codec):
        def prompt(self, turns: object, images: object) -> EncodedPrompt:
            return EncodedPrompt(tokens=(1, 2), image_of=(-1, -1), slots=(-1, -1), targets=prompted)

        def response(self, turns: object, text: str) -> tuple[int, ...]:
            return tuple(map(ord, text))

    run: Run = evolve(make_run(tmp_path), component=lambda *_: lambda _: Trainer())
    trainer = PublishedReference(ReferenceOptions(trainer={"use": "x"}, cut_words=2, keeps=keeps), run)  # type: ignore[arg-type]
    family = SimpleNamespace(codec=lambda _: Bare())
    job = SimpleNamespace(family=family, weights=None, loss=SimpleNamespace(cells=(CHOSEN, REJECTED)))
    (row,) = trainer.reference(job, [item("aa bb ", "")])  # type: ignore[arg-type]
    assert row[str(CHOSEN)] == pytest.approx(
        [expected] * (5 + len(prompted))
    )  # what of the prompt is learnt counts too
    assert row[str(REJECTED)] == [0.0] * len(prompted)
    assert trainer.reference_settings() == {"precision": "fp32", "cut_words": 2, "keeps": keeps}
    assert trainer.launch(["python"]) == ["python"]


def test_a_trainer_asks_in_other_words_and_so_does_its_reference(tmp_path: Path) -> None:
    """PDS-DPO answered and judged without Vicuna's system sentence, and trained with it."""
    run: Run = evolve(make_run(tmp_path), component=lambda *_: lambda _: Trainer())
    trainer = RewordedTrainer(RewordedTrainerOptions(trainer={"use": "x"}, system="Be kind.", after="\n"), run)
    own = item("a", "b")
    own = evolve(own, value=evolve(own.value, rejected=evolve(own.value.rejected, prompt=user("Other?"))))
    asked: list[Any] = []
    inner = SimpleNamespace(
        reference=lambda job, items: asked.extend([*job.items, *items]) or ["known"],
        train=lambda job: [*job.items, *job.items[:1]],
        reference_settings=lambda: {"precision": "fp32"},
    )
    trainer._trainer = inner  # type: ignore[assignment]
    job = Job(
        run=run, family=None, weights=None, loss=None, items=[own], reference=None, output=tmp_path, metrics=tmp_path, seed=0,
    )  # fmt: skip
    assert trainer.reference(job, [own]) == ["known"]
    asked += trainer.train(job)
    assert len(asked) == 4
    for one in asked:
        assert [turn.text for turn in one.turns(CHOSEN)] == ["Be kind.", "?\n"]
        assert [turn.text for turn in one.turns(REJECTED)] == ["Be kind.", "Other?\n"]
    words = {"system": "Be kind.", "before": "", "after": "\n"}
    assert trainer.reference_settings() == {"precision": "fp32", "wording": words}


class Words:
    """A tokenizer of four tokens."""

    def get_vocab(self) -> dict[str, int]:
        return {"<|im_start|>": 2, "<|im_end|>": 3}

    def decode(self, tokens: list[int]) -> str:
        return "\n" if tokens == [4] else "x"


class Chat(Codec):
    """Two turns: start x end break, start x break x end break, start x break."""

    processor = SimpleNamespace(tokenizer=Words())

    def prompt(self, turns: object, images: object) -> EncodedPrompt:
        tokens = (2, 9, 3, 4, 2, 9, 4, 9, 3, 4, 2, 9, 4)
        return EncodedPrompt(tokens=tokens, image_of=(-1,) * 13, slots=(-1,) * 13)


def test_the_templates_tokens_are_learnt_but_for_the_first() -> None:
    codec = TemplateCodec(Chat(), ("<|im_start|>", "<|im_end|>"))  # type: ignore[arg-type]
    assert codec.prompt((), ()).targets == (2, 3, 4, 8, 9, 10)  # no break that follows a word
    assert codec.response((), "a") == (97, 0, 10)
    with pytest.raises(StageError, match="the tokenizer has no token '<turn>'"):
        TemplateCodec(Chat(), ("<turn>",))  # type: ignore[arg-type]


def test_training_sees_the_first_words_alone(tmp_path: Path) -> None:
    assert cut(item("one two  three", "four"), 2).value.chosen.text == "one two"
    assert cut(item("one two", "four"), 2).value.rejected.text == "four"
    run: Run = evolve(make_run(tmp_path), component=lambda *_: lambda _: Trainer())
    trainer = PublishedReference(ReferenceOptions(trainer={"use": "x"}, cut_words=1), run)
    job = Job(
        run=run, family=None, weights=None, loss=None, items=[item("a b", "c"), item("d e", "f")], reference=None,
        output=tmp_path, metrics=tmp_path, seed=0,
    )  # fmt: skip
    assert trainer.train(job) == (["a", "d"], ["a"])

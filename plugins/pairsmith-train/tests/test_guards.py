"""What training refuses, and what it says of what it leaves out."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from accelerate.utils import DistributedType
from torch import nn

from pairsmith.errors import StageError
from pairsmith.interfaces import EncodedPrompt, Job, LogProbs, LossTerms, Weights
from pairsmith.testing import make_run
from pairsmith.values import Cell, Image, Item, Pair, Response, Sample, user
from pairsmith_train import engine, fsdp, guards
from pairsmith_train.encode import Encoder
from pairsmith_train.options import LoraOptions, TreeOptions
from pairsmith_train.prepare import prepare
from pairsmith_train.scorer import Scorer
from pairsmith_train.trainable import rows, table
from pairsmith_train.trainer import TreeTrainer

CHOSEN, REJECTED = Cell("chosen"), Cell("rejected")


class Letters:
    """A codec whose tokens are letters, and whose image is four tokens."""

    def prompt(self, turns, images):
        text = "".join(turn.text for turn in turns)
        size = 4 * len(images)
        return EncodedPrompt(
            tokens=(*[0] * size, *map(ord, text)),
            image_of=(*[0] * size, *[-1] * len(text)),
            slots=(*range(size), *[-1] * len(text)),
        )

    def response(self, turns, text):
        return tuple(map(ord, text))

    def positions(self, prompt, length, images):
        return torch.arange(len(prompt.tokens) + length)[None]


class NoPixels(dict):
    def __missing__(self, key):
        return {}


def item(chosen: str, rejected: str, *, prompt: str = "what?", name: str = "p") -> Item:
    sample = Sample(id="s", images=(Image(path=Path("x.png"), id="x"),), prompt=user(prompt))
    answers = [Response(id=f"s/{k}", sample_id="s", text=text) for k, text in enumerate((chosen, rejected))]
    return Item(value=Pair(id=name, sample=sample, chosen=answers[0], rejected=answers[1]))


def encoder(limit: int | None = None, *, cut: bool = False) -> Encoder:
    return Encoder(Letters(), (CHOSEN, REJECTED), limit, cut)


def test_a_pair_that_can_be_trained_on_is_kept() -> None:
    assert encoder().fits(item("yes", "no")) is None
    assert encoder(12).fits(item("yes", "no")) is None, "4 image tokens, 5 of the prompt, 3 of the answer"


@pytest.mark.parametrize(("one", "limit", "cut", "why"), [
    (item("", "no"), None, False, "its chosen answer has no token"),
    (item("yes", ""), None, False, "its rejected answer has no token"),
    (item("yes", "yes"), None, False, "its answers are the same, token for token"),
    (item("yes", "no"), 11, False, "its chosen answer ends at token 12, over 11"),
    (item("yes", "no"), 9, True, "its chosen answer ends at token 12, over 9"),
    (item("yes it is", "yes it was", prompt="?"), 10, True, "its answers are the same, token for token"),
])  # fmt: skip
def test_a_pair_that_cannot_says_why(one: Item, limit: int | None, cut: bool, why: str) -> None:
    assert encoder(limit, cut=cut).fits(one) == why


def test_only_answers_are_cut() -> None:
    cutting = encoder(11, cut=True)
    assert cutting.fits(item("yes", "no")) is None
    assert cutting.is_cut(item("yes", "no"))
    assert not cutting.is_cut(item("ye", "no"))
    lengths = [
        (len(cell.tokens), cell.response, cell.slots[:4]) for cell in cutting.sequences(item("yes", "no"), NoPixels())
    ]
    assert lengths == [(11, 2, (0, 1, 2, 3)), (11, 2, (0, 1, 2, 3))]


class Difference:
    """ln 2 where policy and reference agree."""

    cells = (CHOSEN, REJECTED)
    uses_reference = True

    def __call__(self, policy, reference):
        margin = sum(sign * (policy[cell].sum - reference[cell].sum) for sign, cell in ((1, CHOSEN), (-1, REJECTED)))
        return LossTerms(-nn.functional.logsigmoid(margin), {})


def log_probs(value: float) -> dict[Cell, LogProbs]:
    tokens = torch.full((2, 3), value)
    mask = torch.ones(2, 3, dtype=torch.bool)
    return {CHOSEN: LogProbs(tokens, mask), REJECTED: LogProbs(tokens * 2, mask)}


def test_a_reference_of_another_model_is_refused_at_the_first_step() -> None:
    guards.first_step(Difference(), log_probs(-1.0), log_probs(-1.0), "fp32")
    with pytest.raises(StageError, match=r"a policy that equals its reference gives 0.6931"):
        guards.first_step(Difference(), log_probs(-1.0), log_probs(-1.1), "fp32")


class Tiny(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.vision, self.language = nn.Linear(2, 2), nn.Linear(2, 2)


class TinyFamily:
    def parts(self):
        return {"vision": r"vision\.", "projector": r"projector\.", "language-model": r"language\."}

    def lora_targets(self, scope):
        return r"nothing"


def test_a_part_that_the_model_lacks_cannot_be_trained() -> None:
    with pytest.raises(StageError, match="the model has no parameter in its projector"):
        prepare(Tiny(), TinyFamily(), TreeOptions(parts=("projector",)))
    with pytest.raises(StageError, match="covers no linear module"):
        prepare(Tiny(), TinyFamily(), TreeOptions(lora=LoraOptions(r=2)))


def test_an_adapter_does_not_reach_a_part_that_was_not_asked_for() -> None:
    class Wide(TinyFamily):
        def lora_targets(self, scope):
            return r".*"

    with pytest.raises(
        StageError, match=r"would adapt 'vision' and 0 more modules of the model's vision .*; put 'vision'"
    ):
        prepare(Tiny(), Wide(), TreeOptions(lora=LoraOptions(r=2)))
    prepare(Tiny(), Wide(), TreeOptions(lora=LoraOptions(r=2, scope=("vision", "language-model"))))


def test_the_table_says_what_is_trained() -> None:
    options = TreeOptions(parts=("language-model",), learning_rate=2e-5)
    model = prepare(Tiny(), TinyFamily(), options)
    assert [line.split() for line in table(rows(model, TinyFamily(), options))[1:]] == [
        ["vision", "6", "0"],
        ["language-model", "6", "6", "2e-05", "in", "full"],
    ]
    model.requires_grad_(False)
    with pytest.raises(StageError, match="nothing of the model would be trained"):
        rows(model, TinyFamily(), options)


def test_a_checkpoint_that_lacks_a_trained_weight_is_refused() -> None:
    model = prepare(Tiny(), TinyFamily(), TreeOptions(parts=("language-model",)))
    scorer = Scorer(model, TinyFamily())
    state = scorer.state_dict()
    assert set(state) == {"model.language.weight", "model.language.bias"}, "what is frozen is not stored"
    other = Scorer(prepare(Tiny(), TinyFamily(), TreeOptions(parts=("language-model",))), TinyFamily())
    found = other.load_state_dict({name: value.clone() for name, value in state.items()})
    assert torch.equal(other.model.language.weight, model.language.weight)
    assert not found.missing_keys, "what is frozen is not missing"
    del state["model.language.bias"]
    with pytest.raises(RuntimeError, match=r"lacks 1 of the trained weights, the first is 'model.language.bias'"):
        other.load_state_dict(state)


def test_the_engine_that_runs_is_the_one_that_was_asked_for() -> None:
    zero = TreeOptions(parallel="zero2", processes=2)
    engine.check_running(zero, DistributedType.DEEPSPEED, 2)
    with pytest.raises(StageError, match="'zero2' and accelerate runs MULTI_CPU"):
        engine.check_running(zero, DistributedType.MULTI_CPU, 2)
    with pytest.raises(StageError, match=r"train.processes = 2 and 1 are running"):
        engine.check_running(zero, DistributedType.DEEPSPEED, 1)


def test_fsdp_is_refused_where_accelerate_would_ignore_it() -> None:
    with pytest.raises(StageError, match="'fsdp2' needs CUDA devices"):
        engine.launch(["python", "-m", "worker"], TreeOptions(parallel="fsdp2", processes=2, device="cpu"))


def test_fsdp_wants_layers_by_name() -> None:
    model = Tiny()
    with pytest.raises(StageError, match=r"'fsdp2' shares layers out, and Tiny names none .* take 'zero3'"):
        fsdp.check_layers(Scorer(model, TinyFamily()))
    model._no_split_modules = ["Linear", "NotThere"]
    assert Scorer(model, TinyFamily())._no_split_modules == ["Linear"], "accelerate refuses what the model has not"
    fsdp.check_layers(Scorer(model, TinyFamily()))


@pytest.mark.parametrize(("options", "said"), [
    ({"processes": 2}, "needs a way to share the work"),
    ({"batch_size": 3, "micro_batch_size": 2}, "batch_size = 3 is no multiple of 1 processes x micro_batch_size 2"),
    ({"parallel": "ddp", "processes": 2, "batch_size": 3}, "batch_size = 3 is no multiple of 2 processes"),
    ({"parts": ()}, "must name at least one part"),
    ({"epochs": 0}, "epochs"),
])  # fmt: skip
def test_options_that_cannot_be_meant_are_refused(options, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        TreeOptions(**options)


def test_a_step_is_divided_over_processes_and_passes() -> None:
    options = TreeOptions(batch_size=24, micro_batch_size=4, parallel="ddp", processes=2)
    assert (options.micro, options.accumulated) == (4, 3)
    assert (TreeOptions(batch_size=24).micro, TreeOptions(batch_size=24).accumulated) == (24, 1)


KL = SimpleNamespace(cells=(CHOSEN, REJECTED), uses_reference=True, uses_kl=True)


@pytest.mark.parametrize(("options", "said"), [
    (TreeOptions(parallel="zero3", processes=2, batch_size=2), r"take 'zero2', or train an adapter, \[train.lora\]"),
    (TreeOptions(parallel="fsdp2", processes=2, device="cpu"), "'fsdp2' needs CUDA devices"),
    (TreeOptions(parallel="zero2", processes=2, deepspeed=Path("none.json")), "'none.json' cannot be read as JSON"),
])  # fmt: skip
def test_what_no_model_changes_is_refused_before_any_work(tmp_path: Path, options: TreeOptions, said: str) -> None:
    trainer = TreeTrainer(options, make_run(tmp_path / "run"))
    with pytest.raises(StageError, match=said):
        trainer.check(KL)


def job_of(family: object, items: int, tmp_path: Path) -> Job:
    return Job(
        run=make_run(tmp_path / "run"),
        family=family,
        weights=Weights(path="x"),
        loss=KL,
        items=[item("yes", "no")] * items,
        reference=None,
        output=tmp_path,
        metrics=tmp_path / "metrics.jsonl",
        seed=0,
    )


class Unloaded(TinyFamily):
    """Knows what it is made of, and cannot be loaded."""

    def skeleton(self, weights):
        with torch.device("meta"):
            return Tiny()


@pytest.mark.parametrize(("options", "items", "said"), [
    ({"parts": ("projector",)}, 2, "the model has no parameter in its projector"),
    ({"lora": LoraOptions(r=2)}, 2, "covers no linear module"),
    ({"batch_size": 3}, 2, "2 of 2 items can be trained on, fewer than one step of train.batch_size = 3"),
])  # fmt: skip
def test_what_is_not_in_the_model_is_refused_before_it_is_loaded(
    tmp_path: Path, options: dict[str, Any], items: int, said: str
) -> None:
    """Also before the reference's log-probabilities are computed, which takes hours."""
    job = job_of(Unloaded(), items, tmp_path)
    trainer = TreeTrainer(TreeOptions(**{"batch_size": 2, **options}), job.run)
    with pytest.raises(StageError, match=said):
        trainer.train(job)
    with pytest.raises(StageError, match=said):
        trainer.reference(job, job.items)


def test_what_changes_the_reference_changes_its_key_and_nothing_else_does(tmp_path: Path) -> None:
    def key(**options):
        return TreeTrainer(TreeOptions(**options), make_run(tmp_path)).reference_settings()

    base = key()
    changed = [
        key(precision="bf16"),
        key(precision="bf16", lora=LoraOptions()),  # whose base is coarse, not only its computation
        key(max_length=64),
        key(over_long="cut"),
    ]
    assert all(one != other for n, one in enumerate([base, *changed]) for other in [base, *changed][:n])
    same = [key(lora=LoraOptions(r=2)), key(learning_rate=1.0), key(batch_size=4), key(device="cpu"), key(keep=9)]
    assert all(one == base for one in same)

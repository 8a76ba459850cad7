"""Stock TRL on pairsmith's pairs: the same numbers as the tree on the same batches, every loss type, resuming."""

import importlib.util
import json
import math
from dataclasses import fields
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from attrs import evolve

from pairsmith.interfaces import Job, Weights
from pairsmith.registry import Registry
from pairsmith.testing import make_run
from pairsmith.testing.pictures import noise
from pairsmith.values import Demonstration, Item, Pair, Response, Sample, user
from pairsmith_hf.options import RandomLlavaOptions
from pairsmith_hf.random_llava import RandomLlavaFamily
from pairsmith_trl.callbacks import Metrics
from pairsmith_trl.installed import loss_types

trl = pytest.importorskip("trl")
TINY = RandomLlavaOptions(image_size=32, patch_size=8, vocabulary=400, std=0.3)
BUILDERS = Path(__file__).resolve().parents[1] / "plugins" / "pairsmith-hf" / "tests" / "conftest.py"
ANSWERS = [
    ("a red square on it", "a red circle"),
    ("two cats", "no cat at all is there"),
    ("yes", "no"),
    ("one dog", "a dog and a cat"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("trl")


@pytest.fixture(scope="module")
def family(folder: Path) -> RandomLlavaFamily:
    return RandomLlavaFamily(TINY, make_run(folder / "run"))


@pytest.fixture(scope="module")
def items(folder: Path) -> list[Item]:
    """One image, two images, none, one; with a context."""
    pictures = [noise(folder / f"{k}.png", *size, k) for k, size in enumerate([(50, 40), (30, 64), (64, 64)])]
    made = []
    for k, shown in enumerate([(0,), (1, 2), (), (2,)]):
        sample = Sample(
            id=f"s{k}", images=tuple(pictures[n] for n in shown), prompt=user("What is there?"), context=f"post {k}"
        )
        chosen, rejected = (Response(id=text, sample_id=sample.id, text=text) for text in ANSWERS[k])
        made.append(Item(value=Pair(id=f"p{k}", sample=sample, chosen=chosen, rejected=rejected)))
    return made


def build(kind: Any, name: str, **options: Any) -> Any:
    component = Registry.discover().find(kind, name).component
    return component.build(component.options_class(**options), make_run(Path("unused")))


def job(family: Any, items: list[Item], loss: Any, directory: Path, **more: Any) -> Job:
    made = Job(
        run=make_run(directory / "run"),
        family=family,
        weights=family.weights,
        loss=loss,
        items=items,
        reference=None,
        output=directory / "output",
        metrics=directory / "metrics.jsonl",
        seed=5,
    )
    return evolve(made, **more)


def with_tree(family: Any, items: list[Item], name: str, directory: Path, options: dict[str, Any], **loss: Any):
    """Train with the tree, and return the metrics of each step."""
    trainer = build("trainers", "tree", device="cpu", **tree_options(options))
    ours = job(family, items, build("losses", f"pairsmith-losses/{name}", **loss), directory)
    reference = trainer.reference(ours, items) if ours.loss.uses_reference else None
    trainer.train(evolve(ours, reference=reference))
    return lines(ours)


def with_trl(family: Any, items: list[Item], name: str, directory: Path, options: dict[str, Any], **loss: Any):
    """Train with TRL, and return the metrics of each step."""
    theirs = job(family, items, build("losses", name, **loss), directory)
    build("trainers", "trl", device="cpu", **trl_options(options)).train(theirs)
    return lines(theirs)


def lines(done: Job) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.metrics.read_text(encoding="utf-8").splitlines()]


def tree_options(options: dict[str, Any]) -> dict[str, Any]:
    from pairsmith_train.options import LoraOptions

    return {**options, "lora": LoraOptions(**options["lora"])} if "lora" in options else options


def trl_options(options: dict[str, Any]) -> dict[str, Any]:
    from pairsmith_trl.options import LoraOptions

    return {**options, "lora": LoraOptions(**options["lora"])} if "lora" in options else options


def losses(rows: list[dict[str, Any]]) -> list[float]:
    return [row["loss"] for row in rows]


LORA = {"epochs": 2.0, "batch_size": 2, "learning_rate": 3e-3, "warmup_steps": 1, "lora": {"r": 4, "alpha": 8.0}}
FULL = {"epochs": 2.0, "batch_size": 2, "learning_rate": 1e-3, "micro_batch_size": 1}


@pytest.mark.parametrize("options", [LORA, FULL], ids=["adapter", "full"])
def test_dpo_is_the_same_training_as_under_the_tree(
    options: dict[str, Any], family: RandomLlavaFamily, items: list[Item], tmp_path: Path
) -> None:
    """The same batches in the same order from the same first adapter: every step's loss and rewards."""
    ours = with_tree(family, items, "dpo", tmp_path / "tree", options)
    theirs = with_trl(family, items, "trl-dpo", tmp_path / "trl", options)
    assert theirs[0]["loss"] == pytest.approx(math.log(2), abs=1e-6)
    assert len(theirs) == 4
    assert losses(theirs) == pytest.approx(losses(ours), abs=1e-5)
    assert max(losses(ours)) - min(losses(ours)) > 0.01, "it learnt nothing"
    # Of the first step's rewards, which are 0 but for rounding, none is above another.
    assert [row["rewards/accuracy"] for row in theirs[1:]] == [row["rewards/accuracy"] for row in ours[1:]]
    for name in ("rewards/chosen", "rewards/rejected", "rewards/margin", "learning_rate", "steps"):
        assert [row[name] for row in theirs] == pytest.approx([row[name] for row in ours], abs=1e-4), name


def test_demonstrations_are_imitated_as_under_the_tree(
    family: RandomLlavaFamily, items: list[Item], tmp_path: Path
) -> None:
    shown = [Item(value=Demonstration(id=one.id, sample=one.value.sample, chosen=one.value.chosen)) for one in items]
    ours = with_tree(family, shown, "sft", tmp_path / "tree", LORA)
    theirs = with_trl(family, shown, "trl-sft", tmp_path / "trl", LORA)
    assert losses(theirs) == pytest.approx(losses(ours), abs=1e-5)
    assert losses(theirs)[-1] < losses(theirs)[0]


def test_kto_learns_what_is_desirable(family: RandomLlavaFamily, items: list[Item], tmp_path: Path) -> None:
    rows = with_trl(family, items, "trl-kto", tmp_path, LORA | {"batch_size": 4, "epochs": 6.0}, desirable_weight=2.0)
    assert rows[0]["loss"] == pytest.approx((2 + 1) / 4, abs=1e-6), "half of each answer's weight"
    assert rows[0]["kl"] == pytest.approx(0, abs=1e-5)
    assert rows[-1]["rewards/margin"] > 0 and rows[-1]["loss"] < rows[0]["loss"]


HALF = 0.5
AT_REFERENCE: dict[str, float] = {
    "sigmoid": math.log(2),
    "hinge": 1.0,
    "ipo": 1 / (4 * HALF**2),
    "exo_pair": -math.log(2) - math.log(0.1 * 0.9) / 2,
    "nca_pair": 2 * math.log(2),
    "robust": math.log(2),
    "bco_pair": 2 * math.log(2),
    "sppo_hard": 1 / (2 * HALF**2),
    "aot": math.log(2),
    "aot_unpaired": math.log(2),
    "apo_zero": 1.0,
    "apo_down": 1.0,
    "discopop": (1 + math.log(2)) / 2,
    "sigmoid_norm": math.log(2),
}


def known() -> tuple[str, ...]:
    return loss_types(next(one for one in fields(trl.DPOConfig) if one.name == "loss_type").metadata)


def test_every_loss_type_of_trl_is_reached_with_its_weight(
    family: RandomLlavaFamily, items: list[Item], tmp_path: Path
) -> None:
    """All at once, each with a weight of its own; where policy and reference are one, each has a known value."""
    assert set(known()) >= {*AT_REFERENCE, "sft"}, "1.16 has these fifteen"
    step = LORA | {"epochs": 0.5}
    (imitating,) = with_trl(family, items, "trl-sft", tmp_path / "sft", step)
    expected = {**AT_REFERENCE, "sft": imitating["loss"]}
    weights = tuple(0.5 + 0.1 * math.sqrt(n) for n in range(len(expected)))
    given = {"loss_type": tuple(expected), "loss_weights": weights, "beta": HALF, "label_smoothing": 0.1}
    (row,) = with_trl(family, items, "trl-dpo", tmp_path / "dpo", step, **given)
    total = sum(weight * value for weight, value in zip(weights, expected.values(), strict=True))
    assert row["loss"] == pytest.approx(total, abs=1e-4)


@pytest.mark.parametrize("name", ["qwen2-5-vl", "llava-next", "gemma3"])
def test_families_are_read_as_under_the_tree(name: str, items: list[Item], tmp_path: Path) -> None:
    """Positions on three axes, tiles, and image tokens that attend both ways: TRL's passes are the model's own."""
    spec = importlib.util.spec_from_file_location("tiny_families", BUILDERS)
    assert spec is not None and spec.loader is not None
    builders: ModuleType = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(builders)
    config, processor = builders.BUILDERS[name]()
    builders.written(config, processor, tmp_path / name)
    family = build("model_families", f"pairsmith-hf/{name}", path=str(tmp_path / name))
    step = LORA | {"batch_size": 4, "epochs": 1.0}
    ours = with_tree(family, items, "sft", tmp_path / "tree", step)
    theirs = with_trl(family, items, "trl-sft", tmp_path / "trl", step)
    assert losses(theirs) == pytest.approx(losses(ours), abs=1e-4)


class Killed(BaseException):
    """As sudden as SIGKILL: nothing of ours handles it."""


@pytest.mark.parametrize("options", [LORA, FULL], ids=["adapter", "full"])
def test_a_killed_training_goes_on_with_the_same_losses_and_weights(
    options: dict[str, Any],
    family: RandomLlavaFamily,
    items: list[Item],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    options = options | {"save_steps": 1}
    trainer = build("trainers", "trl", device="cpu", **trl_options(options))
    whole = job(family, items, build("losses", "trl-dpo"), tmp_path / "whole")
    expected = trainer.train(whole)
    assert not (whole.output / "checkpoints").exists(), "the result is kept, and nothing else"
    killed = job(family, items, build("losses", "trl-dpo"), tmp_path / "killed")
    log = Metrics.on_log

    def dies(self: Metrics, args: Any, state: Any, *more: Any, **named: Any) -> None:
        log(self, args, state, *more, **named)
        if state.global_step == 3:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Metrics, "on_log", dies)
        with pytest.raises(Killed):
            trainer.train(killed)
    with killed.metrics.open("a") as file:
        file.write('{"step": 4, "lo')  # what a kill leaves of a line
    torn = killed.output / "checkpoints" / ".unfinished" / "checkpoint-3"
    torn.mkdir(parents=True)
    (torn / "optimizer.pt").write_bytes(b"half of i")
    capsys.readouterr()
    found = trainer.train(killed)
    assert "goes on from step 2" in capsys.readouterr().out
    assert [row["step"] for row in lines(killed)] == [1, 2, 3, 4], "each step once"
    assert losses(lines(killed)) == losses(lines(whole))
    one, two = (family.load(weights, device="cpu", dtype="float32").state_dict() for weights in (expected, found))
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert trainer.train(killed) == found, "what is there is not made again"


def test_an_adapter_on_an_adapter_becomes_a_model(family: RandomLlavaFamily, items: list[Item], tmp_path: Path) -> None:
    """The second training starts from, and refers to, what the first one left; the result stands alone."""
    trainer = build("trainers", "trl", device="cpu", **trl_options(LORA))
    first = trainer.train(job(family, items, build("losses", "trl-sft"), tmp_path / "first"))
    assert first == Weights(path=family.weights.path, adapter=tmp_path / "first" / "output" / "adapter")
    again = job(family, items, build("losses", "trl-dpo"), tmp_path / "second", weights=first)
    second = trainer.train(again)
    assert second == Weights(path=str(tmp_path / "second" / "output" / "model"))
    assert lines(again)[0]["loss"] == pytest.approx(math.log(2), abs=1e-6)
    base, one, two = (
        family.load(weights, device="cpu", dtype="float32").model.language_model.layers[0].self_attn.q_proj.weight
        for weights in (family.weights, first, second)
    )
    assert not torch.equal(base, one) and not torch.equal(one, two)
    assert family.codec(second).prompt(user("hm"), ()).tokens, "with its processor"

"""What is refused, each in one sentence, before a model is loaded where that is possible."""

import errno
import os
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest
from accelerate.utils import DistributedType
from torch import nn

from pairsmith.errors import StageError
from pairsmith.interfaces import Job, Weights
from pairsmith.options import read_all
from pairsmith.resuming import Checkpoints
from pairsmith.testing import make_run
from pairsmith_trl import engine, installed
from pairsmith_trl.callbacks import Metrics
from pairsmith_trl.loss_options import DpoOptions, KtoOptions, SftOptions
from pairsmith_trl.losses import Dpo, Kto, Sft
from pairsmith_trl.options import LoraOptions, TrlOptions
from pairsmith_trl.prepare import adapter, freeze, table
from pairsmith_trl.trainer import TrlTrainer

RUN = make_run(Path("unused"))


@pytest.mark.parametrize(("table", "said"), [
    ({"loss_type": []}, "'loss_type' must name at least one of TRL's loss types"),
    ({"loss_type": ["sigmoid", "ipo"], "loss_weights": [1.0]}, "'loss_weights' has 1 weights for 2 loss types"),
    ({"loss_type": "exo_pair"}, "loss type 'exo_pair' needs 'label_smoothing' over 0"),
    ({"loss_type": "robust", "label_smoothing": 0.5}, "loss type 'robust' needs 'label_smoothing' under 0.5, not 0.5"),
    ({"loss_type": "aot", "use_weighting": True}, "'use_weighting' cannot be had with ['aot']"),
    ({"loss_type": "apo_zero", "f_divergence_type": "forward_kl"}, "is not defined for ['apo_zero']; take 'reverse_kl'"),
    ({"f_divergence_type": "kl"}, "expected one of 'reverse_kl'"),
    ({"beta": 0}, "beta"),
    ({"ld_alpha": 1.5}, "ld_alpha"),
    ({"nll": 1.0}, "unknown option"),
])  # fmt: skip
def test_what_trl_would_refuse_is_refused_with_the_recipe(table, said: str) -> None:
    _, faults = read_all(table, DpoOptions, "loss")
    assert len(faults) == 1
    assert said in str(faults[0])


@pytest.mark.parametrize(("kind", "options", "said"), [
    (Dpo, DpoOptions(loss_type=("sigmoid", "sigmod")), "has no loss 'sigmod'; did you mean 'sigmoid'"),
    (Dpo, DpoOptions(loss_type="zzz"), "has no loss 'zzz'; it knows sigmoid, hinge, ipo"),
    (Kto, KtoOptions(loss_type="bco"), "has no loss 'bco'; it knows kto, apo_zero_unpaired"),
    (Sft, SftOptions(loss_type="nlll"), "has no loss 'nlll'; did you mean 'nll'"),
])  # fmt: skip
def test_a_loss_type_that_the_installed_trl_lacks_is_refused(kind, options, said: str) -> None:
    with pytest.raises(StageError, match=said):
        kind(options, RUN)


def test_another_trl_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    found = metadata.version
    installed.version()
    monkeypatch.setattr(installed.metadata, "version", lambda name: "0.9.6" if name == "trl" else found(name))
    with pytest.raises(StageError, match=r"made for trl<2,>=1.\d+ and trl 0.9.6 is installed; pip install 'trl<2,>=1"):
        Dpo(DpoOptions(), RUN)
    with pytest.raises(StageError, match=r"and trl 0.9.6 is installed"):
        TrlTrainer(TrlOptions(), RUN)


def test_an_option_that_the_installed_trl_lacks_is_refused() -> None:
    options = SimpleNamespace(types=("nll",), given=lambda: {"loss_type": "nll", "gamma": 2.0})
    with pytest.raises(StageError, match=r"has no SFTConfig.gamma; install another TRL"):
        installed.check("SFTConfig", options)


def test_nobody_is_told_of_a_training(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_HUB_DISABLE_TELEMETRY", raising=False)
    TrlTrainer(TrlOptions(), RUN)
    assert os.environ["HF_HUB_DISABLE_TELEMETRY"] == "1"


@pytest.mark.parametrize(("options", "said"), [
    ({"processes": 2}, "needs a way to share the work"),
    ({"batch_size": 3, "micro_batch_size": 2}, "batch_size = 3 is no multiple of 1 processes x micro_batch_size 2"),
    ({"parallel": "ddp", "processes": 2, "batch_size": 3}, "batch_size = 3 is no multiple of 2 processes"),
    ({"parts": ()}, "must name at least one part"),
    ({"epochs": 0}, "epochs"),
])  # fmt: skip
def test_options_that_cannot_be_meant_are_refused(options, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        TrlOptions(**options)


def test_a_step_is_divided_over_processes_and_passes() -> None:
    options = TrlOptions(batch_size=24, micro_batch_size=4, parallel="ddp", processes=2)
    assert (options.micro, options.accumulated) == (4, 3)


def job(loss, directory: Path, codec=None) -> Job:
    return Job(
        run=RUN,
        family=SimpleNamespace(codec=lambda _: codec),
        weights=Weights(path="x"),
        loss=loss,
        items=(),
        reference=None,
        output=directory,
        metrics=directory / "metrics.jsonl",
        seed=0,
    )


def test_another_loss_is_refused_before_a_model_is_loaded(tmp_path: Path) -> None:
    trainer = TrlTrainer(TrlOptions(), RUN)
    for work in (trainer.train, lambda given: trainer.reference(given, ())):
        with pytest.raises(StageError, match=r"cannot train with the loss SimpleNamespace; write loss.use = 'trl-dpo'"):
            work(job(SimpleNamespace(cells=()), tmp_path))


def test_another_trainer_cannot_compute_these_losses() -> None:
    for name, loss in (("trl-dpo", Dpo(DpoOptions(), RUN)), ("trl-sft", Sft(SftOptions(), RUN))):
        with pytest.raises(StageError, match=f"'{name}' is computed by TRL's own trainer; write train.use = 'trl'"):
            loss({}, {})


def test_kto_wants_other_prompts_beside_a_pair(tmp_path: Path) -> None:
    trainer = TrlTrainer(TrlOptions(batch_size=2, micro_batch_size=1), RUN)
    with pytest.raises(StageError, match=r"train.micro_batch_size = 1 leaves 'trl-kto' no other prompt's answer"):
        trainer.train(job(Kto(KtoOptions(), RUN), tmp_path))
    with pytest.raises(StageError, match=r"train.micro_batch_size = 1 leaves 'trl-kto' no other prompt's answer"):
        trainer.check(Kto(KtoOptions(), RUN))


def test_a_family_without_a_processor_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StageError, match=r"this model family has none; take train.use = 'tree'"):
        TrlTrainer(TrlOptions(), RUN).train(job(Dpo(DpoOptions(), RUN), tmp_path, codec=object()))


class Tiny(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.vision, self.language = nn.Linear(2, 2), nn.Linear(2, 2)


class TinyFamily:
    def parts(self):
        return {"vision": r"vision\.", "projector": r"projector\.", "language-model": r"language\."}

    def lora_targets(self, scope):
        return "language" if scope == ("language-model",) else "nothing"


def test_what_is_trained_is_what_was_asked_for() -> None:
    model, family = Tiny(), TinyFamily()
    freeze(model, family, TrlOptions(parts=("language-model",)))
    assert [line.split() for line in table(model, family)[1:]] == [["vision", "6", "0"], ["language-model", "6", "6"]]
    assert adapter(model, family, TrlOptions()) is None
    with pytest.raises(StageError, match="the model has no parameter in its projector"):
        freeze(model, family, TrlOptions(parts=("projector",)))
    lora = adapter(model, family, TrlOptions(lora=LoraOptions(r=2, alpha=3.0, dropout=0.1)))
    assert (lora.r, lora.lora_alpha, lora.lora_dropout, lora.target_modules) == (2, 3.0, 0.1, "language")
    with pytest.raises(StageError, match="covers no linear module"):
        adapter(model, family, TrlOptions(lora=LoraOptions(scope=("vision",))))


def test_the_engine_that_runs_is_the_one_that_was_asked_for() -> None:
    two = TrlOptions(parallel="ddp", processes=2)
    engine.check_running(two, DistributedType.MULTI_CPU, 2)
    with pytest.raises(StageError, match="'ddp' and accelerate runs NO"):
        engine.check_running(two, DistributedType.NO, 2)
    with pytest.raises(StageError, match=r"train.processes = 2 and 1 are running"):
        engine.check_running(two, DistributedType.MULTI_CPU, 1)


def test_gpus_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    worker = ["python", "-m", "worker"]
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert engine.launch(worker, TrlOptions()) == worker
    with pytest.raises(StageError, match=r"train.device = 'cuda' and no CUDA device is there"):
        engine.launch(worker, TrlOptions(device="cuda"))
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    with pytest.raises(StageError, match=r"train.processes = 3 and there are 2 CUDA devices"):
        engine.launch(worker, TrlOptions(parallel="ddp", processes=3, batch_size=3))
    alone = engine.launch(worker, TrlOptions())
    assert alone[1:] == ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "1", "-m", "worker"]


def test_a_loss_that_is_not_a_number_stops(tmp_path: Path) -> None:
    state = SimpleNamespace(is_world_process_zero=True, global_step=3, max_steps=9)
    metrics = Metrics(tmp_path / "metrics.jsonl")
    metrics.on_log(None, state, None, {"loss": 0.5, "rewards/margins": 1.0, "rewards/accuracies": 0.25})
    assert '"rewards/margin": 1.0, "rewards/accuracy": 0.25' in (tmp_path / "metrics.jsonl").read_text()
    with pytest.raises(StageError, match=r"the loss of step 3 is nan; lower train.learning_rate"):
        metrics.on_log(None, state, None, {"loss": float("nan")})


def test_a_full_disk_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = job(Dpo(DpoOptions(), RUN), tmp_path)
    checkpoints = Checkpoints(given.output / "checkpoints")
    (checkpoints.unfinished / "checkpoint-3").mkdir(parents=True)
    checkpoints.keep(3, 2)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(TrlTrainer, "_train", full)
    with pytest.raises(StageError, match=r"The disk is full: .* of checkpoints that of step 3 is kept"):
        TrlTrainer(TrlOptions(), RUN).train(given)


def test_trl_is_told_what_the_recipe_says(tmp_path: Path) -> None:
    """Where its own defaults, or transformers', would drop it silently: dropout, a warm-up before a constant rate, lengths."""
    options = TrlOptions(
        device="cpu",
        schedule="constant",
        warmup_steps=3,
        lora=LoraOptions(dropout=0.1),
        batch_size=6,
        micro_batch_size=2,
    )
    loss = Dpo(DpoOptions(loss_type=("sigmoid", "sft"), loss_weights=(1.0, 0.5), beta=0.3), RUN)
    told = TrlTrainer(options, RUN)._arguments(loss, tmp_path, 2**40 + 7)
    assert (told.disable_dropout, told.lr_scheduler_type, told.warmup_steps) == (False, "constant_with_warmup", 3)
    assert (told.max_length, told.bf16, told.gradient_checkpointing) == (None, False, False)
    assert (told.per_device_train_batch_size, told.gradient_accumulation_steps, told.seed) == (2, 3, 7)
    assert (told.loss_type, told.loss_weights, told.beta) == (["sigmoid", "sft"], [1.0, 0.5], 0.3)
    assert TrlTrainer(TrlOptions(device="cpu"), RUN)._arguments(loss, tmp_path, 0).disable_dropout

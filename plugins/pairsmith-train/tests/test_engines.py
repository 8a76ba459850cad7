"""What DeepSpeed is told, and how several machines are started."""

import json
from pathlib import Path

import pytest

from pairsmith.errors import StageError
from pairsmith_train import engine, zero
from pairsmith_train.options import TreeOptions

TWO = {"parallel": "zero2", "processes": 2, "batch_size": 8, "micro_batch_size": 2, "device": "cpu"}


def told(tmp_path: Path, given: object, **options: object) -> dict[str, object]:
    file = tmp_path / "deepspeed.json"
    file.write_text(given if isinstance(given, str) else json.dumps(given))
    return zero.configuration(TreeOptions(**{**TWO, **options, "deepspeed": file}))


def test_a_file_adds_what_the_recipe_does_not_say(tmp_path: Path) -> None:
    own = zero.configuration(TreeOptions(**TWO))
    given = {
        "train_batch_size": 8,
        "gradient_clipping": "auto",
        "zero_optimization": {"stage": 2, "reduce_bucket_size": 1000, "offload_optimizer": {"device": "none"}},
        "fp16": {"enabled": False},
        "steps_per_print": 7,
    }
    found = told(tmp_path, given)
    assert found["gradient_clipping"] == 1.0
    assert found["steps_per_print"] == 7
    assert found["zero_optimization"] == {
        **own["zero_optimization"],
        "reduce_bucket_size": 1000,
        "offload_optimizer": {"device": "none"},
    }
    assert found["train_micro_batch_size_per_gpu"] == 2
    assert found["gradient_accumulation_steps"] == 2


@pytest.mark.parametrize(("given", "said"), [
    ({"train_batch_size": 16}, "'train_batch_size' is 16, and train.batch_size makes it 8; change one of them"),
    ({"train_micro_batch_size_per_gpu": 4}, "is 4, and train.micro_batch_size makes it 2"),
    ({"gradient_clipping": 0.5}, "is 0.5, and train.max_grad_norm makes it 1.0"),
    ({"zero_optimization": {"stage": 3}}, "'zero_optimization.stage' is 3, and train.parallel makes it 2"),
    ({"bf16": {"enabled": True}}, "'bf16.enabled' is True, and train.precision makes it False"),
    ({"zero_optimization": {"offload_optimizer": {"device": "cpu"}}}, "'cpu', and train.offload makes it 'none'"),
    ({"fp16": {"enabled": True}}, "'fp16.enabled' is True, and train.precision is 'fp32' or 'bf16'; leave it out"),
    ({"checkpoint": {"writer": {"type": "FAST"}}}, "'FAST', and it may write a checkpoint after it was taken for whole"),
    ({"optimizer": {"type": "Lion"}}, "'optimizer.type' is 'Lion', and the optimizer is AdamW"),
    ({"scheduler": {"type": "WarmupLR"}}, "and the schedule is train.schedule"),
    ([1], "must hold one JSON object, and holds list"),
    ("{", "cannot be read as JSON: Expecting property name"),
])  # fmt: skip
def test_a_file_that_contradicts_the_recipe_is_refused(tmp_path: Path, given: object, said: str) -> None:
    with pytest.raises(StageError, match=r"train.deepspeed = '.*deepspeed.json'") as raised:
        told(tmp_path, given)
    assert said in str(raised.value)


def test_it_is_refused_before_any_process_starts(tmp_path: Path) -> None:
    missing = TreeOptions(**{**TWO, "deepspeed": tmp_path / "absent.json"})
    with pytest.raises(StageError, match=r"absent.json' cannot be read as JSON: .*No such file"):
        engine.launch(["python", "-m", "worker"], missing)


def test_what_is_offloaded_is_said() -> None:
    optimizer = zero.configuration(TreeOptions(**TWO, offload="optimizer"))
    assert optimizer["zero_optimization"]["offload_optimizer"] == {"device": "cpu"}
    assert "offload_param" not in optimizer["zero_optimization"]
    everything = zero.configuration(TreeOptions(**{**TWO, "parallel": "zero3"}, offload="all"))
    assert everything["zero_optimization"]["offload_param"] == {"device": "cpu"}
    assert everything["zero_force_ds_cpu_optimizer"] is False


def test_several_machines_meet_and_the_others_are_told_how(capsys: pytest.CaptureFixture[str]) -> None:
    options = TreeOptions(**TWO, nodes=2, rendezvous="one:29500")
    assert (options.world, options.micro, options.accumulated) == (4, 2, 1)
    command = engine.launch(["python", "-m", "worker", "RUN", "train"], options)
    machines = ["--nnodes", "2", "--rdzv_backend", "c10d", "--rdzv_endpoint", "one:29500", "--nproc_per_node", "2"]
    assert command == ["python", "-m", "torch.distributed.run", *machines, "-m", "worker", "RUN", "train"]
    assert f"the same run directory: {' '.join(command)}" in capsys.readouterr().err


@pytest.mark.parametrize(("options", "said"), [
    ({"nodes": 2}, "nodes = 2 and rendezvous = ''; several machines meet at 'host:29500'"),
    ({"rendezvous": "one:1"}, "nodes = 1 and rendezvous = 'one:1'"),
    ({"offload": "all"}, "offload = 'all' needs parallel = 'zero3', and it is 'zero2'"),
    ({"parallel": "ddp", "offload": "optimizer"}, "are DeepSpeed's; parallel = 'ddp' does not use it"),
    ({"parallel": "ddp", "deepspeed": Path("x")}, "are DeepSpeed's; parallel = 'ddp' does not use it"),
    ({"nodes": 3, "rendezvous": "one:1"}, "batch_size = 8 is no multiple of 6 processes x micro_batch_size 2"),
])  # fmt: skip
def test_options_that_cannot_be_meant_are_refused(options: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        TreeOptions(**{**TWO, **options})


def test_more_processes_than_devices_are_refused_before_any_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    options = TreeOptions(parallel="ddp", processes=4, batch_size=4)
    with pytest.raises(StageError, match=r"train.processes = 4 and there are 2 CUDA devices; one each"):
        engine.launch(["python", "-m", "worker"], options)

"""Adapters: what is trained beside them, what is kept, and what plain transformers and peft make of it."""

import json
from pathlib import Path

import pytest
import torch
from attrs import evolve
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForImageTextToText

from jobs import answers, loaded, make_family, make_items, make_job, train
from pairsmith.errors import StageError
from pairsmith.interfaces import Weights
from pairsmith.values import Item
from pairsmith_hf.random_llava import RandomLlavaFamily
from pairsmith_train.options import LoraOptions, TreeOptions
from pairsmith_train.prepare import prepare
from pairsmith_train.trainable import rows, table
from pairsmith_train.trainer import TreeTrainer

FULL = LoraOptions(r=4, alpha=8.0, full=("projector",), full_learning_rate=1e-3)


@pytest.fixture
def family(tmp_path: Path) -> RandomLlavaFamily:
    return make_family(tmp_path / "run")


@pytest.fixture
def items(tmp_path: Path) -> list[Item]:
    return make_items(tmp_path / "images")


def plain(weights: Weights) -> torch.nn.Module:
    """Load as somebody would who has never heard of pairsmith."""
    model = AutoModelForImageTextToText.from_pretrained(weights.path, dtype=torch.float32)
    return model if weights.adapter is None else PeftModel.from_pretrained(model, str(weights.adapter))


def test_the_table_says_what_is_trained_how_and_how_fast(family: RandomLlavaFamily) -> None:
    options = TreeOptions(learning_rate=5e-5, lora=LoraOptions(r=4, full=("projector",), full_learning_rate=2e-5))
    model = prepare(loaded(family, family.weights), family, options)
    found = {row.part: row for row in rows(model, family, options)}
    base = loaded(family, family.weights)
    sizes = {part: sum(v.numel() for n, v in base.named_parameters() if n.startswith(start)) for part, start in (
        ("vision", "model.vision_tower."), ("projector", "model.multi_modal_projector."))}  # fmt: skip
    assert (found["vision"].parameters, found["vision"].trained, found["vision"].learning_rate) == (
        sizes["vision"],
        0,
        None,
    )
    assert (found["projector"].parameters, found["projector"].trained) == (sizes["projector"], sizes["projector"])
    assert (found["projector"].learning_rate, found["projector"].adapter) == (2e-5, "in full")
    assert (found["language-model"].learning_rate, found["language-model"].adapter) == (5e-5, "LoRA of rank 4")
    trained = sum(value.numel() for name, value in model.named_parameters() if ".lora_" in name)
    assert found["language-model"].trained == trained > 0
    assert sum(row.parameters for row in found.values()) == sum(value.numel() for value in base.parameters())
    assert [line.split()[0] for line in table(list(found.values()))] == ["part", *found]


def test_a_part_trained_in_full_has_its_own_rate_and_is_reloaded(
    family: RandomLlavaFamily, items: list[Item], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = train(make_job(tmp_path / "one", family, items), lora=FULL)
    told = capsys.readouterr().out
    assert "LoRA of rank 4" in told
    assert json.loads((tmp_path / "one" / "trained.json").read_text())[1]["learning_rate"] == 1e-3
    still = train(make_job(tmp_path / "two", family, items), lora=evolve(FULL, full_learning_rate=1e-12))
    name = "base_model.model.model.multi_modal_projector.linear_1.weight"
    before = loaded(family, family.weights).model.multi_modal_projector.linear_1.weight.detach()
    moved, unmoved = (load_file(one.adapter / "adapter_model.safetensors")[name] for one in (made, still))
    assert float((moved - before).abs().max()) == pytest.approx(2e-3, rel=0.2), "two steps of Adam at 1e-3"
    assert float((unmoved - before).abs().max()) < 1e-8, "the adapter's rate of 1e-2 was not its own"
    ours, theirs = answers(family, loaded(family, made), items), answers(family, plain(made), items)
    assert torch.allclose(ours, theirs, atol=1e-4)
    alone = loaded(family, made)
    alone.model.multi_modal_projector.load_state_dict(plain(family.weights).model.multi_modal_projector.state_dict())
    assert not torch.allclose(ours, answers(family, alone, items), atol=1e-3), "the projector makes no difference"


def test_dora_trains_and_is_reloaded(family: RandomLlavaFamily, items: list[Item], tmp_path: Path) -> None:
    made = train(make_job(tmp_path, family, items), lora=LoraOptions(r=4, dora=True))
    tensors = load_file(made.adapter / "adapter_model.safetensors")
    assert any("magnitude" in name for name in tensors)
    ours, base = answers(family, loaded(family, made), items), answers(family, loaded(family, family.weights), items)
    assert torch.allclose(ours, answers(family, plain(made), items), atol=1e-4)
    assert not torch.allclose(ours, base, atol=1e-2)


def test_a_merged_adapter_is_a_model_and_equals_the_kept_one(
    family: RandomLlavaFamily, items: list[Item], tmp_path: Path
) -> None:
    kept = train(make_job(tmp_path / "kept", family, items), lora=FULL)
    merged = train(make_job(tmp_path / "merged", family, items), lora=evolve(FULL, merge=True))
    assert (merged.adapter, merged.path) == (None, str(tmp_path / "merged" / "output" / "model"))
    assert torch.allclose(answers(family, plain(merged), items), answers(family, plain(kept), items), atol=1e-4)
    beside = load_file(tmp_path / "merged" / "output" / "adapter" / "adapter_model.safetensors")
    assert all(
        torch.equal(value, beside[name])
        for name, value in load_file(kept.adapter / "adapter_model.safetensors").items()
    )
    assert not list((tmp_path / "merged" / "output").glob(".*.tmp"))


@pytest.mark.parametrize("merge", [True, False], ids=["merged", "stacked"])
def test_preferences_after_supervised_tuning_stand_on_its_result(
    family: RandomLlavaFamily, items: list[Item], tmp_path: Path, merge: bool
) -> None:
    """The second training begins where the first ended, and its result holds both, the first merged or stacked."""
    first = LoraOptions(r=4, alpha=8.0, scope=("language-model",), full=("projector",), merge=merge)
    sft = train(make_job(tmp_path / "sft", family, items, loss=supervised(tmp_path)), lora=first)
    second = LoraOptions(r=2, alpha=2.0, scope=("vision", "language-model"))
    job = make_job(tmp_path / "dpo", family, items, sft)
    dpo = train(job, lora=second)
    lines = (tmp_path / "dpo" / "metrics.jsonl").read_text().splitlines()
    assert json.loads(lines[0])["loss"] == pytest.approx(0.6931, abs=1e-4), (
        "policy and reference are one at the first step"
    )
    assert dpo.path == (sft.path if merge else family.weights.path)
    ours = answers(family, loaded(family, dpo), items)
    assert torch.allclose(ours, answers(family, plain(dpo), items), atol=1e-4)
    # The control: the same second adapter, merged by peft into the first's result.
    twin = train(make_job(tmp_path / "twin", family, items, sft), lora=evolve(second, merge=True))
    assert twin.adapter is None
    assert torch.allclose(ours, answers(family, plain(twin), items), atol=1e-4)
    assert not torch.allclose(ours, answers(family, loaded(family, sft), items), atol=1e-3)
    assert not torch.allclose(ours, answers(family, loaded(family, family.weights), items), atol=1e-3)
    if not merge:
        config = json.loads((dpo.adapter / "adapter_config.json").read_text())
        assert config["r"] == 6
        assert set(config["rank_pattern"].values()) == {2}, "the vision tower has the second's rank only"
        third = train(make_job(tmp_path / "third", family, items, dpo), lora=LoraOptions(r=3))
        assert json.loads((third.adapter / "adapter_config.json").read_text())["r"] == 9
        assert torch.allclose(
            answers(family, loaded(family, third), items), answers(family, plain(third), items), atol=1e-4
        )


def supervised(tmp_path: Path):
    from pairsmith.testing import make_run
    from pairsmith_losses.options import SftOptions
    from pairsmith_losses.sft import Sft

    return Sft(SftOptions(), make_run(tmp_path / "loss"))


def test_an_adapter_that_makes_no_sum_is_refused_before_a_model_is_loaded(
    family: RandomLlavaFamily, items: list[Item], tmp_path: Path
) -> None:
    dora = tmp_path / "adapter"
    dora.mkdir()
    (dora / "adapter_config.json").write_text(json.dumps({"use_dora": True}))
    job = make_job(tmp_path, None, items, evolve(family.weights, adapter=dora))
    for lora, whose in ((LoraOptions(), "the earlier training's"), (LoraOptions(dora=True), "this training's")):
        with pytest.raises(StageError, match=f"{whose} DoRA adapter .* set merge = true"):
            TreeTrainer(TreeOptions(lora=lora), job.run).train(job)


@pytest.mark.parametrize(("options", "said"), [
    ({"full": ("vision",), "scope": ("vision",)}, "'vision' is in both 'full' and 'scope'"),
    ({"full_learning_rate": 1e-5}, "is of the parts in 'full', and there are none"),
    ({"full_learning_rate": 0.0, "full": ("projector",)}, "full_learning_rate"),
])  # fmt: skip
def test_options_that_cannot_be_meant_are_refused(options, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        LoraOptions(**options)

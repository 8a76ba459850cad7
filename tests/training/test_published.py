"""What published trainings did by choice: pairs in order, two modules, a coarse reference, held-out pairs trained on."""

from pathlib import Path
from typing import Any

import pytest
import torch

from jobs import loaded, make_family, make_items, make_job, train, with_reference
from pairsmith.errors import StageError
from pairsmith.values import Item
from pairsmith_train.options import HeldOutOptions, LoraOptions, TreeOptions
from pairsmith_train.prepare import prepare
from pairsmith_train.steps import LossTrainer
from pairsmith_train.trainer import TreeTrainer


@pytest.fixture
def items(tmp_path: Path) -> list[Item]:
    return make_items(tmp_path / "images")


def test_only_the_named_modules_get_an_adapter(tmp_path: Path) -> None:
    """DecompGen's q and v, by their names alone: those of the vision tower too, if it is in scope."""
    family = make_family(tmp_path / "run")

    def adapted(**more: Any) -> set[tuple[str, str]]:
        options = TreeOptions(lora=LoraOptions(r=2, **more))
        model = prepare(loaded(family, family.weights), family, options)
        names = [name for name, value in model.named_parameters() if value.requires_grad and "lora_A" in name]
        return {
            ("vision" if "vision_tower" in name else "text", name.split(".lora_A")[0].rpartition(".")[2])
            for name in names
        }

    assert adapted(modules=("q_proj", "v_proj")) == {("text", "q_proj"), ("text", "v_proj")}
    both = adapted(modules=("q_proj", "v_proj"), scope=("vision", "language-model"))
    assert both == {(part, name) for part in ("vision", "text") for name in ("q_proj", "v_proj")}
    assert len(adapted()) == 7
    with pytest.raises(StageError, match="no linear module in scope has the name 'c_attn'; there are down_proj, "):
        adapted(modules=("q_proj", "c_attn"))


def test_pairs_stay_in_order_and_watched_ones_are_trained_on(
    items: list[Item], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[int]] = []
    own = LossTrainer.training_step

    def step(self: LossTrainer, model: Any, inputs: Any, number: Any = None) -> torch.Tensor:
        seen.append(inputs["rows"].tolist())
        return own(self, model, inputs, number)

    monkeypatch.setattr(LossTrainer, "training_step", step)
    job = make_job(tmp_path, make_family(tmp_path / "run"), items)
    train(job, shuffle=False, epochs=2, held_out=HeldOutOptions(share=0.5, every=2, trained_on=True))
    assert seen == [[0, 1, 2, 3], [4, 5, 6, 7]] * 2
    assert "held_out/loss" in job.metrics.read_text()
    assert "held out" not in (job.output / "model" / "README.md").read_text().split("## Settings")[0]
    seen.clear()
    train(make_job(tmp_path / "other", make_family(tmp_path / "run"), items), epochs=2)
    assert seen[:2] != seen[2:], "in another order each epoch"


def test_a_step_is_not_chosen_by_pairs_that_were_trained_on() -> None:
    with pytest.raises(ValueError, match="best = true chooses a step by pairs that training does not see"):
        HeldOutOptions(best=True, trained_on=True)


def test_a_reference_may_be_coarser_than_the_policy(items: list[Item], tmp_path: Path) -> None:
    """mllm-dpo's was in half precision: near the policy, never quite it, and kept under another key."""
    family = make_family(tmp_path / "run")
    known, keys = {}, []
    for dtype in (None, "float16"):
        trainer = TreeTrainer(
            TreeOptions(device="cpu", batch_size=4, reference_dtype=dtype), make_job(tmp_path, family, items).run
        )
        rows = trainer.reference(make_job(tmp_path, family, items), items)
        known[dtype] = torch.tensor([sum(row["chosen|image=original|context=original"]) for row in rows])
        keys.append(trainer.reference_settings())
    assert keys[0] != keys[1]
    assert not torch.equal(known[None], known["float16"])
    torch.testing.assert_close(known[None], known["float16"], atol=0.1, rtol=0.01)
    trainer = TreeTrainer(
        TreeOptions(device="cpu", batch_size=4, reference_dtype="float16"), make_job(tmp_path, family, items).run
    )
    job = with_reference(trainer, make_job(tmp_path / "trained", family, items))
    assert Path(trainer.train(job).path).is_dir()  # the guard of the first step knows of it

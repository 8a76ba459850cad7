"""A quantised model: an adapter on it trains, anything that would round it away is refused."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from attrs import evolve

from jobs import answers, loaded, make_family, make_items, make_job, train
from pairsmith.errors import StageError
from pairsmith.testing import make_run
from pairsmith.values import Item
from pairsmith_hf.llava import LlavaFamily
from pairsmith_hf.options import LlavaOptions
from pairsmith_hf.random_llava import RandomLlavaFamily
from pairsmith_train.options import LoraOptions, TreeOptions
from pairsmith_train.prepare import prepare
from pairsmith_train.trainable import rows
from pairsmith_train.trainer import TreeTrainer


@pytest.fixture
def items(tmp_path: Path) -> list[Item]:
    return make_items(tmp_path / "images")


def test_an_adapter_on_four_bits_trains_and_is_reloaded(items: list[Item], tmp_path: Path) -> None:
    pytest.importorskip("bitsandbytes")
    whole = make_family(tmp_path / "run")
    options = LlavaOptions(path=whole.weights.path, dtype="float32", quantization="4bit")
    family = LlavaFamily(options, make_run(tmp_path / "run"))
    base = answers(family, loaded(family, family.weights), items)
    made = train(make_job(tmp_path, family, items), lora=LoraOptions(r=4))
    assert not torch.allclose(base, answers(family, loaded(family, made), items), atol=1e-2), "it learnt nothing"
    options = TreeOptions(lora=LoraOptions(r=4))
    model = loaded(family, family.weights)
    size = sum(value.numel() for value in loaded(whole, whole.weights).parameters())
    assert sum(row.parameters for row in rows(prepare(model, family, options), family, options)) == size, (
        "not as packed"
    )
    merged = train(make_job(tmp_path / "merged", family, items), lora=LoraOptions(r=4, merge=True))
    kept = answers(whole, loaded(whole, evolve(whole.weights, adapter=made.adapter)), items)
    assert torch.allclose(answers(whole, loaded(whole, merged), items), kept, atol=1e-4), "not into the whole weights"
    beside = TreeOptions(lora=LoraOptions(r=4, full=("projector",)))
    with pytest.raises(StageError, match="the projector is quantised and cannot be trained in full"):
        prepare(loaded(family, family.weights), family, beside)


class Coarse:
    """A family whose weights are rounded, and that has the whole ones too."""

    def __init__(self, whole: RandomLlavaFamily) -> None:
        self._family, self.options = whole, SimpleNamespace(quantization="4bit")

    def whole(self) -> RandomLlavaFamily:
        return self._family

    def load(self, *args: Any, **more: Any) -> torch.nn.Module:
        model = self._family.load(*args, **more)
        for value in model.parameters():
            value.data = (value.data * 8).round() / 8
        model.is_quantized = True
        return model

    def __getattr__(self, name: str) -> Any:
        return getattr(self._family, name)


def test_an_adapter_is_merged_into_the_weights_before_they_were_rounded(items: list[Item], tmp_path: Path) -> None:
    """As two trainings with 4 bits need it: the result is the whole base and the adapter, and not the rounded base."""
    whole = make_family(tmp_path / "run")
    made = train(make_job(tmp_path, Coarse(whole), items), lora=LoraOptions(r=4, merge=True))
    adapter = evolve(whole.weights, adapter=tmp_path / "output" / "adapter")
    merged = answers(whole, loaded(whole, made), items)
    assert torch.allclose(merged, answers(whole, loaded(whole, adapter), items), atol=1e-4)
    assert not torch.allclose(merged, answers(whole, loaded(Coarse(whole), adapter), items), atol=1e-2)


class Rounded(torch.nn.Module):
    is_quantized = True


@pytest.mark.parametrize(("options", "said"), [
    (TreeOptions(), "the model is loaded quantised, and rounded weights cannot be trained; train an adapter"),
    (TreeOptions(lora=LoraOptions(merge=True)), "cannot be merged into quantised weights"),
])  # fmt: skip
def test_what_would_be_rounded_away_is_refused(options: TreeOptions, said: str) -> None:
    with pytest.raises(StageError, match=said):
        prepare(Rounded(), SimpleNamespace(), options)


def test_it_is_refused_before_the_model_is_loaded(items: list[Item], tmp_path: Path) -> None:
    family = SimpleNamespace(options=SimpleNamespace(quantization="4bit"), weights=SimpleNamespace(adapter=None))
    with pytest.raises(StageError, match="the model is loaded quantised"):
        TreeTrainer(TreeOptions(), make_run(tmp_path)).train(make_job(tmp_path, family, items))
    job = make_job(tmp_path, family, items, SimpleNamespace(adapter=tmp_path))
    with pytest.raises(StageError, match="left an adapter, and it cannot go into quantised weights"):
        TreeTrainer(TreeOptions(lora=LoraOptions()), make_run(tmp_path)).train(job)

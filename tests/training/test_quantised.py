"""A quantised model: an adapter on it trains, anything that would round it away is refused."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from jobs import answers, loaded, make_family, make_items, make_job, train
from pairsmith.errors import StageError
from pairsmith.testing import make_run
from pairsmith.values import Item
from pairsmith_hf.llava import LlavaFamily
from pairsmith_hf.options import LlavaOptions
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
    beside = TreeOptions(lora=LoraOptions(r=4, full=("projector",)))
    with pytest.raises(StageError, match="the projector is quantised and cannot be trained in full"):
        prepare(loaded(family, family.weights), family, beside)


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

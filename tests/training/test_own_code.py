"""A model that brings its own code, read path by path, trained for a step with an adapter; and merged, saved, read again."""

from pathlib import Path

import pytest
import torch
from tiny_models import module

from jobs import answers, loaded, make_items, make_job, train
from pairsmith.interfaces import Weights
from pairsmith.testing import make_run
from pairsmith_hf.options import QwenVLChatOptions
from pairsmith_hf.qwen_vl_chat import QwenVLChatFamily
from pairsmith_train.options import LoraOptions


def test_qwen_vl_chat_trains_an_adapter_and_its_result_brings_the_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "modules"))
    monkeypatch.syspath_prepend(tmp_path / "modules")
    path = module("pairsmith-hf", "tiny_qwen_vl_chat").make(tmp_path / "chat-to-train")
    options = QwenVLChatOptions(path=str(path), trust_remote_code=True)
    family = QwenVLChatFamily(options, make_run(tmp_path / "run"))
    items = make_items(tmp_path / "images", pairs=2, images=2)
    lora = LoraOptions(r=2, alpha=4.0, merge=True, modules=("c_attn", "c_proj", "w1", "w2"))  # DGPref's, nearly
    job = make_job(tmp_path, family, items)
    weights = train(job, lora=lora, epochs=1, batch_size=2)
    assert (job.output / "model" / "qwen_vl_chat_stand_in.py").is_file()
    before = answers(family, loaded(family, family.weights), items)
    after = answers(family, loaded(family, weights), items)
    assert (before - after).abs().max() > 1e-4
    beside = Weights(path=str(path), adapter=job.output / "adapter")
    assert torch.allclose(answers(family, loaded(family, beside), items), after, atol=1e-4)
    read = QwenVLChatFamily(QwenVLChatOptions(path=weights.path, trust_remote_code=True), make_run(tmp_path / "again"))
    assert torch.allclose(answers(read, loaded(read, read.weights), items), after, atol=1e-5)

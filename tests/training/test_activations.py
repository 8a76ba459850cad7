"""Gradient checkpointing: what is computed twice instead of kept gives the same training, tree masks and all."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers.models.llama.modeling_llama import LlamaMLP

from jobs import answers, loaded, make_family, make_items, make_job, train
from pairsmith_train.options import LoraOptions

WAYS: dict[str, dict[str, Any]] = {
    "adapter": {"lora": LoraOptions(r=2)},
    "full": {"parts": ("vision", "projector", "language-model"), "learning_rate": 1e-3},
}


@pytest.mark.parametrize("way", WAYS)
def test_it_is_the_same_training_computed_twice(way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    family, items = make_family(tmp_path / "run"), make_items(tmp_path / "images")
    forward, calls = LlamaMLP.forward, list[bool]()

    def counted(self: LlamaMLP, x: torch.Tensor) -> torch.Tensor:
        calls.append(torch.is_grad_enabled())
        return forward(self, x)

    monkeypatch.setattr(LlamaMLP, "forward", counted)
    found = []
    for twice in (False, True):
        job = make_job(tmp_path / str(twice), family, items)
        calls.clear()
        made = train(job, gradient_checkpointing=twice, **WAYS[way])
        losses = [json.loads(line)["loss"] for line in job.metrics.read_text().splitlines()]
        found.append((losses, answers(family, loaded(family, made), items), sum(calls)))
    (plain, kept, once), (again, remade, more) = found
    assert more == 2 * once, "nothing was computed twice"
    assert again == pytest.approx(plain, abs=1e-6)
    assert len(set(plain)) == 2, "it learnt nothing"
    assert torch.allclose(kept, remade, atol=1e-4)

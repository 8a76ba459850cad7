"""A linear module and its adapter in one step give peft's numbers and gradients, and leave to peft what is more."""

from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch import Tensor, nn

from pairsmith_train import low_rank


def adapted(*, bias: bool = True, **config: Any) -> Any:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 10, bias=bias), nn.Tanh(), nn.Linear(10, 5, bias=bias)).double()
    found = get_peft_model(model, LoraConfig(r=2, lora_alpha=3, target_modules=["0", "2"], **config)).double()
    for name, value in found.named_parameters():
        if "lora_B" in name:
            nn.init.normal_(value)
    return found


def numbers(model: Any, x: Tensor) -> list[Tensor]:
    model.zero_grad()
    inputs = x.clone().requires_grad_()
    out = model(inputs)
    out.square().sum().backward()
    return [out.detach(), inputs.grad, *(value.grad.clone() for value in model.parameters() if value.requires_grad)]


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What was computed in one step: the length of each input."""
    taken: list[int] = []
    real = low_rank._InOneStep.apply
    monkeypatch.setattr(low_rank._InOneStep, "apply", lambda x, *more: (taken.append(x.shape[-1]), real(x, *more))[1])
    return taken


@pytest.mark.parametrize("bias", [True, False])
def test_it_gives_pefts_numbers_and_gradients(bias: bool, steps: list[int]) -> None:
    x = torch.randn(3, 4, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    expected = numbers(adapted(bias=bias), x)
    assert steps == []
    found = numbers(low_rank.join(adapted(bias=bias)), x)
    assert steps == [6, 10]
    assert len(expected) == 6
    assert max(float((a - b).abs().max()) for a, b in zip(expected, found, strict=True)) < 1e-12


def test_an_input_that_is_not_learnt_gets_no_gradient(steps: list[int]) -> None:
    model = low_rank.join(adapted())
    model(torch.randn(4, 6, dtype=torch.float64)).sum().backward()
    assert steps == [6, 10]
    assert all(value.grad is not None for value in model.parameters() if value.requires_grad)


@pytest.mark.parametrize("config", [{"use_dora": True}, {"lora_dropout": 0.5}, {"lora_bias": True}])
def test_more_than_the_formula_is_left_to_peft(config: dict[str, Any], steps: list[int]) -> None:
    x = torch.randn(4, 6, dtype=torch.float64)
    plain, joined = adapted(**config), low_rank.join(adapted(**config))
    found = []
    for model in (plain, joined):
        torch.manual_seed(2)
        found.append(model.train()(x))
    assert torch.equal(*found)
    assert steps == []


def test_what_an_engine_watches_is_called(steps: list[int]) -> None:
    model, called = low_rank.join(adapted()), []
    model.base_model.model[0].base_layer.register_forward_pre_hook(lambda *_: called.append(True))
    model(torch.randn(4, 6, dtype=torch.float64))
    assert called and steps == [10]


def test_without_its_adapter_a_model_is_the_reference(steps: list[int]) -> None:
    model, x = low_rank.join(adapted()), torch.randn(4, 6, dtype=torch.float64)
    with model.disable_adapter():
        reference = model(x)
    assert steps == []
    assert not torch.allclose(model(x), reference)
    assert torch.allclose(model.merge_and_unload()(x), low_rank.join(adapted())(x))


def test_mixed_types_are_left_to_peft(steps: list[int]) -> None:
    model = low_rank.join(adapted()).float()
    with torch.autocast("cpu", torch.bfloat16):
        model(torch.randn(4, 6))
    assert steps == []
    model.base_model.model[0].base_layer.bfloat16()
    model.base_model.model[2].base_layer.bfloat16()
    with pytest.raises(RuntimeError, match="dtype"):
        model(torch.randn(4, 6))
    assert steps == []

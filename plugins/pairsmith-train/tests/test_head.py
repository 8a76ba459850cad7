"""Log-probabilities without whole logits: the values and gradients of the book, and nothing as large as the vocabulary kept."""

import weakref
from collections.abc import Callable

import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch import Tensor, nn

from pairsmith_train import head as heads
from pairsmith_train.head import Beside, log_probs, plain, vocabulary

PLACES, HIDDEN, VOCABULARY = 23, 12, 50


class Capped(nn.Module):
    """A head whose logits are capped, as Gemma 2's are."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(HIDDEN, VOCABULARY)

    def forward(self, hidden: Tensor) -> Tensor:
        return 3 * torch.tanh(self.inner(hidden) / 3)


def adapted() -> nn.Module:
    config = LoraConfig(r=2, target_modules=["lm_head"])
    model = get_peft_model(nn.ModuleDict({"lm_head": linear()}), config)
    for name, value in model.named_parameters():
        if "lora_B" in name:
            nn.init.normal_(value)
    return model.base_model.model["lm_head"]


def linear() -> nn.Module:
    return nn.Linear(HIDDEN, VOCABULARY, bias=False)


def frozen(make: Callable[[], nn.Module]) -> Callable[[], nn.Module]:
    return lambda: make().requires_grad_(requires_grad=False)


HEADS = {
    "frozen": frozen(linear),
    "frozen and capped": frozen(Capped),
    "trained": linear,
    "trained and capped": Capped,
    "with an adapter": adapted,
}


def book(head: nn.Module, hidden: Tensor, targets: Tensor, reference: Tensor | None = None) -> Tensor:
    own = head(hidden).log_softmax(-1)
    chosen = own[torch.arange(len(targets)), targets]
    if reference is None:
        return chosen
    divergence = nn.functional.kl_div(own, reference.softmax(-1), reduction="none").sum(-1)
    return torch.stack([chosen, divergence], -1)


def gradients(head: nn.Module, values: Tensor, hidden: Tensor) -> list[Tensor]:
    """Of a sum in which every value has another weight, by the hidden states and by what the head trains."""
    weights = torch.linspace(-1, 2, values.numel()).view(values.shape)
    wanted = [hidden, *(value for value in head.parameters() if value.requires_grad)]
    return list(torch.autograd.grad((values * weights).sum(), wanted))


KEPT = dict(heads._KEPT)


@pytest.fixture(autouse=True)
def _seven_places_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    monkeypatch.setattr(heads, "_AT_ONCE", {"cpu": 7 * VOCABULARY})
    monkeypatch.setattr(heads, "_KEPT", {"cpu": PLACES * VOCABULARY - 1})


@pytest.fixture
def hidden() -> Tensor:
    return torch.randn(PLACES, HIDDEN, requires_grad=True)


@pytest.fixture
def targets() -> Tensor:
    return torch.randint(VOCABULARY, (PLACES,))


@pytest.mark.parametrize("divergences", [False, True])
@pytest.mark.parametrize("name", HEADS)
def test_values_and_gradients_are_those_of_whole_logits(
    name: str, divergences: bool, hidden: Tensor, targets: Tensor
) -> None:
    head, other = HEADS[name](), nn.Linear(HIDDEN, VOCABULARY)
    states = torch.randn(PLACES, HIDDEN)
    reference = other(states).detach() if divergences else None
    expected = book(head, hidden, targets, reference)
    got = log_probs(head, hidden, targets, Beside(states, other) if divergences else None)
    assert got.dtype == torch.float32
    assert torch.allclose(expected, got, atol=1e-5)
    known = gradients(head, expected, hidden)
    for one, two in zip(known, gradients(head, got, hidden), strict=True):
        assert torch.allclose(one, two, atol=1e-5)
    shifted = gradients(head, book(head, hidden, targets.roll(1), reference), hidden)
    assert not torch.allclose(known[0], shifted[0], atol=1e-2), "any targets would do"


@pytest.mark.parametrize("divergences", [False, True])
@pytest.mark.parametrize("name", HEADS)
def test_nothing_of_the_vocabularys_size_is_kept(name: str, divergences: bool, hidden: Tensor, targets: Tensor) -> None:
    """Of the reference's logits neither, where a loss asks for divergences: both heads see a few places at a time."""
    head, other = HEADS[name](), nn.Linear(HIDDEN, VOCABULARY).requires_grad_(requires_grad=False)
    states = torch.randn(PLACES, HIDDEN)
    calls: dict[nn.Module, list[int]] = {head: [], other: []}
    for one in calls:
        one.register_forward_pre_hook(lambda module, inputs: calls[module].append(len(inputs[0])))
    own = {parameter.data_ptr() for one in calls for parameter in one.parameters()}
    saved: list[weakref.ref[Tensor]] = []

    def pack(value: Tensor) -> Tensor:
        if value.data_ptr() not in own:
            saved.append(weakref.ref(value))
        return value

    def kept() -> int:
        return max(value.numel() for one in saved if (value := one()) is not None)

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda value: value):
        expected = book(head, hidden, targets, other(states) if divergences else None)
        assert kept() == PLACES * VOCABULARY, "the measure would not notice"
        del expected
        saved.clear()
        for seen in calls.values():
            seen.clear()
        found = log_probs(head, hidden, targets, Beside(states, other) if divergences else None)
        assert kept() <= PLACES * HIDDEN * (1 + divergences)
    assert calls == {head: [7, 7, 7, 2], other: [7, 7, 7, 2] if divergences else []}
    found.sum().backward()
    again = 0 if name.startswith("frozen") else PLACES
    assert sum(calls[head]) == PLACES + again, "a head that is not trained runs once"


@pytest.mark.parametrize("name", ["trained", "with an adapter"])
def test_a_trained_head_runs_once_where_its_logits_are_few(
    name: str, hidden: Tensor, targets: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    head, calls = HEADS[name](), list[int]()
    pieces = gradients(head, log_probs(head, hidden, targets), hidden)
    monkeypatch.setattr(heads, "_KEPT", {"cpu": PLACES * VOCABULARY})
    head.register_forward_pre_hook(lambda _, inputs: calls.append(len(inputs[0])))
    found = gradients(head, log_probs(head, hidden, targets), hidden)
    assert calls == [PLACES]
    for one, two in zip(pieces, found, strict=True):
        assert torch.allclose(one, two, atol=1e-5)


def test_what_a_trained_head_keeps_is_what_the_documentation_says() -> None:
    assert KEPT == {"cpu": 64 * 2**20 // 4}
    assert heads._AT_ONCE_ON_A_GPU == 256 * 2**20 // 4


def test_without_a_backward_pass_the_head_runs_once(hidden: Tensor, targets: Tensor) -> None:
    head = linear()
    with torch.inference_mode():
        assert torch.allclose(log_probs(head, hidden, targets), book(head, hidden, targets), atol=1e-5)


def test_coarse_weights_are_normalised_in_float32(hidden: Tensor, targets: Tensor) -> None:
    head = frozen(linear)().bfloat16()
    coarse = hidden.detach().bfloat16().requires_grad_()
    got = log_probs(head, coarse, targets)
    exact = head(coarse).double().log_softmax(-1).gather(-1, targets[:, None])[:, 0]
    assert torch.allclose(got.double(), exact, atol=1e-5), "bfloat16 would be 1e-2 off"
    (slope,) = torch.autograd.grad(got.sum(), coarse)
    (wanted,) = torch.autograd.grad(exact.sum(), coarse)
    assert torch.allclose(slope.float(), wanted.float(), atol=0.05)


def test_the_size_of_the_vocabulary_is_found_and_the_adapter_taken_off() -> None:
    for name, make in HEADS.items():
        assert vocabulary(make()) == VOCABULARY, name
    head = adapted()
    assert plain(head) is head.base_layer
    assert plain(plain(head)) is head.base_layer

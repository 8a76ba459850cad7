"""Models in 8 and 4 bits: as bitsandbytes loads them where it is installed, one sentence where it is not."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest
import torch

from pairsmith.errors import StageError
from pairsmith.interfaces import Weights
from pairsmith.testing import make_run
from pairsmith_hf import quantised
from pairsmith_hf.family import inner
from pairsmith_hf.llava import LlavaFamily
from pairsmith_hf.options import LlavaOptions, ModelOptions, Quantization, RandomLlavaOptions, model_needs
from pairsmith_hf.random_llava import RandomLlavaFamily

TOKENS = torch.arange(5, 20)[None]


@pytest.fixture
def weights(tmp_path: Path) -> Weights:
    options = RandomLlavaOptions(image_size=16, patch_size=8, vocabulary=300, std=0.05)
    return RandomLlavaFamily(options, make_run(tmp_path / "made")).weights


def family(weights: Weights, quantization: Quantization, tmp_path: Path) -> LlavaFamily:
    return LlavaFamily(LlavaOptions(path=weights.path, quantization=quantization), make_run(tmp_path / "run"))


def logits(model: Any) -> torch.Tensor:
    with torch.inference_mode():
        read: torch.Tensor = model(input_ids=TOKENS).logits
        return read


def test_without_bitsandbytes_it_is_one_sentence(
    weights: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quantised, "find_spec", lambda _: None)
    with pytest.raises(
        StageError, match=r"quantization = '4bit' needs bitsandbytes.*pip install 'pairsmith-hf\[quantised\]"
    ):
        family(weights, "4bit", tmp_path).load(weights, device="cpu", dtype="float32")


def test_what_bitsandbytes_refuses_is_one_sentence(
    weights: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: Any, **__: Any) -> None:
        msg = "No GPU found.\nA GPU is needed for quantization."
        raise RuntimeError(msg)

    monkeypatch.setattr("transformers.LlavaForConditionalGeneration.from_pretrained", refused)
    monkeypatch.setattr(quantised, "find_spec", lambda _: object())
    with pytest.raises(StageError, match=r"'8bit' cannot be had on 'cpu': No GPU found\. A GPU is needed"):
        family(weights, "8bit", tmp_path).load(weights, device="cpu", dtype="float32")


def test_whole_weights_are_loaded_as_ever(weights: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quantised, "find_spec", lambda _: None)
    assert (
        logits(family(weights, "none", tmp_path).load(weights, device="cpu", dtype="float32")).shape[1]
        == TOKENS.shape[1]
    )


def test_another_precision_is_another_model(weights: Weights, tmp_path: Path) -> None:
    """Log-probabilities of whole weights are no reference for quantised ones."""
    found = {family(weights, one, tmp_path).fingerprint(weights) for one in ("none", "8bit", "4bit")}
    assert len(found) == 3


def test_a_quantised_model_needs_less_memory() -> None:
    needs = [
        model_needs(ModelOptions(path="org/some-7b", dtype="bfloat16", quantization=one)) for one in ("none", "4bit")
    ]
    assert needs[1].device_bytes < needs[0].device_bytes / 3
    assert needs[1].downloads == needs[0].downloads == {"org/some-7b": 14 * 10**9}


@pytest.mark.parametrize(("quantization", "kind", "double"), [("4bit", "nf4", True), ("4bit-fp4", "fp4", False)])
def test_four_bits_are_nf4_or_the_librarys_default(
    quantization: Quantization, kind: str, double: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PDS-DPO's answerers are loaded in 4 bits and nothing else is said: FP4, constants whole."""
    monkeypatch.setattr(quantised, "find_spec", lambda _: True)
    config = quantised.settings(quantization, device="cuda", dtype="float16")["quantization_config"]
    assert (config.bnb_4bit_quant_type, config.bnb_4bit_use_double_quant) == (kind, double)
    assert config.bnb_4bit_compute_dtype is torch.float16


needs_bitsandbytes = pytest.mark.skipif(
    importlib.util.find_spec("bitsandbytes") is None, reason="bitsandbytes is not installed"
)


@needs_bitsandbytes
@pytest.mark.parametrize(
    ("quantization", "kind"), [("8bit", "Linear8bitLt"), ("4bit", "Linear4bit"), ("4bit-fp4", "Linear4bit")]
)
def test_weights_are_quantised_and_an_adapter_stays_beside_them(
    weights: Weights, tmp_path: Path, quantization: Quantization, kind: str
) -> None:
    from peft import LoraConfig, get_peft_model

    family_ = family(weights, quantization, tmp_path)
    model: Any = family_.load(weights, device="cpu", dtype="float32")
    layer = model.model.language_model.layers[0].self_attn.q_proj
    assert type(layer).__name__ == kind
    assert type(model.lm_head) is torch.nn.Linear
    whole = logits(family(weights, "none", tmp_path).load(weights, device="cpu", dtype="float32"))
    assert 0 < float((logits(model) - whole).abs().mean()) < float(whole.std()) / 2

    trained = get_peft_model(model, LoraConfig(r=2, target_modules=family_.lora_targets(["language-model"])))
    for name, parameter in trained.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    loss = trained(input_ids=TOKENS, labels=TOKENS).loss
    loss.backward()  # what trains is the adapter alone
    assert {name.split(".")[-3] for name, one in trained.named_parameters() if one.grad is not None} <= {
        "lora_A",
        "lora_B",
    }
    expected = logits(trained.eval())
    trained.save_pretrained(tmp_path / "adapter")
    again = family_.load(Weights(path=weights.path, adapter=tmp_path / "adapter"), device="cpu", dtype="float32")
    assert inner(again) is not again
    torch.testing.assert_close(logits(again), expected, atol=1e-3, rtol=1e-3)

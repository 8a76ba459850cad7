"""Our losses against TRL's own on the same batch of the same small model: values and gradients."""

import os
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from attrs import evolve

from pairsmith.interfaces import LogProbs, Run
from pairsmith.registry import Registry
from pairsmith.testing import make_run
from pairsmith.values import Cell
from pairsmith.within import builder
from pairsmith_losses.desirable import kto
from pairsmith_losses.rewards import rewards

trl = pytest.importorskip("trl")
CHOSEN, REJECTED = Cell("chosen"), Cell("rejected")
WORDS = [
    "<pad>",
    "<eos>",
    "what",
    "is",
    "there",
    "a",
    "red",
    "blue",
    "square",
    "circle",
    "cat",
    "dog",
    "and",
    "no",
    "on",
    "it",
    "small",
    "large",
    "one",
    "two",
]
PAIRS = [
    ("what is there", "a red square and a cat", "a blue circle"),
    ("what is on it", "no dog", "one small dog and two large cat on it"),
    ("is there a cat", "one cat", "two dog"),
]


@pytest.fixture(scope="module", autouse=True)
def offline() -> None:
    os.environ.setdefault("HF_HUB_OFFLINE", "1")


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(WordLevel({word: k for k, word in enumerate(WORDS)}, unk_token="<pad>"))
    made.pre_tokenizer = Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=made, pad_token="<pad>", eos_token="<eos>")


def model(seed: int) -> Any:
    """A language model whose weights are large enough that a policy and a reference differ by nats."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(WORDS),
            hidden_size=16,
            intermediate_size=32,
            num_hidden_layers=1,
            num_attention_heads=2,
            initializer_range=0.3,
        )
    ).eval()


def log_probs(module: Any, ids: torch.Tensor, attention: torch.Tensor, completion: torch.Tensor) -> LogProbs:
    """The log-probabilities of the answers in a batch as TRL's collators pad it."""
    logits = module(input_ids=ids, attention_mask=attention).logits[:, :-1].float()
    tokens = logits.log_softmax(-1).gather(-1, ids[:, 1:, None])[..., 0]
    mask = completion[:, 1:].bool()
    return LogProbs(tokens * mask, mask, ids[:, 1:].masked_fill(~mask, -1))


def halves(one: LogProbs) -> dict[Cell, LogProbs]:
    size = len(one.tokens) // 2
    parts = (slice(None, size), slice(size, None))
    return {
        cell: LogProbs(one.tokens[k], one.mask[k], one.ids[k])
        for cell, k in zip((CHOSEN, REJECTED), parts, strict=True)
    }


def loss(name: str, **options: Any) -> Any:
    def run() -> Run:
        return make_run(Path("unused"), component=builder(Registry.discover(), run))

    component = Registry.discover().find("losses", f"pairsmith-losses/{name}").component
    return component.build(component.options_class(**options), run())


def settings(kind: str, directory: Path, **more: Any) -> Any:
    return getattr(trl, kind)(
        output_dir=str(directory),
        per_device_train_batch_size=len(PAIRS),
        use_cpu=True,
        bf16=False,
        gradient_checkpointing=False,
        report_to="none",
        max_length=None,
        **more,
    )


def gradients(module: Any, total: torch.Tensor) -> torch.Tensor:
    module.zero_grad()
    total.backward()
    return torch.cat([value.grad.flatten().clone() for value in module.parameters() if value.grad is not None])


def assert_same(module: Any, expected: torch.Tensor, got: torch.Tensor) -> None:
    assert got.item() == pytest.approx(expected.item(), abs=1e-5)
    wanted, found = gradients(module, expected), gradients(module, got)
    assert float(wanted.norm()) > 1e-3, "a loss without a gradient says nothing"
    assert float((wanted - found).norm() / wanted.norm()) < 1e-5


SAME_AS_DPO: list[tuple[dict[str, Any], str, dict[str, Any]]] = [
    ({"loss_type": "sigmoid"}, "dpo", {}),
    ({"loss_type": "sigmoid_norm"}, "dpo", {"log_probs": "mean"}),
    ({"loss_type": "sigmoid", "ld_alpha": 0.3}, "dpo", {"tail": 0.3}),
    ({"loss_type": "hinge"}, "dpo", {"link": "hinge"}),
    ({"loss_type": "ipo"}, "dpo", {"link": "ipo"}),
    ({"loss_type": "robust", "label_smoothing": 0.1}, "dpo", {"link": "robust", "smoothing": 0.1}),
    ({"loss_type": "exo_pair", "label_smoothing": 0.1}, "dpo", {"link": "exo", "smoothing": 0.1}),
    ({"loss_type": "discopop"}, "dpo", {"link": "discopop"}),
    ({"loss_type": "nca_pair"}, "nca", {}),
    ({"loss_type": "sppo_hard"}, "sppo", {}),
    ({"loss_type": "bco_pair"}, "bco", {"shift": "zero"}),
    ({"loss_type": "apo_zero"}, "apo-zero", {}),
    ({"loss_type": "apo_down"}, "apo-down", {}),
    ({"loss_type": "sft"}, "sft", {}),
    (
        {"loss_type": ["sigmoid", "bco_pair", "sft"], "loss_weights": [0.8, 0.2, 1.0]},
        "sum",
        {
            "terms": (
                {"use": "dpo", "weight": 0.8, "beta": 0.3},
                {"use": "bco", "weight": 0.2, "beta": 0.3, "shift": "zero"},
                {"use": "sft"},
            )
        },
    ),
]


@pytest.mark.parametrize(
    ("theirs", "name", "ours"), SAME_AS_DPO, ids=[str(case[0]["loss_type"]) for case in SAME_AS_DPO]
)
def test_a_loss_is_the_one_of_trls_dpo_trainer(
    theirs: Mapping[str, Any], name: str, ours: dict[str, Any], tokenizer: Any, tmp_path: Path
) -> None:
    from datasets import Dataset

    policy, reference = model(0), model(1)
    rows = [{"prompt": prompt, "chosen": f" {one}", "rejected": f" {two}"} for prompt, one, two in PAIRS]
    trainer = trl.DPOTrainer(
        model=policy,
        ref_model=reference,
        args=settings("DPOConfig", tmp_path, beta=0.3, **theirs),
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
    )
    batch = trainer.data_collator([dict(row) for row in trainer.train_dataset])
    inputs = (batch["input_ids"], batch["attention_mask"], batch["completion_mask"])
    expected = trainer.compute_loss(policy, dict(batch))
    with torch.no_grad():
        known = halves(log_probs(reference, *inputs))
    strength = {} if name in {"sft", "sum"} else {"beta": 0.3}
    got = loss(name, **strength, **ours)
    found = got(halves(log_probs(policy, *inputs)), known if got.uses_reference else {}).loss.mean()
    assert_same(policy, expected, found)


@pytest.mark.parametrize("kind", ["kto", "apo_zero_unpaired"])
def test_kto_is_the_one_of_trls_trainer(kind: str, tokenizer: Any, tmp_path: Path) -> None:
    """With TRL's own reference point, which is estimated from other prompts' answers, and with none."""
    from datasets import Dataset

    policy, reference = model(0), model(1)
    rows = [
        {"prompt": prompt, "completion": f" {texts[side]}", "label": side == 0}
        for side in (0, 1)
        for prompt, *texts in PAIRS
    ]
    trainer = trl.KTOTrainer(
        model=policy,
        ref_model=reference,
        args=settings("KTOConfig", tmp_path, beta=0.3, loss_type=kind, desirable_weight=1.5, undesirable_weight=0.5),
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
    )
    batch = trainer.data_collator([dict(row) for row in trainer.train_dataset])
    expected = trainer.compute_loss(policy, dict(batch))
    inputs = (batch["input_ids"], batch["attention_mask"], batch["completion_mask"])
    own = halves(log_probs(policy, *inputs))
    with torch.no_grad():
        known = halves(log_probs(reference, *inputs))
    if kind == "kto":
        others = (batch["KL_input_ids"], batch["KL_attention_mask"], batch["KL_completion_mask"])
        with torch.no_grad():
            point = (log_probs(policy, *others).sum - log_probs(reference, *others).sum).mean().clamp(min=0)
        reward = rewards(own, known, 0.3)
        found = kto(reward[CHOSEN], reward[REJECTED], 0.3 * point, 1.5, 0.5).mean()
    else:
        ours = loss("kto", beta=0.3, desirable=1.5, undesirable=0.5, reference_point="zero")
        found = ours(own, known).loss.mean()
    assert_same(policy, expected, found)


def answers() -> dict[Cell, LogProbs]:
    dice = torch.Generator().manual_seed(0)
    mask = torch.arange(6)[None] < torch.tensor([[6], [3], [1], [4]])
    return {
        cell: LogProbs(-2 * torch.rand(4, 6, generator=dice) * mask[k], mask[k])
        for cell, k in ((CHOSEN, [0, 1, 2, 3]), (REJECTED, [3, 2, 1, 0]))
    }


@pytest.mark.parametrize(
    ("kind", "ours", "average", "smoothing"),
    [
        ("simpo", lambda: loss("simpo", beta=2.0, margin=0.5), True, 0.0),
        ("hinge", lambda: loss("slic", margin=1.0), False, 0.0),
        # TRL's DPOTrainer smooths no labels of its sigmoid; CPO is DPO with a reference that finds all answers alike.
        ("sigmoid", lambda: loss("dpo", beta=1.0, smoothing=0.2), False, 0.2),
    ],
    ids=["simpo", "slic", "cdpo"],
)
def test_losses_that_trls_cpo_trainer_has_are_its_own(kind: str, ours: Any, average: bool, smoothing: float) -> None:
    cpo = pytest.importorskip("trl.experimental.cpo")
    policy = answers()
    alike = {cell: evolve(one, tokens=torch.zeros_like(one.tokens)) for cell, one in policy.items()}
    beta = 2.0 if kind == "simpo" else 1.0
    trainer = SimpleNamespace(
        alpha=0.0,
        beta=beta,
        loss_type=kind,
        simpo_gamma=0.5,
        label_smoothing=smoothing,
        accelerator=SimpleNamespace(device="cpu"),
    )
    values = [policy[cell].mean if average else policy[cell].sum for cell in (CHOSEN, REJECTED)]
    expected, *_ = cpo.CPOTrainer.cpo_loss(trainer, *values)
    assert ours()(policy, alike).loss.tolist() == pytest.approx(expected.tolist(), abs=1e-5)


def test_orpo_is_the_one_of_trls_trainer() -> None:
    orpo = pytest.importorskip("trl.experimental.orpo")
    policy = answers()
    trainer = SimpleNamespace(beta=0.2, accelerator=SimpleNamespace(device="cpu"))
    ratio, *_ = orpo.ORPOTrainer.odds_ratio_loss(trainer, policy[CHOSEN].mean, policy[REJECTED].mean)
    expected = -policy[CHOSEN].mean - ratio
    assert loss("orpo", weight=0.2)(policy, {}).loss.tolist() == pytest.approx(expected.tolist(), abs=1e-5)

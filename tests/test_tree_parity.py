"""The tree against separate passes, and against stock TRL, on a LLaVA whose weights are large enough to notice."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from attrs import evolve
from PIL import Image as Pillow

from pairsmith.interfaces import LogProbs, Loss
from pairsmith.testing import make_run
from pairsmith.values import Cell, Corrupted, Image, Item, Pair, Response, Sample, user
from pairsmith_hf import branches
from pairsmith_hf.options import RandomLlavaOptions
from pairsmith_hf.random_llava import RandomLlavaFamily
from pairsmith_losses.dpo import Dpo
from pairsmith_losses.image_options import McmDpoOptions, MdpoOptions
from pairsmith_losses.mcm_dpo import McmDpo
from pairsmith_losses.mdpo import Mdpo
from pairsmith_losses.options import DpoOptions
from pairsmith_train.batch import Collator, by_cell
from pairsmith_train.encode import Encoder
from pairsmith_train.frozen import Frozen
from pairsmith_train.scorer import Scorer

TINY = RandomLlavaOptions(image_size=32, patch_size=8, vocabulary=400, std=0.3)


@pytest.fixture
def family(tmp_path: Path) -> RandomLlavaFamily:
    return RandomLlavaFamily(TINY, make_run(tmp_path / "run"))


@pytest.fixture
def items(tmp_path: Path) -> list[Item]:
    """Three pairs about two images: answers that begin alike, another context, another image."""
    images = []
    for k in range(2):
        path = tmp_path / f"{k}.png"
        Pillow.fromarray(np.random.default_rng(k).integers(0, 256, (40, 50, 3), dtype=np.uint8)).save(path)
        images.append(Image(path=path, id=str(k)))
    answers = [("a red square on it", "a red circle"), ("two cats", "no cat at all is there"), ("yes", "no")]
    made = []
    for k, (chosen, rejected) in enumerate(answers):
        sample = Sample(id=f"s{k}", images=(images[k % 2],), prompt=user("What is there?"), context=f"post {k}")
        pair = Pair(
            id=f"p{k}",
            sample=sample,
            chosen=Response(id=f"s{k}/0", sample_id=sample.id, text=chosen),
            rejected=Response(id=f"s{k}/1", sample_id=sample.id, text=rejected),
        )
        made.append(Item(value=pair, corrupted=Corrupted(images=(images[1 - k % 2],), context="another post")))
    return made


def build(name: str) -> Loss:
    run = make_run(Path("unused"))
    return {
        "dpo": lambda: Dpo(DpoOptions(), run),
        "mdpo": lambda: Mdpo(MdpoOptions(), run),
        "mcm-dpo": lambda: McmDpo(McmDpoOptions(), run),
    }[name]()


def separate(family: RandomLlavaFamily, model: torch.nn.Module, items: list[Item], cells: tuple[Cell, ...]):
    """Each cell of each item in a forward pass of its own, through the whole model as transformers runs it."""
    codec, found = family.codec(family.weights), {}
    for cell in cells:
        rows = []
        for item in items:
            prompt = codec.prompt(item.turns(cell), item.images(cell))
            answer = codec.response(item.turns(cell), item.value.response(cell.response).text)
            ids = torch.tensor([[*prompt.tokens, *answer]])
            pixels = torch.cat([codec.pixels(image)["pixel_values"] for image in item.images(cell)])
            logits = model(input_ids=ids, pixel_values=pixels, use_cache=False).logits[0]
            start = len(prompt.tokens) - 1
            rows.append(logits[start:-1].log_softmax(-1).gather(-1, torch.tensor(answer)[:, None])[:, 0])
        longest = max(map(len, rows))
        tokens = torch.stack([torch.nn.functional.pad(row, (0, longest - len(row))) for row in rows])
        mask = torch.stack([torch.arange(longest) < len(row) for row in rows])
        found[cell] = LogProbs(tokens, mask)
    return found


def tree(family: RandomLlavaFamily, model: torch.nn.Module, items: list[Item], cells: tuple[Cell, ...], spoil=None):
    collator = Collator(Encoder(family.codec(family.weights), cells, None, cut=False))
    batch = collator([(item, None) for item in items])
    if spoil:
        spoil(batch)
    return by_cell(Scorer(model, family)(batch), batch, cells)


def causal(batch) -> None:
    """The control: every token sees all before it, answers of other cells included."""
    batch["last"] = torch.full_like(batch["last"], batch["last"].shape[1] - 1)


def gradient(model: torch.nn.Module, loss: Loss, policy) -> torch.Tensor:
    model.zero_grad()
    detached = {cell: LogProbs(one.tokens.detach() * 0.9, one.mask) for cell, one in policy.items()}
    loss(policy, detached).loss.mean().backward()
    return torch.cat([value.grad.flatten() for value in model.parameters() if value.grad is not None])


def worst(one, other) -> float:
    return max(float((one[cell].tokens - other[cell].tokens).detach().abs().max()) for cell in one)


@pytest.mark.parametrize(("name", "by_branch"), [("dpo", 0), ("mdpo", 0), ("mcm-dpo", 0), ("mcm-dpo", 1)])
def test_the_tree_equals_separate_passes(
    family: RandomLlavaFamily, items: list[Item], name: str, by_branch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(branches, "FROM", 0 if by_branch else 10**6)
    model = family.load(family.weights, device="cpu", dtype="float32")
    loss = build(name)
    apart, together = (way(family, model, items, loss.cells) for way in (separate, tree))
    assert worst(apart, together) < 1e-4
    expected = gradient(model, loss, apart)
    got = gradient(model, loss, together)
    assert float((expected - got).norm() / expected.norm()) < 1e-5
    control = tree(family, model, items, loss.cells, spoil=causal)
    assert worst(apart, control) > 0.05, "the control agrees: this test could not have failed"


def test_an_image_shared_by_pairs_and_cells_is_encoded_once(family: RandomLlavaFamily, items: list[Item]) -> None:
    loss = build("mcm-dpo")
    collator = Collator(Encoder(family.codec(family.weights), loss.cells, None, cut=False))
    batch = collator([(item, None) for item in items])
    assert batch["images"]["pixel_values"].shape[0] == 2
    rows = sum(len(item.images(cell)) for item in items for cell in loss.cells)
    assert rows == 24


def test_the_head_runs_where_something_is_predicted(family: RandomLlavaFamily, items: list[Item], monkeypatch) -> None:
    model = family.load(family.weights, device="cpu", dtype="float32")
    seen: list[int] = []
    model.lm_head.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].shape[0]))
    cells = build("dpo").cells
    policy = tree(family, model, items, cells)
    labels = sum(int(one.mask.sum()) for one in policy.values())
    assert sum(seen) < labels, "places where chosen and rejected predict together were computed twice"


def test_many_places_are_computed_in_pieces_and_come_out_the_same(
    family: RandomLlavaFamily, items: list[Item], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = family.load(family.weights, device="cpu", dtype="float32").train()
    loss = build("mcm-dpo")
    whole = tree(family, model, items, loss.cells)
    expected = gradient(model, loss, whole)
    for limit in ("_AT_ONCE", "_KEPT"):
        monkeypatch.setattr(f"pairsmith_train.head.{limit}", {"cpu": 7 * 400})
    pieces = tree(family, model, items, loss.cells)
    assert worst(whole, pieces) < 1e-5
    assert float((expected - gradient(model, loss, pieces)).norm() / expected.norm()) < 1e-6


def naive_divergences(
    family: RandomLlavaFamily, model: torch.nn.Module, reference: torch.nn.Module, items: list[Item], cell: Cell
) -> list[torch.Tensor]:
    """KL(reference || model) at each place of each answer, from whole logits in passes of their own."""
    codec, found = family.codec(family.weights), []
    for item in items:
        prompt = codec.prompt(item.turns(cell), item.images(cell))
        answer = codec.response(item.turns(cell), item.value.response(cell.response).text)
        inputs = {
            "input_ids": torch.tensor([[*prompt.tokens, *answer]]),
            "pixel_values": torch.cat([codec.pixels(image)["pixel_values"] for image in item.images(cell)]),
        }
        places = slice(len(prompt.tokens) - 1, -1)
        own = model(**inputs, use_cache=False).logits[0, places].log_softmax(-1)
        with torch.no_grad():
            known = reference(**inputs, use_cache=False).logits[0, places].softmax(-1)
        found.append(torch.nn.functional.kl_div(own, known, reduction="none").sum(-1))
    return found


def scored(
    family: RandomLlavaFamily, model: torch.nn.Module, frozen: Frozen, items: list[Item], cells: tuple[Cell, ...]
) -> dict[Cell, LogProbs]:
    collator = Collator(Encoder(family.codec(family.weights), cells, None, cut=False))
    batch = collator([(item, None) for item in items])
    return by_cell(Scorer(model, family, frozen)(batch), batch, cells)


@pytest.mark.parametrize("places", [256, 7])
def test_divergences_and_their_gradients_are_those_of_whole_distributions(
    family: RandomLlavaFamily, items: list[Item], places: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for limit in ("_AT_ONCE", "_KEPT"):
        monkeypatch.setattr(f"pairsmith_train.head.{limit}", {"cpu": places * 400})
    reference = family.load(family.weights, device="cpu", dtype="float32")
    model = family.load(family.weights, device="cpu", dtype="float32")
    with torch.no_grad():
        for value in model.model.language_model.parameters():
            value.mul_(1.05)
    cells = build("mdpo").cells
    found = scored(family, model, Frozen(family, reference), items, cells)
    assert worst(tree(family, model, items, cells), found) < 1e-5
    naive = {cell: naive_divergences(family, model, reference, items, cell) for cell in cells}
    for cell in cells:
        kl, mask = found[cell].kl, found[cell].mask
        assert not kl[~mask].any()
        for row, expected in enumerate(naive[cell]):
            assert float((kl[row][mask[row]] - expected).detach().abs().max()) < 1e-4
            assert float(expected.detach().max()) > 0.01, "policy and reference are too alike for this test to fail"
    wanted, got = (
        torch.cat([part.flatten() for part in torch.autograd.grad(total, list(model.lm_head.parameters()))])
        for total in (
            sum(row.sum() for rows in naive.values() for row in rows),
            sum(one.kl.sum() for one in found.values()),
        )
    )
    assert float((wanted - got).norm() / wanted.norm()) < 1e-4


def test_a_model_without_its_adapter_is_the_reference(family: RandomLlavaFamily, items: list[Item]) -> None:
    from peft import LoraConfig, get_peft_model

    base = family.load(family.weights, device="cpu", dtype="float32")
    plain = family.load(family.weights, device="cpu", dtype="float32")
    config = LoraConfig(r=4, lora_dropout=0.5, target_modules=family.lora_targets(("language-model",)))
    adapted = get_peft_model(base, config)
    with torch.no_grad():
        for name, value in adapted.named_parameters():
            if "lora_B" in name:
                value.normal_(std=0.1)
    trained = {name for name, value in adapted.named_parameters() if value.requires_grad}
    adapted.eval()
    cells = build("dpo").cells
    found = scored(family, adapted, Frozen(family), items, cells)
    for cell in cells:
        for row, expected in enumerate(naive_divergences(family, adapted, plain, items, cell)):
            assert float((found[cell].kl[row][found[cell].mask[row]] - expected).detach().abs().max()) < 1e-4
            assert float(expected.detach().max()) > 0.01, "the adapter changes too little for this test to fail"
    adapted.train()
    loss = sum(one.kl.sum() for one in scored(family, adapted, Frozen(family), items, cells).values())
    loss.backward()
    assert adapted.training
    assert {
        name for name, value in adapted.named_parameters() if value.grad is not None and value.grad.any()
    } == trained


def test_losses_are_given_the_tokens(family: RandomLlavaFamily, items: list[Item]) -> None:
    model = family.load(family.weights, device="cpu", dtype="float32")
    codec = family.codec(family.weights)
    for cell, one in tree(family, model, items, build("dpo").cells).items():
        for row, item in enumerate(items):
            answer = codec.response(item.turns(cell), item.value.response(cell.response).text)
            assert one.ids[row].tolist() == [*answer, *[-1] * (one.ids.shape[1] - len(answer))]


def test_one_batch_has_the_loss_and_gradient_of_stock_trl(
    family: RandomLlavaFamily, items: list[Item], tmp_path: Path
) -> None:
    from datasets import Dataset
    from datasets import Image as DatasetImage
    from datasets import List as DatasetList
    from trl import DPOConfig, DPOTrainer

    rows = [
        {
            "images": [Pillow.open(image.path).convert("RGB") for image in item.value.sample.images],
            "prompt": [{"role": "user", "content": item.turns(Cell("chosen"))[0].text}],
            "chosen": [{"role": "assistant", "content": item.value.chosen.text}],
            "rejected": [{"role": "assistant", "content": item.value.rejected.text}],
        }
        for item in items
    ]
    data = Dataset.from_list(rows).cast_column("images", DatasetList(DatasetImage()))
    model = family.load(family.weights, device="cpu", dtype="float32")
    reference = family.load(family.weights, device="cpu", dtype="float32")
    with torch.no_grad():  # a policy that has moved, so that the loss is not ln 2 whatever is computed
        for value in model.model.language_model.parameters():
            value.mul_(1.01)
    settings = DPOConfig(
        output_dir=str(tmp_path / "trl"),
        per_device_train_batch_size=len(items),
        use_cpu=True,
        bf16=False,
        max_length=None,
        gradient_checkpointing=False,
        report_to="none",
        beta=0.1,
    )
    processor = family.codec(family.weights).processor
    trainer = DPOTrainer(
        model=model, ref_model=reference, args=settings, train_dataset=data, processing_class=processor
    )
    model.eval()  # no dropout here, but TRL puts the model into training mode
    batch = trainer.data_collator([dict(data[k]) for k in range(len(items))])
    model.zero_grad()
    expected = trainer.compute_loss(model, batch)
    expected.backward()
    wanted = torch.cat([value.grad.flatten().clone() for value in model.parameters() if value.grad is not None])

    loss = build("dpo")
    with torch.no_grad():
        known = tree(family, reference, items, loss.cells)
    model.zero_grad()
    got = loss(tree(family, model, items, loss.cells), known).loss.mean()
    got.backward()
    found = torch.cat([value.grad.flatten() for value in model.parameters() if value.grad is not None])
    assert got.item() == pytest.approx(expected.item(), abs=1e-5)
    assert abs(got.item() - 0.6931) > 1e-3
    assert float((wanted - found).norm() / wanted.norm()) < 1e-4


def test_an_answer_is_cut_only_where_that_is_asked_for(family: RandomLlavaFamily, items: list[Item]) -> None:
    cells = build("dpo").cells
    codec = family.codec(family.weights)
    prompt = len(codec.prompt(items[0].turns(cells[0]), items[0].images(cells[0])).tokens)
    limit = prompt + 8  # in the middle of words that differ
    assert "over" in str(Encoder(codec, cells, limit, cut=False).fits(items[0]))
    cutting = Encoder(codec, cells, limit, cut=True)
    assert cutting.fits(items[0]) is None
    assert cutting.is_cut(items[0])
    sequences = list(cutting.sequences(items[0], _Pixels(codec, items)))
    assert [len(one.tokens) for one in sequences] == [limit, limit]
    assert "over" in str(Encoder(codec, cells, prompt, cut=True).fits(items[0])), "the prompt itself is never cut"


def test_answers_that_are_cut_to_the_same_are_left_out(family: RandomLlavaFamily, items: list[Item]) -> None:
    cells = build("dpo").cells
    codec = family.codec(family.weights)
    same = evolve(items[0], value=evolve(items[0].value, rejected=items[0].value.chosen))
    assert "the same" in str(Encoder(codec, cells, None, cut=False).fits(same))


class _Pixels(dict):
    def __init__(self, codec, items: list[Item], make: Callable | None = None) -> None:
        super().__init__({image.id: codec.pixels(image) for item in items for image in item.value.sample.images})

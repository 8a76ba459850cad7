"""Trees by FlexAttention: the block mask is the dense one, and the numbers are those of dense masks."""

import importlib.util
import shutil
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.attention import flex_attention as torchs

from pairsmith.errors import StageError
from pairsmith.interfaces import TreeBatch
from pairsmith.registry import Registry
from pairsmith.testing import make_run
from pairsmith.testing.pictures import noise
from pairsmith.values import Cell, Item, Pair, Response, Sample, user
from pairsmith_hf import attention, flex
from pairsmith_hf.masks import additive, dense, masks, runs, within_images
from pairsmith_hf.options import RandomLlavaOptions
from pairsmith_hf.random_llava import RandomLlavaFamily
from pairsmith_train import guards
from pairsmith_train.batch import Collator, by_cell
from pairsmith_train.encode import Encoder
from pairsmith_train.options import TreeOptions
from pairsmith_train.scorer import Scorer
from pairsmith_train.tree import preorder

CELLS = (Cell("chosen"), Cell("rejected"))
FAMILIES = ["llava", "qwen2-vl", "gemma3", "llava-next"]  # plain; three axes; both ways and windows; windows alone


def batch_of(rows: list[list[int]]) -> TreeBatch:
    """Return trees with these parents, side by side, padded."""
    longest = max(map(len, rows))
    last = torch.arange(longest).repeat(len(rows), 1)
    for row, parents in enumerate(rows):
        place, ends = preorder(parents)
        last[row, place] = torch.from_numpy(ends)
    nothing = torch.full_like(last, -1)
    return TreeBatch(tokens=nothing, positions=nothing[None], last=last, features=nothing, images={})


@st.composite
def forests(draw: st.DrawFn) -> TreeBatch:
    """Several packed trees in a row, long paths among them, so that blocks are full, mixed and empty."""
    rows = []
    for _ in range(draw(st.integers(1, 2))):
        parents: list[int] = []
        for _ in range(draw(st.integers(1, 8))):
            parent = draw(st.integers(-1, len(parents) - 1))
            for _ in range(draw(st.sampled_from([1, 2, 60, 200]))):
                parents.append(parent)
                parent = len(parents) - 1
        rows.append(parents)
    return batch_of(rows)


def shown(mask: Any) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return what a block mask lets through ``[B, L, L]``, token by token, and by blocks in part and in full."""
    size, _, length, _ = mask.shape
    place = torch.arange(length)
    visible = torch.stack(
        [mask.mask_mod(torch.tensor(row), torch.tensor(0), place[:, None], place[None]) for row in range(size)]
    )

    def blocks(counts: torch.Tensor, indices: torch.Tensor) -> torch.Tensor:
        found = torch.zeros(size, length // flex.BLOCK, length // flex.BLOCK, dtype=torch.bool)
        for row in range(size):
            for query in range(found.shape[1]):
                found[row, query, indices[row, 0, query, : counts[row, 0, query]].long()] = True
        return found.repeat_interleave(flex.BLOCK, 1).repeat_interleave(flex.BLOCK, 2)

    return (
        visible,
        blocks(mask.kv_num_blocks, mask.kv_indices),
        blocks(mask.full_kv_num_blocks, mask.full_kv_indices),
    )


@given(forests(), st.sampled_from([None, 1, 7, 150]), st.booleans(), st.data())
@settings(max_examples=25, deadline=None)
def test_the_block_mask_is_the_dense_one(batch: TreeBatch, window: int | None, both: bool, data: st.DataObject) -> None:
    features = torch.full_like(batch.last, -1)
    if both:  # an image at the beginning of each row, as far as its first path goes
        size = data.draw(st.integers(1, 200))
        for row in range(len(features)):
            chain = next((k for k in range(1, features.shape[1]) if batch.last[row, k] != batch.last[row, 0]), 1)
            end = min(size, chain)
            features[row, :end] = torch.arange(end)
    sees = within_images(batch.sees, features) if both else batch.sees
    wanted = dense(sees, window, torch.float32)[:, 0] == 0
    mask = flex.block_mask(batch.last, runs(features) if both else None, window)
    visible, partly, wholly = shown(mask)
    length = sees.shape[-1]
    assert mask.shape[-1] == flex.bucket(length)
    assert torch.equal(visible[:, :length, :length], wanted)
    assert not visible[:, :length, length:].any(), "what was added to reach the bucket is seen"
    assert bool((visible <= (partly | wholly)).all()), "a block that is computed nowhere has something to see"
    assert bool((wholly <= visible).all()), "a block that is computed whole hides something"
    assert not (partly & wholly).any()


def test_most_blocks_of_packed_pairs_are_never_computed() -> None:
    """Eight pairs of 640 tokens each, two answers of 32: the blocks of the others are not in the mask."""
    one = [*range(-1, 575), *range(575, 607), 575, *range(608, 639)]
    parents = [parent if parent < 0 else parent + start for start in range(0, 8 * 640, 640) for parent in one]
    mask = flex.block_mask(batch_of([parents]).last)
    computed = int(mask.kv_num_blocks.sum() + mask.full_kv_num_blocks.sum())
    assert computed <= 8 * 15 < (5120 // 128) ** 2 / 10


@pytest.fixture(scope="module")
def builders() -> ModuleType:
    """Where the tiny models of the families are made."""
    path = Path(__file__).resolve().parents[1] / "plugins" / "pairsmith-hf" / "tests" / "conftest.py"
    spec = importlib.util.spec_from_file_location("tiny_families_flex", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def items(tmp_path: Path) -> list[Item]:
    """One image, two, none."""
    pictures = [noise(tmp_path / f"{k}.png", *size, k) for k, size in enumerate([(50, 40), (30, 64)])]
    made = []
    for k, images in enumerate([(0,), (1, 0), ()]):
        sample = Sample(id=f"s{k}", images=tuple(pictures[n] for n in images), prompt=user("What is there?" * 3))
        chosen, rejected = (
            Response(id=text, sample_id=sample.id, text=text) for text in ("a red square on it", "a red circle")
        )
        made.append(Item(value=Pair(id=f"p{k}", sample=sample, chosen=chosen, rejected=rejected)))
    return made


def family_of(name: str, builders: ModuleType, folder: Path, attention: str) -> Any:
    if name == "llava":
        tiny = RandomLlavaOptions(image_size=32, patch_size=8, vocabulary=400, std=0.3, attention=attention)
        return RandomLlavaFamily(tiny, make_run(folder / attention))
    if not (folder / name).exists():
        builders.written(*builders.BUILDERS[name](), folder / name)
    offer = Registry.discover().find("model_families", f"pairsmith-hf/{name}")
    options = offer.component.options_class(path=str(folder / name), attention=attention)
    return offer.component.build(options, make_run(folder / "run"))


def scored(family: Any, items: list[Item], budget: int | None, spoil: bool = False) -> dict[Cell, torch.Tensor]:
    model = family.load(family.weights, device="cpu", dtype="float64")  # in float32 rounding alone comes to 1e-5
    encoder = Encoder(family.codec(family.weights), CELLS, None, cut=False)
    ((_, batch),) = Collator(encoder, budget).passes([(item, None) for item in items])
    if spoil:
        batch["last"] = torch.full_like(batch["last"], batch["last"].shape[1] - 1)
    with torch.no_grad():
        found = by_cell(Scorer(model, family)(batch), batch, CELLS)
    return {cell: one.tokens for cell, one in found.items()}


def apart(one: dict[Cell, torch.Tensor], other: dict[Cell, torch.Tensor]) -> float:
    return max(float((one[cell] - other[cell]).abs().max()) for cell in CELLS)


@pytest.fixture
def untraced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let torch compute its formula as it stands, which spares the seconds that tracing takes at each shape."""
    monkeypatch.setattr(torchs, "_FLEX_ATTENTION_DISABLE_COMPILE_DEBUG", True)


@pytest.mark.usefixtures("untraced")
@pytest.mark.parametrize("name", FAMILIES)
def test_log_probabilities_are_those_of_dense_masks(
    name: str, builders: ModuleType, items: list[Item], tmp_path: Path
) -> None:
    budget = None if name == "llava" else 10**6  # side by side with padding, and packed
    wanted = scored(family_of(name, builders, tmp_path, "sdpa"), items, budget)
    by_blocks = family_of(name, builders, tmp_path, "flex")
    assert apart(wanted, scored(by_blocks, items, budget)) < 1e-5
    assert apart(wanted, scored(by_blocks, items, budget, spoil=True)) > 0.05, "the control agrees"


@pytest.fixture
def backward_on_a_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let torch differentiate its own reference formula, which it refuses on a CPU for want of a fast kernel."""
    monkeypatch.setattr(torchs, "_validate_device", lambda *_: None)
    monkeypatch.setattr(flex, "why_not", lambda *_: None)


@pytest.mark.usefixtures("backward_on_a_cpu")
@pytest.mark.parametrize("checkpointing", [False, True])
def test_gradients_are_those_of_dense_masks(
    checkpointing: bool,
    builders: ModuleType,
    items: list[Item],
    tmp_path: Path,
) -> None:
    found = []
    for way in ("sdpa", "flex"):
        family = family_of("qwen2-vl", builders, tmp_path, way)
        model = family.load(family.weights, device="cpu", dtype="float64")
        if checkpointing:
            model.train().gradient_checkpointing_enable({"use_reentrant": False})
        encoder = Encoder(family.codec(family.weights), CELLS, None, cut=False)
        ((_, batch),) = Collator(encoder, 10**6).passes([(item, None) for item in items])
        Scorer(model, family)(batch).sum().backward()
        found.append(torch.cat([one.grad.flatten() for one in model.parameters() if one.grad is not None]))
    assert float((found[0] - found[1]).norm() / found[0].norm()) < 1e-5


def test_a_model_read_by_blocks_still_reads_other_masks(
    builders: ModuleType, items: list[Item], tmp_path: Path
) -> None:
    """As whoever generates with it will: it is the model of before."""
    family = family_of("llava", builders, tmp_path, "flex")
    model = family.load(family.weights, device="cpu", dtype="float32")
    codec = family.codec(family.weights)
    requests = codec.requests([(item.turns(CELLS[0]), item.images(CELLS[0])) for item in items])
    with torch.no_grad():
        before = model(**requests).logits
        assert attention.prepare(model.model.language_model)
        after = model(**requests).logits
    assert torch.equal(before, after)
    assert "pairsmith" not in model.config.to_json_string()


class TestRefused:
    def test_training_on_a_cpu_before_a_model_is_loaded(self, builders: ModuleType, tmp_path: Path) -> None:
        class Told:
            family = family_of("llava", builders, tmp_path, "flex")

        with pytest.raises(StageError, match="attention = 'flex' needs a CUDA device to train on"):
            guards.readable(Told, TreeOptions(device="cpu"))  # type: ignore[arg-type]

    def test_training_on_a_cpu_by_whoever_asks(self, builders: ModuleType, items: list[Item], tmp_path: Path) -> None:
        family = family_of("llava", builders, tmp_path, "flex")
        model = family.load(family.weights, device="cpu", dtype="float32")
        batch = Collator(Encoder(family.codec(family.weights), CELLS, None, cut=False))([(items[0], None)])
        with pytest.raises(StageError, match="no backward pass on a CPU; set attention = 'auto'"):
            Scorer(model, family)(batch)

    def test_a_model_that_is_read_path_by_path(
        self, builders: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        builders.written(*builders.BUILDERS["llava-next"](), tmp_path / "model")
        component = Registry.discover().find("model_families", "pairsmith-hf/auto").component
        options = component.options_class(path=str(tmp_path / "model"), attention="flex", passes="separate")

        class Told:
            family = component.build(options, make_run(tmp_path / "run"))

        with pytest.raises(StageError, match="attention = 'flex' is for trees"):
            Told.family.hidden_states(torch.nn.Module(), None)
        monkeypatch.setattr(guards, "device", lambda _: "cuda:0")
        with pytest.raises(StageError, match=r"is for trees, and .*the recipe asks for it"):
            guards.readable(Told, TreeOptions())  # type: ignore[arg-type]

    def test_dropout_and_capped_scores(self, builders: ModuleType, tmp_path: Path) -> None:
        family = family_of("llava", builders, tmp_path, "flex")
        decoder: Any = family.load(family.weights, device="cpu", dtype="float32").model.language_model
        assert attention.why_not(decoder) is None
        decoder.config.attention_dropout = 0.1
        assert attention.why_not(decoder) is None, "there is none in evaluation"
        assert "dropout" in str(attention.why_not(decoder.train()))
        decoder.config.attention_dropout, decoder.config.attn_logit_softcapping = 0.0, 50.0
        assert "caps the scores" in str(attention.why_not(decoder))


@pytest.mark.usefixtures("backward_on_a_cpu")
def test_the_trial_finds_a_wrong_kernel_and_none_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    flex.trial.cache_clear()
    with torch.inference_mode():  # as the reference is computed, before anything is trained
        assert flex.trial("cpu", torch.float32, (4, 2, 16)) is None
        assert flex.trial("cpu", torch.float32, (6, 2, 16)) is None
    for kernel, said in {
        lambda query, key, value, **_: query + key + value: "from what SDPA makes of it",
        lambda *_, **__: 1 / 0: "it does not work here: division by zero",
    }.items():
        flex.trial.cache_clear()
        monkeypatch.setattr(flex, "compiled", lambda *_, kernel=kernel: kernel)
        assert said in str(flex.trial("cpu", torch.float32, (2, 2, 16)))
    flex.trial.cache_clear()


def test_layers_with_a_window_and_layers_without() -> None:
    class Config:
        layer_types, sliding_window = ["sliding_attention", "full_attention"], 5

    assert masks(Config, lambda window: window) == {"full_attention": None, "sliding_attention": 5}
    Config.layer_types = ["full_attention"]
    assert masks(Config, lambda window: window) is None
    Config.layer_types = []
    assert masks(Config, lambda window: window) == 5
    assert float(additive(torch.tensor([[[True, False]]]), torch.float32)[0, 0, 0, 1]) < -1e30


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch compiles for a CPU with g++")
def test_compiled_kernels_of_several_shapes_give_the_same() -> None:
    """As on a GPU, but for the backward pass, which a CPU lacks."""
    for parents in ([*range(-1, 299), 150, *range(300, 340)], [*range(-1, 899), 150, *range(900, 1100)]):
        last = batch_of([parents]).last
        mask = flex.block_mask(last)
        inputs = [torch.randn(1, 2, mask.shape[-1], 16) for _ in range(3)]
        kernel = flex.compiled("gpu", (*inputs[0].shape, *inputs[1].shape))
        with torch.no_grad():
            found = kernel(*inputs, block_mask=mask)
            wanted = torch.nn.functional.scaled_dot_product_attention(*inputs, attn_mask=shown(mask)[0])
        assert kernel is not torchs.flex_attention
        assert float((found - wanted).abs().max()) < 1e-5

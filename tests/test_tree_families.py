"""The eight cells of MCM-DPO as the trainer packs them, on every model family, against passes of the model itself."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
import torch

from pairsmith.registry import Registry
from pairsmith.testing import make_run
from pairsmith.testing.pictures import noise
from pairsmith.testing.trees import Asked, apart
from pairsmith.values import Corrupted, Item, Pair, Response, Sample, user
from pairsmith_hf import attention, branches
from pairsmith_losses.image_options import McmDpoOptions
from pairsmith_losses.mcm_dpo import McmDpo
from pairsmith_train.batch import Collator, by_cell
from pairsmith_train.encode import Encoder
from pairsmith_train.scorer import Scorer

TINY = Path(__file__).resolve().parents[1] / "plugins" / "pairsmith-hf" / "tests" / "conftest.py"
# SmolVLM shares Idefics3's code, Qwen2-VL that of Qwen2.5-VL.
FAMILIES = ["qwen2-5-vl", "qwen3-vl", "llava-next", "llava-onevision", "internvl", "idefics3", "gemma3"]


@pytest.fixture(scope="module")
def builders() -> ModuleType:
    """Where the tiny models of the families are made."""
    spec = importlib.util.spec_from_file_location("tiny_families", TINY)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def items(tmp_path: Path) -> list[Item]:
    """One image, two images, none; each with other images and another context."""
    pictures = [noise(tmp_path / f"{k}.png", *size, k) for k, size in enumerate([(50, 40), (30, 64), (64, 64)])]
    made = []
    for k, shown in enumerate([(0,), (1, 2), (), (2,)]):
        sample = Sample(
            id=f"s{k}", images=tuple(pictures[n] for n in shown), prompt=user("What is there?"), context=f"post {k}"
        )
        chosen, rejected = (
            Response(id=text, sample_id=sample.id, text=text) for text in ("a red square on it", "a red circle")
        )
        worse = Corrupted(images=tuple(pictures[(n + 1) % 3] for n in shown), context="another post")
        made.append(Item(value=Pair(id=f"p{k}", sample=sample, chosen=chosen, rejected=rejected), corrupted=worse))
    return made


@pytest.mark.parametrize("name", FAMILIES)
def test_the_tree_equals_the_model(
    name: str, builders: ModuleType, items: list[Item], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, processor = builders.BUILDERS[name]()
    builders.written(config, processor, tmp_path / name)
    offer = Registry.discover().find("model_families", f"pairsmith-hf/{name}")
    family = offer.component.build(offer.component.options_class(path=str(tmp_path / name)), make_run(tmp_path / "run"))
    codec, model = family.codec(family.weights), family.load(family.weights, device="cpu", dtype="float32")
    decoder = getattr(model.model, family.layout.decoder)
    assert type(decoder.layers[0]).__name__ in Scorer(model, family)._no_split_modules, "FSDP2 gathers them one by one"
    cells = McmDpo(McmDpoOptions(), make_run(tmp_path / "run")).cells
    encoder = Encoder(codec, cells, None, cut=False)
    batch = Collator(encoder)([(item, None) for item in items])
    with torch.inference_mode():
        tree = by_cell(Scorer(model, family)(batch), batch, cells)
        worst = 0.0
        for cell in cells:
            answers = [item.value.response(cell.response).text for item in items]
            rows = [
                Asked(item.turns(cell), item.images(cell), (text,)) for item, text in zip(items, answers, strict=True)
            ]
            for row, expected in enumerate(apart(model, codec, rows)):
                got = tree[cell].tokens[row][tree[cell].mask[row]]
                worst = max(worst, float((got - expected).abs().max()))
        assert worst < 1e-4
        monkeypatch.setattr(branches, "FROM", 0)  # with dense masks above, as trees of so few tokens are; now without
        for group, packed in Collator(encoder, 10**6).passes([(item, None) for item in items]):
            assert tuple(packed["tokens"].shape) == (1, packed["tokens"].numel()), "one row"
            together = by_cell(Scorer(model, family)(packed), packed, cells)
            read_so = decoder.config._attn_implementation == attention.NAME
            assert read_so != family.both_ways
            assert group == list(range(len(items)))
            assert max(float((tree[cell].tokens - together[cell].tokens).abs().max()) for cell in cells) < 1e-4
        batch["last"] = torch.full_like(batch["last"], batch["last"].shape[1] - 1)
        control = by_cell(Scorer(model, family)(batch), batch, cells)
    assert max(float((tree[cell].tokens - control[cell].tokens).abs().max()) for cell in cells) > 0.05

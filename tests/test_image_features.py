"""Features of a frozen tower kept on the disk: the same numbers as encoding every time, and images encoded once."""

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from attrs import evolve
from safetensors.torch import load_file

from jobs import SHORT, TINY, make_family, make_items, make_job
from pairsmith.errors import StageError
from pairsmith.interfaces import LogProbs
from pairsmith.registry import Registry
from pairsmith.testing import make_run
from pairsmith.testing.pictures import noise
from pairsmith.values import Cell, Item, Pair, Response, Sample, user
from pairsmith_hf.family import Family
from pairsmith_losses.dpo import Dpo
from pairsmith_losses.options import DpoOptions
from pairsmith_train import features
from pairsmith_train.batch import Collator, by_cell
from pairsmith_train.encode import Encoder
from pairsmith_train.features import FeatureStore
from pairsmith_train.guards import readable
from pairsmith_train.options import LoraOptions, TreeOptions
from pairsmith_train.scorer import Scorer
from pairsmith_train.trainer import TreeTrainer

FAMILIES = ["llava-next", "llava-onevision", "qwen2-vl", "qwen3-vl", "idefics3"]
CELLS = (Cell("chosen"), Cell("rejected"))


@pytest.fixture(scope="module")
def builders() -> ModuleType:
    """Where the tiny models of the families are made."""
    path = Path(__file__).resolve().parents[1] / "plugins" / "pairsmith-hf" / "tests" / "conftest.py"
    spec = importlib.util.spec_from_file_location("tiny_families_features", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def family_of(name: str, builders: ModuleType, folder: Path, **options: Any) -> Any:
    if name == "llava":
        return make_family(folder / "run")
    if not (folder / "model").exists():
        builders.written(*builders.BUILDERS[name.replace("auto", "qwen3-vl")](), folder / "model")
    component = Registry.discover().find("model_families", f"pairsmith-hf/{name}").component
    return component.build(component.options_class(path=str(folder / "model"), **options), make_run(folder / "run"))


def pictured(folder: Path, seed: int = 0) -> list[Item]:
    """One image, two (one of them again), none."""
    folder.mkdir()
    pictures = [noise(folder / f"{k}.png", *size, k + seed) for k, size in enumerate([(50, 40), (30, 64)])]
    made = []
    for k, images in enumerate([(0,), (1, 0), ()]):
        sample = Sample(id=f"s{k}", images=tuple(pictures[n] for n in images), prompt=user("What is there?"))
        chosen, rejected = (Response(id=text, sample_id=sample.id, text=text) for text in ("a red square", "a circle"))
        made.append(Item(value=Pair(id=f"p{k}", sample=sample, chosen=chosen, rejected=rejected)))
    return made


def read(family: Any, model: Any, items: list[Item], kept: FeatureStore | None) -> tuple[dict, torch.Tensor]:
    """Return the log-probabilities, and the gradient of everything that is trained."""
    loss = Dpo(DpoOptions(), make_run(Path("unused")))
    codec = family.codec(family.weights)
    with pytest.MonkeyPatch.context() as patched:
        if kept is not None:
            patched.setattr(type(codec), "opened", lambda *_: pytest.fail("a picture was decoded"))
        batch = Collator(Encoder(codec, CELLS, None, cut=False), None, kept)([(item, None) for item in items])
    assert ("encoded" in batch, bool(batch["images"])) == (kept is not None, kept is None)
    model.zero_grad()
    policy = by_cell(Scorer(model, family)(batch), batch, CELLS)
    known = {cell: LogProbs(one.tokens.detach() * 0.9, one.mask) for cell, one in policy.items()}
    loss(policy, known).loss.sum().backward()
    gradient = torch.cat([one.grad.flatten() for one in model.parameters() if one.grad is not None])
    return {cell: one.tokens.detach() for cell, one in policy.items()}, gradient


def fill(family: Any, model: Any, items: list[Item], folder: Path) -> FeatureStore:
    kept = FeatureStore(folder)
    missing = kept.missing(features.images_of(items, CELLS))
    assert len(missing) == 2, "each distinct image once"
    features.fill(kept, missing, family.codec(family.weights), lambda pixels: family.encode(model, pixels))
    assert not kept.missing(features.images_of(items, CELLS))
    return kept


@pytest.mark.parametrize("name", ["llava", *FAMILIES])
def test_kept_features_give_the_numbers_of_encoding(name: str, builders: ModuleType, tmp_path: Path) -> None:
    family, items = family_of(name, builders, tmp_path), pictured(tmp_path / "images")
    model: Any = family.load(family.weights, device="cpu", dtype="float32")
    language = re.compile(family.parts()["language-model"])
    for parameter, value in model.named_parameters():
        value.requires_grad_(bool(language.match(parameter)))
    kept = fill(family, model, items, tmp_path / "kept")
    (wanted, expected), (got, found) = (read(family, model, items, one) for one in (None, kept))
    assert apart(wanted, got) < 1e-4
    assert float((expected - found).norm() / expected.norm()) < 1e-4
    others = pictured(tmp_path / "others", seed=7)
    fill(family, model, others, tmp_path / "kept")  # which finds none of them there
    control, _ = read(family, model, others, kept)
    assert apart(wanted, control) > 0.01, "other pictures give the same"


def apart(one: dict, other: dict) -> float:
    return max(float((one[cell] - other[cell]).abs().max()) for cell in CELLS)


# Training -------------------------------------------------------------------------------------------------------------


def trained(folder: Path, calls: list[int], monkeypatch: pytest.MonkeyPatch, **options: Any) -> tuple[list[float], Any]:
    """Train on eight pairs about four images; count the images that the tower is shown."""
    family, items = make_family(folder.parent / "run"), make_items(folder.parent / "images")
    tables = Family.tables

    def counted(self: Any, model: Any, images: Any, shown: Any) -> Any:
        calls.append(len(images["pixel_values"]))
        return tables(self, model, images, shown)

    monkeypatch.setattr(Family, "tables", counted)
    job = make_job(folder, family, items)
    job = evolve(job, run=make_run(folder.parent / "run"))
    trainer = TreeTrainer(TreeOptions(**{**SHORT, "epochs": 2, "lora": LoraOptions(r=2), **options}), job.run)
    known = trainer.reference(job, items)
    found = trainer.train(evolve(job, reference=known))
    monkeypatch.setattr(Family, "tables", tables)
    lines = [json.loads(line) for line in job.metrics.read_text().splitlines()]
    return [line["loss"] for line in lines], load_file(found.adapter / "adapter_model.safetensors")


def test_a_training_encodes_each_image_once_and_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without: list[int] = []
    kept: list[int] = []
    again: list[int] = []
    losses, weights = trained(tmp_path / "without", without, monkeypatch)
    cached, found = trained(tmp_path / "kept", kept, monkeypatch, cache_image_features=True)
    assert sum(without) > 12, "reference and two epochs"
    assert kept == [1, 1, 1, 1], "four images, the reference and all epochs counted in"
    assert cached == pytest.approx(losses, abs=1e-5)
    assert max(float((weights[name] - found[name]).abs().max()) for name in weights) < 1e-5
    packed, _ = trained(tmp_path / "packed", again, monkeypatch, cache_image_features=True, pack_tokens=64)
    assert not again, "another training of the run finds them there"
    assert packed == pytest.approx(losses, abs=1e-4)


def test_a_killed_run_encodes_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also what a kill left half written is no image's features."""
    calls: list[int] = []
    trained(tmp_path / "first", calls, monkeypatch, cache_image_features=True, epochs=1)
    files = sorted((tmp_path / "run" / features.FOLDER).rglob("*.safetensors"))
    assert len(files) == 4
    content = files[0].read_bytes()
    files[0].rename(files[0].with_suffix(".tmp"))
    files[1].unlink()
    calls.clear()
    trained(tmp_path / "second", calls, monkeypatch, cache_image_features=True, epochs=1)
    assert calls == [1, 1]
    assert files[0].read_bytes() == content


def test_what_matters_changes_the_directory(tmp_path: Path) -> None:
    family = make_family(tmp_path / "run")
    job = make_job(tmp_path / "job", family, [])
    settings = {"precision": "fp32", "dtype": "float32", "device": "cpu"}
    there = features.store(job, **settings).directory
    assert features.store(evolve(job, seed=9, items=[1]), **settings).directory == there, "what does not matter"
    others = [features.store(job, **{**settings, name: "other"}).directory for name in settings]
    for name, made in {
        "weights": make_family(tmp_path / "run", evolve(TINY, seed=1)),
        "pictures": make_family(tmp_path / "run", evolve(TINY, image_size=24)),
        "attention": make_family(tmp_path / "run", evolve(TINY, attention="eager")),
    }.items():
        assert name, name
        others.append(features.store(make_job(tmp_path / "job", made, []), **settings).directory)
    padded = make_family(tmp_path / "run")
    padded.options = evolve(padded.options, pad_to_square=True)
    others.append(features.store(evolve(job, family=padded), **settings).directory)
    assert len({there, *others}) == 1 + len(others)


# What is refused ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({}, "projector"),
        ({"parts": ("language-model", "vision")}, "vision"),
        ({"lora": LoraOptions(full=("projector",))}, "projector"),
        ({"lora": LoraOptions(scope=("vision", "language-model"))}, "vision"),
    ],
)
def test_a_part_that_is_trained_has_no_features_to_keep(options: dict, part: str) -> None:
    with pytest.raises(ValueError, match=f"the {part} is trained, which changes it at every step; leave it out"):
        TreeOptions(cache_image_features=True, **options)
    TreeOptions(cache_image_features=True, parts=("language-model",))


def test_a_model_that_reads_images_with_their_text_only(builders: ModuleType, tmp_path: Path) -> None:
    family = family_of("auto", builders, tmp_path, passes="separate")
    told = TreeOptions(cache_image_features=True, lora=LoraOptions(), device="cpu")
    job = make_job(tmp_path / "job", family, [])
    with pytest.raises(StageError, match=r"does not encode images apart .*the recipe asks for it"):
        readable(job, told)
    with pytest.raises(StageError, match="its family has no way to"):
        readable(evolve(job, family=object()), told)
    with pytest.raises(StageError, match="does not encode images by themselves"):
        family.encode(torch.nn.Module(), {})


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    kept = FeatureStore(tmp_path / "kept")
    image = noise(tmp_path / "a.png", 8, 8, 0)
    kept.write(image, {"rows": torch.ones(2, 3)}, {})
    kept.path(image).write_bytes(b"half")
    with pytest.raises(StageError, match=r"cannot be read .*; delete it and run again"):
        kept.read(image)


def test_a_full_disk_is_foreseen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    family, items = make_family(tmp_path / "run"), pictured(tmp_path / "images")
    model = family.load(family.weights, device="cpu", dtype="float32")
    usage = features.shutil.disk_usage(tmp_path)
    monkeypatch.setattr(features.shutil, "disk_usage", lambda _: usage._replace(free=10))
    with pytest.raises(StageError, match=r"1 more images of 0.0 MiB each are 0.0 GiB, and 0.0 GiB are free"):
        fill(family, model, items, tmp_path / "kept")


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    kept = FeatureStore(tmp_path / "kept")
    image = noise(tmp_path / "a.png", 8, 8, 0)
    kept.path(image).mkdir(parents=True)  # what is to be replaced is a directory
    with pytest.raises(StageError, match="could not be written"):
        kept.write(image, {"rows": torch.ones(2, 3)}, {})
    assert not list((tmp_path / "kept").rglob("*.tmp"))


def test_what_a_killed_run_began_to_write_is_swept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Of two processes each sweeps its own; what the other writes at the same time stays."""
    folder = tmp_path / "ab"
    folder.mkdir()
    for name in ("whole.safetensors", "tmpa.0.tmp", "tmpb.1.tmp", "tmpc.2.tmp", "tmpd.tmp"):
        (folder / name).touch()
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "1")
    features.fill(FeatureStore(tmp_path), [], None, dict)  # type: ignore[arg-type]
    assert {path.name for path in folder.iterdir()} == {"whole.safetensors", "tmpa.0.tmp", "tmpc.2.tmp", "tmpd.tmp"}
    monkeypatch.setenv("RANK", "0")
    features.fill(FeatureStore(tmp_path), [], None, dict)  # type: ignore[arg-type]
    assert [path.name for path in folder.iterdir()] == ["whole.safetensors"]

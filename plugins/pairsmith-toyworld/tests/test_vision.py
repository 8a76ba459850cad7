import json
import math
from pathlib import Path
from random import Random

import pytest
import torch
from attrs import frozen
from transformers import LlavaForConditionalGeneration

from pairsmith.interfaces import Job, Weights
from pairsmith_toyworld import blank, vision
from pairsmith_toyworld.options import VisionOptions
from pairsmith_toyworld.scene import Scene, Thing, Word, draw
from pairsmith_toyworld.vision import VisionTrainer, labels

BLANK = Path(blank.__file__).parent / "blank"


class Codec:
    def save(self, directory):
        blank.processor().save_pretrained(directory)


@frozen
class Family:
    weights: Weights

    def codec(self, weights):
        return Codec()


def job(run, folder, seed=1):
    folder.mkdir(parents=True)
    weights = Weights(path=str(BLANK))
    return Job(
        run=run,
        family=Family(weights),
        weights=weights,
        loss=None,
        items=(),
        reference=None,
        output=folder / "output",
        metrics=folder / "metrics.jsonl",
        seed=seed,
    )


def rows(made):
    return [json.loads(line) for line in made.metrics.read_text(encoding="utf-8").splitlines()]


def test_each_patch_is_labelled_with_what_covers_its_middle():
    scene = Scene(
        things=(Thing("large", "red", "circle", 0, 1 / 6, 1 / 6), Thing("small", "white", "ring", 8, 0.75, 0.75)),
        word=Word("HI", "bottom", 6, 1 / 6, 0.75),
        grey=30,
    )
    shape, colour, size, word = labels(scene).reshape(4, 6, 6)
    rows, columns = shape.nonzero()
    assert list(zip(rows, columns, strict=True)) == [(0, 0), (0, 1), (1, 0), (1, 1), (4, 4)]
    assert [(int(shape[place]), int(colour[place]), int(size[place])) for place in ((0, 1), (4, 4))] == [
        (1, 1, 2),
        (6, 8, 1),
    ]
    assert list(zip(*word.nonzero(), strict=True)) == [(4, 0), (4, 1)]
    assert word[4, 0] == 3  # HI


def test_a_word_hides_what_is_under_it_from_the_labels():
    scene = Scene(
        things=(Thing("large", "red", "circle", 4, 0.5, 0.5),), word=Word("OK", "middle", 4, 0.5, 0.45), grey=30
    )
    shape, _, _, word = labels(scene)
    assert (word > 0).any()
    assert (shape > 0).any()
    assert not (shape[word > 0]).any()


@pytest.mark.parametrize(("step", "share"), [(0, 0.02), (24, 0.5), (49, 1.0), (50, 1.0), (175, 0.525), (300, 0.05)])
def test_the_rate_rises_and_falls_to_a_twentieth(step, share):
    assert math.isclose(vision._schedule(step, 300, 50), share)


def test_it_learns_and_leaves_a_model_that_loads(run, tmp_path):
    made = job(run, tmp_path / "a")
    trainer = VisionTrainer(VisionOptions(steps=60, batch_size=16, warmup_steps=10), run)
    weights = trainer.train(made)
    losses = [row["loss"] for row in rows(made)]
    assert len(losses) == 60
    assert sum(losses[-5:]) < 0.8 * sum(losses[:5])
    assert rows(made)[-1]["accuracy/colour"] > rows(made)[0]["accuracy/colour"]
    model = LlavaForConditionalGeneration.from_pretrained(weights.path)
    torch.manual_seed(1)
    fresh = LlavaForConditionalGeneration(blank.config())
    same = {name: torch.equal(value, fresh.state_dict()[name]) for name, value in model.state_dict().items()}
    assert all(same[name] for name in same if "vision_tower" not in name)  # only the tower has learnt
    assert not all(same[name] for name in same if "vision_tower" in name)


def test_a_killed_training_starts_over_and_ends_the_same(run, tmp_path):
    options = VisionOptions(steps=3, batch_size=4, warmup_steps=1)
    whole, killed = job(run, tmp_path / "whole"), job(run, tmp_path / "killed")
    VisionTrainer(options, run).train(whole)
    (killed.output / ".model.tmp").mkdir(parents=True)  # half a model, and a metrics file that is begun
    (killed.output / ".model.tmp" / "model.safetensors").write_bytes(b"half")
    killed.metrics.write_text('{"step": 1, "loss": 9.0}\n', encoding="utf-8")
    weights = VisionTrainer(options, run).train(killed)
    once = (whole.output / "model" / "model.safetensors").read_bytes()
    assert (Path(weights.path) / "model.safetensors").read_bytes() == once
    assert not (killed.output / ".model.tmp").exists()
    VisionTrainer(options, run).train(killed)  # done: nothing is done again
    assert len(rows(killed)) == 1 + 3


def test_another_seed_learns_other_weights(run, tmp_path):
    options = VisionOptions(steps=1, batch_size=2, warmup_steps=0)
    made = [VisionTrainer(options, run).train(job(run, tmp_path / str(seed), seed)) for seed in (1, 2)]
    first, second = [(Path(one.path) / "model.safetensors").read_bytes() for one in made]
    assert first != second


def test_it_runs_in_one_process_and_knows_no_reference(run):
    trainer = VisionTrainer(VisionOptions(), run)
    assert trainer.launch(["python", "-m", "x"]) == ["python", "-m", "x"]
    assert trainer.reference_settings() == {}
    assert trainer.reference(None, [object(), object()]) == [{}, {}]


def test_the_defaults_are_the_measured_settings():
    assert VisionOptions() == VisionOptions(steps=300, batch_size=64, learning_rate=2e-3, warmup_steps=50)


def test_labels_fit_the_heads():
    for seed in range(200):
        found = labels(draw(Random(seed), word=0.6))
        assert found.shape == (4, 36)
        assert all(found[n].min() >= 0 and found[n].max() < classes for n, classes in enumerate(vision._CLASSES))

"""Answers of every family: what a prompt is padded with, or answered beside, never changes them."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from attrs import evolve
from PIL import Image as Pillow

from pairsmith.interfaces import Run
from pairsmith.registry import Registry
from pairsmith.testing import make_run
from pairsmith.testing.pictures import noise
from pairsmith.values import Image, Sample, turns, user
from pairsmith_hf.generator import HfGenerator
from pairsmith_hf.options import GeneratorOptions
from pairsmith_hf.processors import template

FAMILIES = [
    "qwen2-5-vl", "qwen2-vl", "llava-next", "llava-onevision", "qwen3-vl", "internvl", "idefics3", "smolvlm", "gemma3", "auto",
]  # fmt: skip


@pytest.fixture(params=FAMILIES)
def run(request: pytest.FixtureRequest, tiny: Callable[[str], Path], tmp_path: Path) -> Run:
    offer = Registry.discover().find("model_families", f"pairsmith-hf/{request.param}")
    path = tiny("aya-vision" if request.param == "auto" else request.param)
    family = offer.component.build(offer.component.options_class(path=str(path)), make_run(tmp_path / "run"))
    return evolve(make_run(tmp_path / "run"), family=family, weights=family.weights)


@pytest.fixture
def samples(tmp_path: Path) -> list[Sample]:
    wide, tall = noise(tmp_path / "wide.png", 50, 40, 0), noise(tmp_path / "tall.png", 30, 64, 1)
    shown: list[tuple[Image, ...]] = [(wide,), (tall,), (wide, tall), ()]
    return [Sample(id=f"s{k}", images=one, prompt=user("What is this?" + "!" * 5 * k)) for k, one in enumerate(shown)]


def asked(run: Run, samples: list[Sample], *, greedy: bool = True, **options) -> list[list[str]]:
    generator = HfGenerator(GeneratorOptions(max_new_tokens=6, **options), run)
    return [[one.text for one in answers] for answers in generator.respond(samples, seed=3, greedy=greedy)]


def test_a_batch_equals_one_by_one(run: Run, samples: list[Sample]) -> None:
    together = asked(run, samples, batch_size=4)
    assert together == asked(run, samples, batch_size=1)
    assert len({answers[0] for answers in together}) > 1


def test_several_answers_come_from_the_same_images(run: Run, samples: list[Sample]) -> None:
    """Nearly without chance each of the answers is the greedy one, whatever images stand beside."""
    likeliest = asked(run, samples)
    drawn = asked(run, samples, greedy=False, n=2, temperature=1e-4, batch_size=8)
    assert drawn == [[answers[0]] * 2 for answers in likeliest]


def test_raw_is_the_mark_and_the_question_alone(run: Run, samples: list[Sample]) -> None:
    """As PDS-DPO asked: the processor reads ``<image> question``, and the tokenizer puts its own start before it."""
    assert run.family is not None and run.weights is not None
    codec = run.family.codec(run.weights)
    model = run.family.load(run.weights, device="cpu", dtype="float32")
    generator = HfGenerator(GeneratorOptions(max_new_tokens=6, prompt_mode="raw"), run)
    for sample, (answer,) in zip(samples, generator.respond(samples, seed=3, greedy=True), strict=True):
        assert answer.parameters["prompt_mode"] == "raw"
        text = f"{codec.mark} " * len(sample.images) + sample.prompt[0].text
        opened = [Pillow.open(image.path).convert("RGB") for image in sample.images]
        batch = codec.processor(text=[text], images=[opened] if opened else None, return_tensors="pt")
        batch.pop("num_crops", None)
        ends = sorted({codec.end, codec.processor.tokenizer.eos_token_id})
        with torch.inference_mode():
            made = model.generate(
                **batch, max_new_tokens=6, do_sample=False, pad_token_id=codec.pad_token, eos_token_id=ends
            )
        told = [token for token in made[0, batch["input_ids"].shape[1] :].tolist() if token not in ends]
        assert codec.text(told) == answer.text


def test_it_answers_as_the_processor_and_the_model_do_by_themselves(run: Run, samples: list[Sample]) -> None:
    assert run.family is not None and run.weights is not None
    codec = run.family.codec(run.weights)
    model = run.family.load(run.weights, device="cpu", dtype="float32")
    for sample, (answer,) in zip(samples, asked(run, samples), strict=True):
        pictures = [{"type": "image"} for _ in sample.images]
        messages = [
            {"role": turn.role, "content": [*pictures, {"type": "text", "text": turn.text}]} for turn in turns(sample)
        ]
        text = codec.processor.tokenizer.apply_chat_template(
            messages, chat_template=template(codec.processor), add_generation_prompt=True, tokenize=False
        )
        opened = [Pillow.open(image.path).convert("RGB") for image in sample.images]
        batch = codec.processor(
            text=[text], images=[opened] if opened else None, return_tensors="pt", add_special_tokens=False
        )
        batch.pop("num_crops", None)
        with torch.inference_mode():
            made = model.generate(
                **batch, max_new_tokens=6, do_sample=False, pad_token_id=codec.pad_token, eos_token_id=codec.end
            )
        assert codec.text(made[0, batch["input_ids"].shape[1] :].tolist()) == answer

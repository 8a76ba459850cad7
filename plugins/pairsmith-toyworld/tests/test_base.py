import json
from importlib import resources

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import AutoProcessor, LlavaForConditionalGeneration

from pairsmith.values import Response
from pairsmith_toyworld.benchmark import ToyworldBenchmark
from pairsmith_toyworld.options import BenchmarkOptions

BASE = resources.files("pairsmith_toyworld") / "base"


def test_it_is_small_and_says_where_it_comes_from():
    note = json.loads((BASE / "provenance.json").read_text(encoding="utf-8"))
    assert note["recipe"] == "toyworld-base"
    assert {"seed", "tables", "versions", "metrics", "created"} <= set(note)
    assert note["metrics"]["recall"] >= 90
    assert (BASE / "model.safetensors").stat().st_size < 4_000_000


def test_plain_transformers_loads_it_and_it_describes_what_it_sees(run):
    benchmark = ToyworldBenchmark(BenchmarkOptions(scenes=40), run)
    samples = list(benchmark.samples())
    processor = AutoProcessor.from_pretrained(str(BASE))
    model = LlavaForConditionalGeneration.from_pretrained(
        str(BASE), dtype=torch.float32, attn_implementation="eager"
    ).eval()
    texts = [
        processor.apply_chat_template(
            [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": sample.prompt[0].text}]}],
            add_generation_prompt=True,
            tokenize=False,
        )
        for sample in samples
    ]
    images = [Image.open(sample.images[0].path) for sample in samples]
    inputs = processor(
        images=images, text=texts, return_tensors="pt", padding=True, padding_side="left", add_special_tokens=False
    )
    with torch.inference_mode():
        made = model.generate(**inputs, do_sample=False, max_new_tokens=90)[:, inputs["input_ids"].shape[1] :]
    answers = processor.batch_decode(made, skip_special_tokens=True)
    responses = [
        Response(id=f"{sample.id}/0", sample_id=sample.id, text=text)
        for sample, text in zip(samples, answers, strict=True)
    ]
    metrics = benchmark.score(samples, responses).metrics
    assert metrics["recall"] >= 85
    assert metrics["chair_i"] == pytest.approx(15, abs=10)  # what preference training is to cure
    assert metrics["malformed"] <= 5


def test_pictures_of_other_sizes_are_resized_and_its_own_are_taken_as_they_are():
    pixels = np.random.default_rng(0).integers(0, 256, (48, 48, 3), dtype=np.uint8)
    reader = AutoProcessor.from_pretrained(str(BASE)).image_processor
    own, crop = (
        reader(images=[Image.fromarray(shown)], return_tensors="pt")["pixel_values"][0]
        for shown in (pixels, pixels[:7, :20])
    )
    assert torch.allclose(own.permute(1, 2, 0), (torch.tensor(pixels).float() - 70) / 60, atol=1e-5)
    assert crop.shape == own.shape

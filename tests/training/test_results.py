"""What a training leaves, as somebody finds it who has transformers and peft and nothing else."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from attrs import evolve
from huggingface_hub import ModelCard
from transformers import GenerationConfig

from jobs import loaded, make_family, make_items, make_job, train
from pairsmith.interfaces import Job, Weights
from pairsmith_train.options import HeldOutOptions, LoraOptions

PLAIN = """
import json, sys, torch
from PIL import Image
from transformers import AutoModelForImageTextToText, AutoProcessor
image, out, *pairs = sys.argv[1:]
found = {}
for base, result in zip(pairs[::2], pairs[1::2]):
    model = AutoModelForImageTextToText.from_pretrained(base, dtype=torch.float32)
    if result != base:
        from peft import PeftModel
        model = PeftModel.from_pretrained(model, result)
    processor = AutoProcessor.from_pretrained(result)
    talk = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "What?"}]}]
    text = processor.apply_chat_template(talk, add_generation_prompt=True)
    picture = Image.open(image).convert("RGB")
    batch = processor(text=[text], images=[picture], return_tensors="pt", add_special_tokens=False)
    with torch.no_grad():
        found[result] = model.eval()(**batch).logits[0, -1]
torch.save(found, out)
assert not any(name.startswith("pairsmith") for name in sys.modules)
"""


@pytest.fixture
def job(tmp_path: Path) -> Job:
    items = make_items(tmp_path / "images", pairs=12, images=6)
    job = make_job(tmp_path / "stage", make_family(tmp_path / "run"), items)
    recipe = {"loss": {"use": "dpo"}, "train": {"use": "tree", "lora": {"r": 2}}, "model": {"path": "/home/me/secret"}}
    document = {"name": "birds", "summary": "Makes it see birds.", "recipe": recipe}
    job.run.directory.mkdir(parents=True, exist_ok=True)
    (job.run.directory / "run.json").write_text(json.dumps(document))
    return job


def test_plain_libraries_give_the_same_logits(job: Job, tmp_path: Path) -> None:
    kinds = {"adapter": LoraOptions(r=2, full=("projector",)), "merged": LoraOptions(r=2, merge=True), "full": None}
    jobs = {name: evolve(job, output=tmp_path / name) for name in kinds}
    made = {name: train(jobs[name], lora=lora, learning_rate=1e-2) for name, lora in kinds.items()}
    results = {name: Path(one.adapter or one.path) for name, one in made.items()}
    sample = job.items[0].value.sample
    words = [word for name, one in made.items() for word in (one.path, str(results[name]))]
    out = tmp_path / "logits.pt"
    subprocess.run([sys.executable, "-c", PLAIN, str(sample.images[0].path), str(out), *words], check=True)
    theirs = torch.load(out, weights_only=True)
    base = first_logits(job, job.weights)
    for name, one in made.items():
        ours = first_logits(job, one)
        assert torch.allclose(ours, theirs[str(results[name])], atol=1e-4), name
        assert not torch.allclose(ours, base, atol=1e-2), "it learnt nothing"
        assert GenerationConfig.from_pretrained(results[name]).eos_token_id is not None
        assert not [path for path in results[name].rglob("*") if path.suffix in {".bin", ".pt", ".pkl"}], "a pickle"


def first_logits(job: Job, weights: Weights) -> torch.Tensor:
    """The logits of the first token of an answer, read as this family reads."""
    sample = job.items[0].value.sample
    batch = job.family.codec(weights).requests([(sample.prompt, sample.images)])
    with torch.no_grad():
        return loaded(job.family, weights)(**batch).logits[0, -1]


def test_the_card_says_what_it_is_and_leaves_the_licence_open(job: Job) -> None:
    made = train(
        job, lora=LoraOptions(r=2), learning_rate=1e-2, held_out=HeldOutOptions(share=0.34, every=1, best=True)
    )
    card = ModelCard.load(made.adapter / "README.md")
    assert (card.data.library_name, card.data.license, card.data.base_model) == ("peft", None, None)
    assert "pairsmith" in card.data.tags
    for said in (
        "# birds",
        "Makes it see birds.",
        "8 pairs were trained on; 4, with all their images, were held out.",
        "LoRA of rank 2",
        '"use": "dpo"',
        f"torch {torch.__version__}",
        "add a line `license:`",
        "which had the lowest held-out loss",
    ):
        assert said in card.text, said
    rows = [json.loads(line) for line in job.metrics.read_text().splitlines()]
    assert f"| loss | {rows[0]['loss']:.4f} (step 1) | {rows[-1]['loss']:.4f} (step 2) |" in card.text
    assert f"| held_out/loss | {rows[0]['held_out/loss']:.4f} (step 1)" in card.text
    assert "/home/me" not in card.text
    assert str(job.run.directory.parent) not in card.text

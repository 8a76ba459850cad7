"""How prompts and pictures are read: as transformers' own processors read them, or as the original LLaVA did."""

import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from peft import LoraConfig, get_peft_model
from PIL import Image as Pillow

from pairsmith.errors import StageError
from pairsmith.interfaces import Weights
from pairsmith.registry import Registry
from pairsmith.testing import make_run
from pairsmith.testing.pictures import noise
from pairsmith.values import Image, Turn, user
from pairsmith_hf import processors
from pairsmith_hf.auto import AutoFamily
from pairsmith_hf.head import Shaped
from pairsmith_hf.llava import LlavaFamily, squared
from pairsmith_hf.options import AutoOptions, LlavaOptions, RandomLlavaOptions
from pairsmith_hf.random_llava import RandomLlavaFamily

FAMILIES = ["qwen2-5-vl", "llava-next", "llava-onevision", "internvl", "idefics3", "smolvlm", "gemma3"]
CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)


def family(name: str, path: Path, tmp_path: Path):
    offer = Registry.discover().find("model_families", f"pairsmith-hf/{name}")
    return offer.component.build(offer.component.options_class(path=str(path)), make_run(tmp_path / "run"))


@pytest.fixture
def images(tmp_path: Path) -> list[Image]:
    return [noise(tmp_path / "wide.png", 150, 40, 0), noise(tmp_path / "tall.png", 30, 64, 1)]


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_prompt_has_the_tokens_and_pictures_that_the_processor_makes(
    name: str, number: int, tiny: Callable[[str], Path], tmp_path: Path, images: list[Image]
) -> None:
    codec = family(name, tiny(name), tmp_path).codec(Weights(path=str(tiny(name))))
    words = [Turn(role="user", text="Who?"), Turn(role="assistant", text="A cat."), Turn(role="user", text="Why?")]
    messages = [{"role": turn.role, "content": [{"type": "text", "text": turn.text}]} for turn in words]
    messages[0]["content"] = [{"type": "image"}] * number + messages[0]["content"]
    text = codec.processor.tokenizer.apply_chat_template(
        messages, chat_template=processors.template(codec.processor), add_generation_prompt=True, tokenize=False
    )
    shown = [Pillow.open(image.path).convert("RGB") for image in images[:number]]
    read = codec.processor(
        text=[text], images=[shown] if shown else None, return_tensors="pt", add_special_tokens=False
    )
    assert list(codec.prompt(words, images[:number]).tokens) == read["input_ids"][0].tolist()
    batch = codec.requests([(words, images[:number])])
    if number == 1:
        assert torch.equal(batch["pixel_values"].flatten(), read["pixel_values"].flatten())


def test_a_prompt_begins_as_the_tokenizer_begins_a_text(tiny: Callable[[str], Path], tmp_path: Path) -> None:
    """LLaVA's templates leave the start token to the tokenizer; other templates write it themselves."""
    plain, starting = (
        family("llava-next", tiny(name), tmp_path).codec(Weights(path=str(tiny(name))))
        for name in ("llava-next", "llava-next-starts")
    )
    tokens = plain.prompt(user("Why?"), []).tokens
    assert starting.prompt(user("Why?"), []).tokens == (starting.processor.tokenizer.bos_token_id, *tokens)
    assert starting.response(user("Why?"), "So.") == plain.response(user("Why?"), "So.")


@pytest.mark.parametrize(
    ("name", "end"), [("gemma3", "<end_of_turn>"), ("smolvlm", "<end_of_utterance>"), ("llava-next", "</s>")]
)
def test_an_answer_ends_where_the_template_ends_a_turn(
    name: str, end: str, tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    codec = family(name, tiny(name), tmp_path).codec(Weights(path=str(tiny(name))))
    assert codec.end == codec.processor.tokenizer.convert_tokens_to_ids(end)


def test_a_mark_in_the_text_is_refused(tiny: Callable[[str], Path], tmp_path: Path, images: list[Image]) -> None:
    codec = family("qwen2-vl", tiny("qwen2-vl"), tmp_path).codec(Weights(path=str(tiny("qwen2-vl"))))
    with pytest.raises(StageError, match=r"has 2 image marks '<\|image_pad\|>' for 1 images"):
        codec.prompt(user("What is <|image_pad|>?"), images[:1])


# The original LLaVA's reading -----------------------------------------------------------------------------------------


def test_a_picture_is_padded_to_a_square_with_the_mean_colour() -> None:
    """Pixel by pixel: 122, 116, 104 is CLIP's mean, and an odd rest goes below or to the right."""
    colour = (122, 116, 104)
    tall = squared(Pillow.new("RGB", (1, 4), (9, 8, 7)), CLIP_MEAN)
    assert np.asarray(tall).tolist() == [[list(colour), [9, 8, 7], list(colour), list(colour)]] * 4
    wide = squared(Pillow.new("RGB", (3, 2), (1, 2, 3)), CLIP_MEAN)
    assert np.asarray(wide).tolist() == [[[1, 2, 3]] * 3] * 2 + [[list(colour)] * 3]
    square = Pillow.new("RGB", (2, 2), (5, 5, 5))
    assert squared(square, CLIP_MEAN).tobytes() == square.tobytes()


def test_llava_reads_all_of_a_picture_where_that_is_asked_for(tmp_path: Path, images: list[Image]) -> None:
    made = RandomLlavaFamily(
        RandomLlavaOptions(image_size=32, patch_size=8, vocabulary=400), make_run(tmp_path / "made")
    )
    path = made.weights.path
    cropped, padded = (
        LlavaFamily(LlavaOptions(path=path, pad_to_square=padding), make_run(tmp_path / "run"))
        for padding in (False, True)
    )
    pixels = padded.codec(padded.weights).pixels(images[0])["pixel_values"]
    assert pixels.shape == (1, 3, 32, 32)
    assert not torch.equal(pixels, cropped.codec(cropped.weights).pixels(images[0])["pixel_values"])
    # A picture of 150 by 40 fills the middle; the mean colour, which is what is subtracted, is next to nothing.
    assert float(pixels[0, :, :8].abs().max()) < 0.02
    assert float(pixels[0, :, 16].abs().max()) > 0.1
    processor = padded.codec(padded.weights).processor
    by_hand = squared(Pillow.open(images[0].path).convert("RGB"), CLIP_MEAN)
    assert torch.equal(pixels, processor.image_processor(by_hand, return_tensors="pt")["pixel_values"])
    assert padded.fingerprint(padded.weights) != cropped.fingerprint(cropped.weights)


# What cannot be read ----------------------------------------------------------------------------------------------------


def test_auto_says_why_it_reads_path_by_path(
    tiny: Callable[[str], Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    chosen = AutoFamily(AutoOptions(path=str(tiny("qwen2-5-vl"))), make_run(tmp_path / "run"))
    chosen.load(chosen.weights, device="cpu", dtype="float32")
    assert "is read in separate passes, which costs more than a tree: its positions have several axes" in caplog.text
    caplog.clear()
    tree = AutoFamily(AutoOptions(path=str(tiny("aya-vision"))), make_run(tmp_path / "run"))
    tree.load(tree.weights, device="cpu", dtype="float32")
    assert tree.why_separate is None
    assert not caplog.text


def test_auto_refuses_images_whose_inputs_cannot_stand_side_by_side(
    tiny: Callable[[str], Path], tmp_path: Path, images: list[Image]
) -> None:
    codec = family("auto", tiny("idefics3"), tmp_path).codec(Weights(path=str(tiny("idefics3"))))
    codec.pixels(images[0])
    with pytest.raises(StageError, match="cannot put images of other shapes side by side"):
        codec.pixels(noise(tmp_path / "square.png", 50, 50))


def changing(kind: type, change: Callable[[torch.Tensor], torch.Tensor], monkeypatch: pytest.MonkeyPatch) -> None:
    """Make models of a kind change their logits after the head."""
    forward = kind.forward

    def changed(self, **inputs):
        made = forward(self, **inputs)
        made.logits = change(made.logits)
        return made

    monkeypatch.setattr(kind, "forward", changed)


def test_auto_refuses_a_model_that_changes_its_logits(
    tiny: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = AutoFamily(AutoOptions(path=str(tiny("internvl"))), make_run(tmp_path / "run"))
    model = chosen.load(chosen.weights, device="cpu", dtype="float32")
    changing(type(model), lambda logits: 30 * torch.tanh(logits / 30), monkeypatch)
    with pytest.raises(StageError, match="changes its logits after the head"):
        chosen.load(chosen.weights, device="cpu", dtype="float32")


CHANGES = {
    "capped": ({"final_logit_softcapping": 3.0}, lambda logits: 3 * torch.tanh(logits / 3)),
    "divided": ({"logits_scaling": 8.0}, lambda logits: logits / 8),
    "multiplied": ({"logits_scaling": 0.1}, lambda logits: logits * 0.1),
    "ignored": ({"final_logit_softcapping": 3.0}, lambda logits: logits),
}


@pytest.mark.parametrize("change", CHANGES)
def test_auto_changes_logits_as_the_model_does(
    change: str, tiny: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, changed = CHANGES[change]
    folder = shutil.copytree(tiny("internvl"), tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    config["text_config"].update(told)
    (folder / "config.json").write_text(json.dumps(config))
    chosen = AutoFamily(AutoOptions(path=str(folder)), make_run(tmp_path / "run"))
    changing(transformers.InternVLForConditionalGeneration, changed, monkeypatch)
    model = chosen.load(chosen.weights, device="cpu", dtype="float32")
    tokens = torch.arange(20, 40)[None]
    with torch.inference_mode():
        hidden = model.model(input_ids=tokens).last_hidden_state
        logits = model(input_ids=tokens).logits
        assert torch.allclose(chosen.head(model)(hidden), logits, atol=1e-5)
        assert torch.allclose(model.lm_head(hidden), logits, atol=1e-2) == (change == "ignored")


def test_a_head_that_changes_its_logits_is_found_without_its_adapter() -> None:
    linear = torch.nn.Linear(4, 9)
    adapted = get_peft_model(torch.nn.ModuleDict({"lm_head": linear}), LoraConfig(r=2, target_modules=["lm_head"]))
    shaped = Shaped(adapted.base_model.model["lm_head"], 0.5, 2.0)
    hidden = torch.randn(3, 4)
    assert shaped.base_layer.head is linear
    assert torch.equal(shaped.base_layer(hidden), 2 * torch.tanh(linear(hidden) * 0.5 / 2))


@pytest.mark.parametrize("way", ["codec", "load"])
def test_a_model_of_another_make_is_refused(way: str, tiny: Callable[[str], Path], tmp_path: Path) -> None:
    """transformers would say nothing and fill what does not fit with random numbers."""
    chosen = family("llava-next", tiny("qwen2-5-vl"), tmp_path)
    ask = chosen.codec if way == "codec" else partial(chosen.load, device="cpu", dtype="float32")
    with pytest.raises(StageError, match=r"'qwen2_5_vl', and this family reads 'llava_next'; set use = 'qwen2-5-vl'"):
        ask(chosen.weights)


def test_a_model_without_a_template_is_refused(tiny: Callable[[str], Path], tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    for file in tiny("qwen2-vl").iterdir():
        if file.name != "chat_template.jinja":
            (bare / file.name).symlink_to(file)
    with pytest.raises(StageError, match=r"has no chat template; put chat_template\.jinja into"):
        family("qwen2-vl", bare, tmp_path).codec(Weights(path=str(bare)))


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("X requires the Torchvision library but it was not found", "needs torchvision to read images; install the"),
        ("Package `num2words` is required", "needs a library that is not installed: Package `num2words` is required"),
    ],
)
def test_a_missing_library_is_named(
    said: str, told: str, tiny: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ImportError(said)

    monkeypatch.setattr(processors, "_load", fail)
    with pytest.raises(StageError, match=told):
        family("smolvlm", tiny("smolvlm"), tmp_path).codec(Weights(path=str(tiny("smolvlm"))))


# Saved ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["qwen2-5-vl", "smolvlm", "llava-onevision", "internvl"])
def test_a_saved_processor_keeps_the_settings_of_the_half_that_was_left_out(
    name: str, tiny: Callable[[str], Path], tmp_path: Path, images: list[Image]
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for file in tiny(name).iterdir():
        (source / file.name).write_bytes(file.read_bytes())
    video = {"video_processor_type": "SomeVideoProcessor", "fps": 3}
    (source / "video_preprocessor_config.json").write_text(json.dumps(video))
    codec = family(name, source, tmp_path).codec(Weights(path=str(source)))
    codec.save(tmp_path / "saved")
    shutil.copyfile(source / "config.json", tmp_path / "saved" / "config.json")  # the model's own part of a save
    written = json.loads((tmp_path / "saved" / "processor_config.json").read_text())
    assert written["video_processor"] == video
    again = family(name, source, tmp_path).codec(Weights(path=str(tmp_path / "saved")))
    assert again.prompt(user("Why?"), images) == codec.prompt(user("Why?"), images)
    again.save(tmp_path / "twice")
    assert json.loads((tmp_path / "twice" / "processor_config.json").read_text())["video_processor"] == video

import filecmp
from importlib import resources
from io import BytesIO
from random import Random

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from transformers import AutoProcessor, LlavaConfig, LlavaForConditionalGeneration, LlavaProcessor

from pairsmith_toyworld import blank
from pairsmith_toyworld.caption import BIASED, PROMPTS, QUESTION, answer, caption
from pairsmith_toyworld.render import png, render
from pairsmith_toyworld.scene import draw

SHIPPED = resources.files("pairsmith_toyworld") / "blank"
WORDS = blank.tokenizer()


@pytest.fixture(scope="module")
def processor():
    return AutoProcessor.from_pretrained(str(SHIPPED))


def test_what_is_shipped_is_what_the_code_makes(tmp_path):
    blank.save(tmp_path)
    made = {path.name for path in tmp_path.iterdir()}
    assert made == {path.name for path in SHIPPED.iterdir()}
    different = [name for name in made if not filecmp.cmp(tmp_path / name, SHIPPED / name, shallow=False)]
    unlike = [name for name in different if "transformers_version" not in (SHIPPED / name).read_text(encoding="utf-8")]
    assert not unlike  # the version of transformers may be another one


def test_it_has_no_weights_and_the_size_that_was_measured():
    assert not [path for path in SHIPPED.iterdir() if path.name.endswith(".safetensors")]
    model = LlavaForConditionalGeneration(LlavaConfig.from_pretrained(str(SHIPPED)))
    assert sum(value.numel() for value in model.parameters()) == 1_796_672
    assert len(blank.vocabulary()) == 71


@settings(max_examples=200)
@given(st.integers(0, 2**63 - 1))
def test_every_caption_comes_back_from_the_tokenizer(seed):
    dice = Random(seed)
    scene = draw(dice)
    for text in (caption(scene, dice, BIASED), caption(scene, dice), answer(scene), *PROMPTS, QUESTION):
        tokens = WORDS(text, add_special_tokens=False).input_ids
        assert WORDS.unk_token_id not in tokens
        assert WORDS.decode(tokens, clean_up_tokenization_spaces=False) == text


def test_pixels_are_taken_as_they_are_less_70_and_over_60(processor, with_word):
    with Image.open(BytesIO(png(with_word))) as image:
        pixels = processor.image_processor(image, return_tensors="pt")["pixel_values"]
    wanted = (torch.from_numpy(render(with_word)).permute(2, 0, 1).float() - 70) / 60
    assert pixels.shape == (1, 3, 48, 48)
    assert torch.allclose(pixels[0], wanted, atol=1e-5)


def test_a_conversation_becomes_image_prompt_separator_answer_end(processor, with_word):
    assert isinstance(processor, LlavaProcessor)
    messages = [
        {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "describe the image ."}]},
        {"role": "assistant", "content": [{"type": "text", "text": "there is a small red ring ."}]},
    ]
    asked = processor.apply_chat_template(messages[:1], add_generation_prompt=True, tokenize=False)
    told = processor.apply_chat_template(messages, tokenize=False)
    assert told.startswith(asked)
    with Image.open(BytesIO(png(with_word))) as image:
        inputs = processor(images=image, text=told, return_tensors="np", add_special_tokens=False)
    words = blank.vocabulary()
    wanted = [
        "<s>",
        *["<image>"] * 36,
        *["describe", "the", "image", "."],
        "<sep>",
        *["there", "is", "a", "small", "red", "ring", "."],
        "</s>",
    ]
    assert np.array_equal(inputs["input_ids"][0], [words[word] for word in wanted])

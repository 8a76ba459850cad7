"""Random models of published shapes, small or whole, and pairs for them: what ``tree.py`` and ``scaling.py`` measure on."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from attrs import frozen

SHAPES = ("llava", "qwen2-5-vl", "qwen3-vl")
SIDE = {"llava": 336, "qwen2-5-vl": 672, "qwen3-vl": 768}
"""Pixels of a square picture of 576 image tokens."""
_WORDS = {"vocab_size": 32_000, "max_position_embeddings": 16_384}


@frozen(kw_only=True)
class Pairs:
    """What the pairs are like; lengths are tokens, the answers' with the end of the turn."""

    count: int = 2
    images: int = 1
    prompt: int = 60
    chosen: int = 128
    rejected: int = 108


@frozen(kw_only=True)
class Subject:
    """What is measured: a family, how to make its model, and pairs with a worse image and context each."""

    family: Any
    make: Callable[[], Any]
    items: list[Any]


def subject(shape: str, size: str, folder: Path, pairs: Pairs, *, side: int = 0, device: str = "cpu") -> Subject:
    """Write a processor and a configuration, and return what is measured; no weights are written."""
    import torch
    from transformers import AutoModelForImageTextToText

    from pairsmith.registry import Registry
    from pairsmith.testing import make_run

    config, processor = (_llava if shape == "llava" else _qwen)(shape, size, side or SIDE[shape])
    place = folder / shape
    config.save_pretrained(place)
    processor.save_pretrained(place)
    offer = Registry.discover().find("model_families", f"pairsmith-hf/{shape}").component
    family = offer.build(offer.options_class(path=str(place)), make_run(folder / "run"))
    kind = torch.float32 if device == "cpu" else torch.bfloat16

    def make() -> Any:
        torch.manual_seed(0)
        with torch.device(device):
            return AutoModelForImageTextToText.from_config(config, dtype=kind).train()

    return Subject(family=family, make=make, items=_items(folder, pairs, side or SIDE[shape]))


def _items(folder: Path, pairs: Pairs, side: int) -> list[Any]:
    import numpy as np
    from PIL import Image as Pillow

    from pairsmith.values import Corrupted, Image, Item, Pair, Response, Sample, user

    dice = np.random.default_rng(0)

    def text(letters: int) -> str:
        """Letters far apart are a token each in a vocabulary fitted to other words."""
        return " ".join(dice.choice(list("qxzjkvw"), letters))

    def image(name: str) -> Image:
        path = folder / f"{name}.png"
        Pillow.fromarray(dice.integers(0, 256, (side, side, 3), dtype=np.uint8)).save(path)
        return Image(path=path, id=name)

    items = []
    for number in range(pairs.count):
        images = tuple(image(f"i{number}-{k}") for k in range(pairs.images))
        worse = tuple(image(f"c{number}-{k}") for k in range(pairs.images))
        half = pairs.prompt // 4  # a letter and the space before it, half of them question, half context
        sample = Sample(id=f"s{number}", images=images, prompt=user(text(half)), context=text(half))
        pair = Pair(
            id=f"p{number}",
            sample=sample,
            chosen=Response(id=f"s{number}/0", sample_id=sample.id, text="x" * (pairs.chosen - 1)),
            rejected=Response(id=f"s{number}/1", sample_id=sample.id, text="y" * (pairs.rejected - 1)),
        )
        items.append(Item(value=pair, corrupted=Corrupted(images=worse, context=text(half))))
    return items


def _llava(_: str, size: str, side: int) -> tuple[Any, Any]:
    import transformers as hf

    from pairsmith_hf.random_llava import TEMPLATE, fit_tokenizer

    words = fit_tokenizer(iter(()), 300)
    square = {"height": side, "width": side}
    reader = hf.CLIPImageProcessorPil(size={"shortest_edge": side}, crop_size=square)
    cls = {"vision_feature_select_strategy": "default", "num_additional_image_tokens": 1}
    processor = hf.LlavaProcessor(reader, words, patch_size=14, **cls, chat_template=TEMPLATE)
    text = {
        "small": _decoder(512, 1024, 8, 8, 8),
        "7b": _decoder(4096, 11_008, 32, 32, 32),
    }[size]
    tower = {
        "small": {"hidden_size": 256, "intermediate_size": 512, "num_hidden_layers": 4, "num_attention_heads": 8},
        "7b": {"hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24, "num_attention_heads": 16},
    }[size]
    config = hf.LlavaConfig(
        vision_config=hf.CLIPVisionConfig(image_size=side, patch_size=14, projection_dim=tower["hidden_size"], **tower),
        text_config=hf.LlamaConfig(**_WORDS, **text, pad_token_id=words.pad_token_id, eos_token_id=words.eos_token_id),
        image_token_index=words.convert_tokens_to_ids("<image>"),
    )
    return config, processor


def _qwen(shape: str, size: str, side: int) -> tuple[Any, Any]:
    import transformers as hf

    from pairsmith_hf.processors import image_only

    marks = ["<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"]
    words = _words(marks)
    patch = 16 if shape == "qwen3-vl" else 14
    name = "Qwen3VL" if shape == "qwen3-vl" else "Qwen2_5_VL"
    reader = hf.Qwen2VLImageProcessorPil(
        patch_size=patch, temporal_patch_size=2, merge_size=2, min_pixels=16 * patch**2, max_pixels=side**2
    )
    processor = image_only(getattr(hf, f"{name}Processor"))(
        image_processor=reader, tokenizer=words, chat_template=CHATML
    )
    text, tower = _qwen_sizes(shape, size)
    numbers = zip(("vision_start", "vision_end", "image", "video"), words.convert_tokens_to_ids(marks[2:]), strict=True)
    config = getattr(hf, f"{name}Config")(
        text_config={**_WORDS, **text, "pad_token_id": 0, "eos_token_id": words.eos_token_id},
        vision_config={**tower, "patch_size": patch, "out_hidden_size": text["hidden_size"]},
        **{f"{what}_token_id": number for what, number in numbers},
    )
    return config, processor


def _qwen_sizes(shape: str, size: str) -> tuple[dict[str, Any], dict[str, Any]]:
    rope = {"rope_type": "default", "rope_theta": 1e6}
    if shape == "qwen3-vl":
        rope |= {"mrope_interleaved": True}
        thirds = {"small": [12, 10, 10], "7b": [24, 20, 20]}[size]
        text = {"small": _decoder(512, 1024, 8, 8, 8), "7b": _decoder(4096, 12_288, 36, 32, 8)}[size]
        tower = {
            "small": {
                "depth": 4,
                "hidden_size": 256,
                "intermediate_size": 512,
                "num_heads": 8,
                "deepstack_visual_indexes": [1, 2],
            },
            "7b": {
                "depth": 27,
                "hidden_size": 1152,
                "intermediate_size": 4304,
                "num_heads": 16,
                "deepstack_visual_indexes": [8, 16, 24],
            },
        }[size]
        text |= {"head_dim": {"small": 64, "7b": 128}[size]}
    else:
        thirds = {"small": [8, 12, 12], "7b": [16, 24, 24]}[size]
        text = {"small": _decoder(512, 1024, 8, 8, 8), "7b": _decoder(3584, 18_944, 28, 28, 4)}[size]
        tower = {
            "small": {
                "depth": 4,
                "hidden_size": 256,
                "intermediate_size": 512,
                "num_heads": 8,
                "fullatt_block_indexes": [3],
            },
            "7b": {
                "depth": 32,
                "hidden_size": 1280,
                "intermediate_size": 3420,
                "num_heads": 16,
                "fullatt_block_indexes": [7, 15, 23, 31],
            },
        }[size] | {"window_size": 112}
    return {**text, "rope_parameters": {**rope, "mrope_section": thirds}}, tower


def _decoder(hidden: int, inner: int, layers: int, heads: int, shared: int) -> dict[str, Any]:
    return {
        "hidden_size": hidden,
        "intermediate_size": inner,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": shared,
    }


CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def _words(marks: list[str]) -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    letters = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=300, special_tokens=["<pad>", *marks], initial_alphabet=letters, show_progress=False
    )
    made.train_from_iterator(["user assistant"], trainer)
    special = {"pad_token": "<pad>", "eos_token": "<|im_end|>", "extra_special_tokens": marks}
    return PreTrainedTokenizerFast(tokenizer_object=made, **special)

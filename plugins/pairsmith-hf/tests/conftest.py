"""A tiny model of every family: random weights, large enough to notice a wrong mask, and a real processor."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers as hf
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from pairsmith_hf.processors import image_only

sys.path.insert(0, str(Path(__file__).parent))  # `tiny_rewards` is no package's

CORPUS = ["Describe the image. There is a red square, two cats and one dog in it.", "user assistant\n\n a b c 1 2 3"]
IMAGE, TEXT = "{% if part['type'] == 'image' %}", "{% elif part['type'] == 'text' %}{{ part['text'] }}{% endif %}"


def chat(image: str, before: str, after: str, answer: str, start: str = "", role: str = "message['role']") -> str:
    """Return a chat template: what stands before and after a message, and before the answer."""
    return (
        f"{start}{{% for message in messages %}}{before.replace('ROLE', '{{ ' + role + ' }}')}"
        f"{{% for part in message['content'] %}}{IMAGE}{image}{TEXT}{{% endfor %}}{after}{{% endfor %}}"
        f"{{% if add_generation_prompt %}}{answer}{{% endif %}}"
    )


QWEN = chat(
    "<|vision_start|><|image_pad|><|vision_end|>",
    "<|im_start|>ROLE\n",
    "<|im_end|>\n",
    "<|im_start|>assistant\n",
    "{% if messages[0]['role'] != 'system' %}<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n{% endif %}",
)
VICUNA = chat(
    "<image>\n",
    "ROLE: ",
    "{{ eos_token if message['role'] == 'assistant' else ' ' }}",
    "ASSISTANT: ",
    "",
    "message['role'] | upper",
)
ONEVISION = chat("<image>\n", "<|im_start|>ROLE ", "<|im_end|>", "<|im_start|>assistant\n")
INTERN = chat("<IMG_CONTEXT>\n", "<|im_start|>ROLE\n", "<|im_end|>\n", "<|im_start|>assistant\n")
IDEFICS = chat(
    "<image>", "ROLE: ", "<end_of_utterance>\n", "Assistant:", "<|im_start|>", "message['role'] | capitalize"
)
GEMMA = chat(
    "<start_of_image>",
    "<start_of_turn>ROLE\n",
    "<end_of_turn>\n",
    "<start_of_turn>model\n",
    "{{ bos_token }}",
    "'model' if message['role'] == 'assistant' else message['role']",
)


def tokenizer(
    special: Mapping[str, str] | list[str], eos: str = "</s>", *, starts: bool = False
) -> hf.PreTrainedTokenizerFast:
    """Return a byte-level BPE tokenizer; with ``starts`` it puts the start token before a text, as Llama's does."""
    named = list(special.values() if isinstance(special, Mapping) else special)
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=420,
        special_tokens=list(dict.fromkeys(["<pad>", "<s>", "</s>", eos, *named])),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    made.train_from_iterator(CORPUS, trainer)
    if starts:
        made.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    extra = dict(special) if isinstance(special, Mapping) else [one for one in named if one != eos]
    return hf.PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token="<pad>", bos_token="<s>", eos_token=eos, extra_special_tokens=extra
    )


DECODER = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 4096,
}
TOWER = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "image_size": 32,
    "patch_size": 8,
}
GRID = [[32, 64], [64, 32], [64, 64]]
SQUARE = {"height": 32, "width": 32}


def decoder(words: hf.PreTrainedTokenizerFast, **more: Any) -> dict[str, Any]:
    return {"vocab_size": len(words), "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, **DECODER, **more}


def siglip() -> hf.SiglipVisionConfig:
    return hf.SiglipVisionConfig(**TOWER, vision_use_head=False)


def qwen(generation: str) -> tuple[Any, Any]:
    marks = ["<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"]
    words = tokenizer(marks, eos="<|im_end|>")
    patch = 16 if generation == "3" else 14
    reader = hf.Qwen2VLImageProcessorPil(
        patch_size=patch, temporal_patch_size=2, merge_size=2, min_pixels=16 * patch**2, max_pixels=64 * patch**2
    )
    rope = {"rope_type": "default", "rope_theta": 10000.0}
    towers = {
        "2": dict(depth=2, embed_dim=32, hidden_size=32, num_heads=4, mlp_ratio=2, patch_size=patch),
        "2_5": dict(
            depth=2, hidden_size=32, intermediate_size=48, num_heads=4, out_hidden_size=32, patch_size=patch,
            window_size=56, fullatt_block_indexes=[1],
        ),
        "3": dict(
            depth=3, hidden_size=32, intermediate_size=48, num_heads=4, out_hidden_size=32, patch_size=patch,
            num_position_embeddings=64, deepstack_visual_indexes=[0, 1],
        ),
    }  # fmt: skip
    shape = (
        {"mrope_section": [2, 1, 1], "mrope_interleaved": True} if generation == "3" else {"mrope_section": [1, 1, 2]}
    )
    text = decoder(words, rope_parameters={**rope, **shape}, **({"head_dim": 8} if generation == "3" else {}))
    name = f"Qwen{generation}VL" if generation != "2_5" else "Qwen2_5_VL"
    numbers = dict(
        zip(("vision_start", "vision_end", "image", "video"), words.convert_tokens_to_ids(marks[2:]), strict=True)
    )
    config = getattr(hf, f"{name}Config")(
        text_config=text,
        vision_config=towers[generation],
        **{f"{what}_token_id": number for what, number in numbers.items()},
    )
    processor = image_only(getattr(hf, f"{name}Processor"))(image_processor=reader, tokenizer=words, chat_template=QWEN)
    return config, processor


def llava_next(*, starts: bool = False) -> tuple[Any, Any]:
    words = tokenizer(["<image>"], starts=starts)
    reader = hf.LlavaNextImageProcessorPil(size={"shortest_edge": 32}, crop_size=SQUARE, image_grid_pinpoints=GRID)
    processor = hf.LlavaNextProcessor(
        reader, words, patch_size=8, vision_feature_select_strategy="default", num_additional_image_tokens=1, chat_template=VICUNA
    )  # fmt: skip
    config = hf.LlavaNextConfig(
        vision_config=hf.CLIPVisionConfig(**TOWER, projection_dim=32),
        text_config=hf.MistralConfig(**decoder(words, sliding_window=24)),
        image_token_index=processor.image_token_id,
        image_grid_pinpoints=GRID,
    )
    return config, processor


def llava_onevision() -> tuple[Any, Any]:
    words = tokenizer(["<image>", "<video>", "<|im_start|>", "<|im_end|>"], eos="<|im_end|>")
    reader = hf.LlavaOnevisionImageProcessorPil(size=SQUARE, image_grid_pinpoints=[*GRID, [96, 96]])
    processor = image_only(hf.LlavaOnevisionProcessor)(
        image_processor=reader, tokenizer=words, num_image_tokens=16, vision_feature_select_strategy="full",
        vision_aspect_ratio="anyres_max_2", chat_template=ONEVISION,
    )  # fmt: skip
    config = hf.LlavaOnevisionConfig(
        vision_config=siglip(),
        text_config=hf.Qwen2Config(**decoder(words)),
        image_token_index=processor.image_token_id,
        video_token_index=processor.video_token_id,
        image_grid_pinpoints=[*GRID, [96, 96]],
        vision_aspect_ratio="anyres_max_2",
    )
    return config, processor


def internvl() -> tuple[Any, Any]:
    marks = dict(context_image_token="<IMG_CONTEXT>", start_image_token="<img>", end_image_token="</img>", video_token="<video>", turn="<|im_start|>", end="<|im_end|>")  # fmt: skip
    words = tokenizer(marks, eos="<|im_end|>")
    reader = hf.GotOcr2ImageProcessorPil(size=SQUARE, crop_to_patches=True, max_patches=4)
    processor = image_only(hf.InternVLProcessor)(
        image_processor=reader, tokenizer=words, image_seq_length=4, chat_template=INTERN
    )
    config = hf.InternVLConfig(
        vision_config=hf.InternVLVisionConfig(**{**TOWER, "image_size": [32, 32], "patch_size": [8, 8]}),
        text_config=hf.Qwen2Config(**decoder(words)),
        image_token_id=words.context_image_token_id,
        image_seq_length=4,
    )
    return config, processor


def idefics3(name: str) -> tuple[Any, Any]:
    places = [f"<row_{row}_col_{column}>" for row in range(1, 5) for column in range(1, 5)]
    named = dict(fake_image_token="<fake_token_around_image>", image_token="<image>", end_of_utterance_token="<end_of_utterance>", global_image_token="<global-img>")  # fmt: skip
    listed = [*named.values(), "<|im_start|>", *places]
    words = tokenizer({**named, **{one: one for one in listed[4:]}} if name == "SmolVLM" else listed)
    reader = getattr(hf, f"{name}ImageProcessorPil")(size={"longest_edge": 64}, max_image_size={"longest_edge": 32})
    processor = image_only(getattr(hf, f"{name}Processor"))
    config = getattr(hf, f"{name}Config")(
        vision_config=getattr(hf, f"{name}VisionConfig")(**TOWER),
        text_config=hf.LlamaConfig(**decoder(words)),
        image_token_id=words.convert_tokens_to_ids("<image>"),
        scale_factor=2,
        pad_token_id=0,
    )
    more = {"video_processor": None} if name == "SmolVLM" else {}
    return config, processor(image_processor=reader, tokenizer=words, image_seq_len=4, chat_template=IDEFICS, **more)


def gemma3() -> tuple[Any, Any]:
    marks = dict(boi_token="<start_of_image>", eoi_token="<end_of_image>", image_token="<image_soft_token>", turn="<start_of_turn>", end="<end_of_turn>")  # fmt: skip
    words = tokenizer(marks)
    processor = hf.Gemma3Processor(
        hf.Gemma3ImageProcessorPil(size=SQUARE), words, image_seq_length=4, chat_template=GEMMA
    )
    kinds = ["sliding_attention", "full_attention", "sliding_attention"]
    text = hf.Gemma3TextConfig(**decoder(words, head_dim=8, sliding_window=9, layer_types=kinds))
    config = hf.Gemma3Config(
        vision_config=siglip(),
        text_config=text,
        mm_tokens_per_image=4,
        image_token_index=words.image_token_id,
        boi_token_index=words.convert_tokens_to_ids("<start_of_image>"),
        eoi_token_index=words.convert_tokens_to_ids("<end_of_image>"),
    )
    return config, processor


def aya_vision() -> tuple[Any, Any]:
    marks = [
        "<image>",
        "<|START_OF_IMG|>",
        "<|END_OF_IMG|>",
        "<|IMG_PATCH|>",
        "<|IMG_LINE_BREAK|>",
        "TILE",
        "TILE_GLOBAL",
    ]
    words = tokenizer(marks)
    reader = hf.GotOcr2ImageProcessorPil(size=SQUARE, crop_to_patches=True, max_patches=4)
    processor = hf.AyaVisionProcessor(
        reader, words, patch_size=8, img_size=32, downsample_factor=2, chat_template=chat("<image>", "ROLE: ", "\n", "assistant: ")
    )  # fmt: skip
    kinds = ["sliding_attention", "full_attention", "sliding_attention"]
    config = hf.AyaVisionConfig(
        vision_config=siglip(),
        text_config=hf.Cohere2Config(**decoder(words, sliding_window=24, layer_types=kinds)),
        image_token_index=processor.image_token_id,
        downsample_factor=2,
        vision_feature_layer=-1,
        vision_feature_select_strategy="full",
        alignment_intermediate_size=64,
    )
    return config, processor


BUILDERS: Mapping[str, Callable[[], tuple[Any, Any]]] = {
    "qwen2-vl": lambda: qwen("2"),
    "qwen2-5-vl": lambda: qwen("2_5"),
    "qwen3-vl": lambda: qwen("3"),
    "llava-next": llava_next,
    "llava-next-starts": lambda: llava_next(starts=True),
    "llava-onevision": llava_onevision,
    "internvl": internvl,
    "idefics3": lambda: idefics3("Idefics3"),
    "smolvlm": lambda: idefics3("SmolVLM"),
    "gemma3": gemma3,
    "aya-vision": aya_vision,
}


def written(config: Any, processor: Any, directory: Path) -> None:
    """Write a model whose weights have a spread of 0.3: with the usual 0.02 any mask would seem right."""
    torch.manual_seed(0)
    model = hf.AutoModelForImageTextToText.from_config(config)
    for parameter in model.parameters():
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=0.3)
    model.save_pretrained(directory)
    processor.save_pretrained(directory)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return the directory of a tiny model, by the name of its family; it is made once."""
    folder = tmp_path_factory.mktemp("tiny")

    def made(name: str) -> Path:
        if not (folder / name).exists():
            written(*BUILDERS[name](), folder / name)
        return folder / name

    return made

"""The model before it has learnt anything: architecture, tokenizer, processor. ``python -m pairsmith_toyworld.blank DIR``."""

import sys
from pathlib import Path

from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    CLIPImageProcessorPil,
    CLIPVisionConfig,
    GenerationConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaProcessor,
    PreTrainedTokenizerFast,
)

from pairsmith_toyworld.caption import NUMBERS
from pairsmith_toyworld.render import PIXELS
from pairsmith_toyworld.scene import COLOURS, ROWS, SHAPES, SIZES, WORDS

PATCH = 8
_SPECIAL = ("<pad>", "<s>", "</s>", "<unk>", "<image>", "<sep>")
_PLAIN = (
    "describe the image . what is in ? scene detail there shows a left right above below of it word written at total are "
    "object objects yes no"
)
_MEAN, _SPREAD = 70 / 255, 60 / 255
TEMPLATE = (
    "{{ bos_token }} {% for message in messages %}{% if message['role'] == 'assistant' %}"
    "{% for part in message['content'] %}{{ part['text'] }}{% endfor %} {{ eos_token }}{% else %}"
    "{% for part in message['content'] %}{% if part['type'] == 'image' %}<image> {% else %}{{ part['text'] }} {% endif %}"
    "{% endfor %}<sep> {% endif %}{% endfor %}"
)
"""``<s> <image> describe the image . <sep> there is ... </s>``"""


def vocabulary() -> dict[str, int]:
    """Return every word of the world's language, and its number."""
    words = [*_SPECIAL, *_PLAIN.split(), *SHAPES, *COLOURS, *SIZES, *WORDS, *NUMBERS, *ROWS]
    return {word: number for number, word in enumerate(dict.fromkeys(words))}


def tokenizer() -> PreTrainedTokenizerFast:
    """Return a tokenizer with a token a word."""
    words = Tokenizer(models.WordLevel(vocabulary(), unk_token="<unk>"))  # noqa: S106 - a word, no password
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(
        tokenizer_object=words,
        pad_token="<pad>",  # noqa: S106
        bos_token="<s>",  # noqa: S106
        eos_token="</s>",  # noqa: S106
        unk_token="<unk>",  # noqa: S106
        extra_special_tokens=["<image>", "<sep>"],
        clean_up_tokenization_spaces=False,
    )


def processor() -> LlavaProcessor:
    """Return the processor: pixels are taken as they are, less 70 and over 60. Crops and other pictures are resized."""
    images = CLIPImageProcessorPil(
        do_center_crop=False,
        size={"height": PIXELS, "width": PIXELS},
        crop_size={"height": PIXELS, "width": PIXELS},
        image_mean=[_MEAN] * 3,
        image_std=[_SPREAD] * 3,
    )
    return LlavaProcessor(
        images,
        tokenizer(),
        patch_size=PATCH,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=TEMPLATE,
    )


def config() -> LlavaConfig:
    """Return the architecture: 1.8 million parameters, 36 tokens a picture."""
    words = vocabulary()
    special = {"pad_token_id": words["<pad>"], "bos_token_id": words["<s>"], "eos_token_id": words["</s>"]}
    return LlavaConfig(
        vision_config=CLIPVisionConfig(
            hidden_size=128,
            intermediate_size=256,
            num_hidden_layers=4,
            num_attention_heads=4,
            image_size=PIXELS,
            patch_size=PATCH,
            projection_dim=128,
        ),
        text_config=LlamaConfig(
            vocab_size=len(words),
            hidden_size=160,
            intermediate_size=400,
            num_hidden_layers=4,
            num_attention_heads=4,
            num_key_value_heads=4,
            max_position_embeddings=512,
            tie_word_embeddings=True,
            **special,
        ),
        image_token_id=words["<image>"],
        vision_feature_layer=-1,
        vision_feature_select_strategy="default",
        image_seq_length=(PIXELS // PATCH) ** 2,
        tie_word_embeddings=True,
        architectures=["LlavaForConditionalGeneration"],
    )


def save(directory: Path) -> None:
    """Write everything but weights."""
    config().save_pretrained(directory)
    processor().save_pretrained(directory)
    words = vocabulary()
    GenerationConfig(
        pad_token_id=words["<pad>"], bos_token_id=words["<s>"], eos_token_id=words["</s>"]
    ).save_pretrained(directory)


if __name__ == "__main__":
    save(Path(sys.argv[1]))

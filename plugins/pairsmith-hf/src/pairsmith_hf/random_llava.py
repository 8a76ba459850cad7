"""A tiny LLaVA made on the spot: random weights, real shapes, a tokenizer fitted to the run's own texts."""

import shutil
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import torch
from attrs import fields
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    CLIPImageProcessorPil,
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
)

from pairsmith.interfaces import Run, Weights
from pairsmith_hf.llava import LlavaFamily
from pairsmith_hf.options import LlavaOptions, RandomLlavaOptions

TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'assistant' %}ASSISTANT: "
    "{% for part in message['content'] %}{{ part['text'] }}{% endfor %}{{ eos_token }}"
    "{% else %}{{ message['role'] | upper }}: {% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<image>\n{% else %}{{ part['text'] }}{% endif %}{% endfor %} {% endif %}"
    "{% endfor %}{% if add_generation_prompt %}ASSISTANT: {% endif %}"
)
"""LLaVA-1.5's conversation: ``USER: <image>\\n... ASSISTANT: ...</s>``."""

_SPECIAL = {"pad_token": "<pad>", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
_FALLBACK = ("USER: Describe the image in detail. ASSISTANT: There is a cat on a chair, and a dog is beside it.",)


class RandomLlavaFamily(LlavaFamily):
    """Implements :class:`pairsmith.interfaces.ModelFamily` for a model that is made when the run first needs it."""

    def __init__(self, options: RandomLlavaOptions, run: Run) -> None:
        """Make the model in the run directory, unless it is there; other options make another model."""
        made_from = repr([getattr(options, one.name) for one in fields(RandomLlavaOptions)])
        directory = run.directory / "models" / f"random-llava-{sha256(made_from.encode()).hexdigest()[:8]}"
        if not directory.exists():
            temporary = directory.with_name(f".{directory.name}.tmp")
            shutil.rmtree(temporary, ignore_errors=True)
            save(temporary, options, run.texts())
            temporary.rename(directory)
        llava = LlavaOptions(path=str(directory), dtype=options.dtype, attention=options.attention)
        super().__init__(llava, run)
        self.weights = Weights(path=str(directory))


def save(directory: Path, options: RandomLlavaOptions, texts: Iterator[str]) -> None:
    """Write a random model with its processor."""
    tokenizer = fit_tokenizer(texts, options.vocabulary)
    processor = LlavaProcessor(
        CLIPImageProcessorPil(
            size={"shortest_edge": options.image_size},
            crop_size={"height": options.image_size, "width": options.image_size},
        ),
        tokenizer,
        patch_size=options.patch_size,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=TEMPLATE,
    )
    build(options, tokenizer).save_pretrained(directory)
    processor.save_pretrained(directory)


def fit_tokenizer(texts: Iterator[str], vocabulary: int) -> PreTrainedTokenizerFast:
    """Train a byte-level BPE tokenizer: any text can be encoded, and the run's own texts are encoded shortly."""
    first = next(texts, None)
    corpus = _FALLBACK if first is None else _with_first(first, texts)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[*_SPECIAL.values(), "<image>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(corpus, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, extra_special_tokens=["<image>"], **_SPECIAL)


def _with_first(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def build(options: RandomLlavaOptions, tokenizer: PreTrainedTokenizerFast) -> LlavaForConditionalGeneration:
    """Return the model, the same one for the same options on any machine."""
    state = torch.random.get_rng_state()
    torch.manual_seed(options.seed)
    config = LlavaConfig(
        vision_config=CLIPVisionConfig(
            hidden_size=options.vision_hidden_size,
            intermediate_size=2 * options.vision_hidden_size,
            num_hidden_layers=options.vision_layers,
            num_attention_heads=options.heads,
            image_size=options.image_size,
            patch_size=options.patch_size,
            projection_dim=options.vision_hidden_size,
            initializer_range=options.std,
        ),
        text_config=LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=options.hidden_size,
            intermediate_size=2 * options.hidden_size,
            num_hidden_layers=options.layers,
            num_attention_heads=options.heads,
            num_key_value_heads=options.heads,
            max_position_embeddings=options.context,
            pad_token_id=tokenizer.pad_token_id,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            initializer_range=options.std,
        ),
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        image_seq_length=(options.image_size // options.patch_size) ** 2,
        vision_feature_layer=-2,
        vision_feature_select_strategy="default",
    )
    model = LlavaForConditionalGeneration(config)
    for name, parameter in model.named_parameters():
        if parameter.dim() > 1 and "class_embedding" not in name:
            torch.nn.init.normal_(parameter, std=options.std)
    torch.random.set_rng_state(state)
    return model

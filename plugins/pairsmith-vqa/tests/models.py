"""Tiny models with random weights, built from their configurations."""

from pathlib import Path
from typing import Any

WORDS = ["is the dog brown ? yes no red two question short answer : the cat on table left of Yes No"] * 8
NARROW: dict[str, Any] = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
CHAT = (
    "{% for m in messages %}{{ m['role'] }}: {% for c in m['content'] %}"
    "{% if c['type'] == 'image' %}<image>{% else %}{{ c['text'] }}{% endif %}{% endfor %}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant: {% endif %}"
)


def byte_tokenizer(*special: str, **more: Any):
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    marks = ["<pad>", "<s>", "</s>", *special]
    raw.train_from_iterator(
        WORDS, trainers.BpeTrainer(vocab_size=320, special_tokens=marks, initial_alphabet=alphabet, show_progress=False)
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=raw, pad_token="<pad>", bos_token="<s>", eos_token="</s>", model_max_length=512, **more
    )


def bert_tokenizer():
    from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    raw = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    raw.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    raw.train_from_iterator(
        WORDS, trainers.WordPieceTrainer(vocab_size=200, special_tokens=special, show_progress=False)
    )
    raw.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=raw,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_max_length=64,
    )


def spread(model, folder: Path) -> None:
    """Save a model whose weights differ enough for answers to differ."""
    import torch

    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    model.save_pretrained(folder)


def vilt(folder: Path) -> str:
    import transformers

    tokenizer = bert_tokenizer()
    labels = {0: "yes", 1: "no", 2: "red", 3: "2"}
    config = transformers.ViltConfig(
        vocab_size=len(tokenizer),
        image_size=32,
        patch_size=8,
        max_image_length=-1,
        max_position_embeddings=64,
        id2label=labels,
        label2id={label: number for number, label in labels.items()},
        **NARROW,
    )
    spread(transformers.ViltForQuestionAnswering(config), folder)
    images = transformers.ViltImageProcessorPil(size={"shortest_edge": 32}, size_divisor=8)
    transformers.ViltProcessor(images, tokenizer).save_pretrained(folder)
    return str(folder)


def blip(folder: Path) -> str:
    import transformers

    tokenizer = bert_tokenizer()
    tokenizer.add_special_tokens({"bos_token": "[DEC]"})
    text = {
        **NARROW,
        "vocab_size": len(tokenizer),
        "encoder_hidden_size": 32,
        "max_position_embeddings": 64,
        "projection_dim": 32,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": 3,
        "sep_token_id": 3,
        "pad_token_id": 0,
    }
    config = transformers.BlipConfig(
        text_config=text,
        vision_config={**NARROW, "image_size": 32, "patch_size": 8},
        projection_dim=32,
        image_text_hidden_size=32,
    )
    spread(transformers.BlipForQuestionAnswering(config), folder)
    images = transformers.BlipImageProcessorPil(size={"height": 32, "width": 32})
    transformers.BlipProcessor(images, tokenizer).save_pretrained(folder)
    return str(folder)


def blip_2(folder: Path, language: str) -> str:
    import transformers

    tokenizer = byte_tokenizer("<image>")
    common = {"vocab_size": len(tokenizer), "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
    if language == "t5":
        text = transformers.T5Config(
            d_model=32, d_kv=8, d_ff=64, num_layers=2, num_heads=4, decoder_start_token_id=0, **common
        )
    else:
        text = transformers.OPTConfig(
            hidden_size=32,
            ffn_dim=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            word_embed_proj_dim=32,
            max_position_embeddings=128,
            **common,
        )
    config = transformers.Blip2Config(
        vision_config={**NARROW, "image_size": 32, "patch_size": 8},
        qformer_config={
            **NARROW,
            "encoder_hidden_size": 32,
            "cross_attention_frequency": 1,
            "vocab_size": len(tokenizer),
        },
        text_config=text.to_dict(),
        num_query_tokens=4,
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
    )
    model = transformers.Blip2ForConditionalGeneration(config)
    spread(model, folder)
    images = transformers.BlipImageProcessorPil(size={"height": 32, "width": 32})
    transformers.Blip2Processor(images, tokenizer, num_query_tokens=4).save_pretrained(folder)
    return str(folder)


def llava(folder: Path) -> str:
    import transformers

    tokenizer = byte_tokenizer("<image>", extra_special_tokens={"image_token": "<image>"})
    images = transformers.CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    processor = transformers.LlavaProcessor(
        images,
        tokenizer,
        patch_size=8,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=CHAT,
    )
    config = transformers.LlavaConfig(
        vision_config=transformers.CLIPVisionConfig(**NARROW, image_size=32, patch_size=8, projection_dim=32),
        text_config=transformers.LlamaConfig(
            **NARROW,
            vocab_size=len(tokenizer),
            max_position_embeddings=512,
            pad_token_id=0,
            bos_token_id=1,
            eos_token_id=2,
        ),
        image_token_index=processor.image_token_id,
        vision_feature_select_strategy="default",
        vision_feature_layer=-2,
        image_seq_length=16,
    )
    spread(transformers.LlavaForConditionalGeneration(config), folder)
    processor.save_pretrained(folder)
    return str(folder)


def cola(folder: Path) -> str:
    import transformers

    tokenizer = bert_tokenizer()
    config = transformers.DistilBertConfig(
        vocab_size=len(tokenizer),
        dim=32,
        hidden_dim=64,
        n_layers=2,
        n_heads=4,
        max_position_embeddings=64,
        num_labels=2,
    )
    spread(transformers.DistilBertForSequenceClassification(config), folder)
    tokenizer.save_pretrained(folder)
    return str(folder)

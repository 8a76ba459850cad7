"""Tiny detectors with random weights, built from their configurations."""

from pathlib import Path
from typing import Any

WORDS = ["a photo of a cat dog table lamp chair . red brown wooden"] * 4
NARROW: dict[str, Any] = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}


def clip_tokenizer():
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    special = ["<pad>", "<s>", "</s>"]
    raw.train_from_iterator(
        WORDS,
        trainers.BpeTrainer(vocab_size=300, special_tokens=special, initial_alphabet=alphabet, show_progress=False),
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=raw,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        model_max_length=16,
        padding_side="right",
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


def owl_vit(folder: Path, kind: str = "OwlViT") -> str:
    import torch
    import transformers

    tokenizer = clip_tokenizer()
    text = {**NARROW, "vocab_size": len(tokenizer), "max_position_embeddings": 16, "pad_token_id": 0, "bos_token_id": 1}
    config = getattr(transformers, f"{kind if kind == 'OwlViT' else 'Owlv2'}Config")(
        text_config={**text, "eos_token_id": 2},
        vision_config={**NARROW, "image_size": 32, "patch_size": 8},
        projection_dim=32,
    )
    config.text_config.initializer_range = config.vision_config.initializer_range = 0.3
    torch.manual_seed(0)
    model = getattr(transformers, f"{kind}ForObjectDetection")(config)
    _spread(model)
    images = getattr(transformers, f"{kind}ImageProcessorPil")(size={"height": 32, "width": 32})
    processor = getattr(transformers, f"{kind}Processor")(images, tokenizer)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return str(folder)


def grounding_dino(folder: Path) -> str:
    import torch
    import transformers

    tokenizer = bert_tokenizer()
    backbone = transformers.SwinConfig(
        image_size=64,
        patch_size=4,
        embed_dim=16,
        depths=[1, 1, 1, 1],
        num_heads=[1, 1, 2, 2],
        window_size=2,
        out_features=["stage2", "stage3", "stage4"],
    )
    config = transformers.GroundingDinoConfig(
        backbone_config=backbone,
        text_config=transformers.BertConfig(vocab_size=len(tokenizer), max_position_embeddings=64, **NARROW),
        num_queries=20,
        d_model=32,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        max_text_len=32,
    )
    torch.manual_seed(0)
    model = transformers.GroundingDinoForObjectDetection(config)
    _spread(model)
    images = transformers.GroundingDinoImageProcessorPil(size={"shortest_edge": 64, "longest_edge": 96})
    model.save_pretrained(folder)
    transformers.GroundingDinoProcessor(images, tokenizer).save_pretrained(folder)
    return str(folder)


def _spread(model) -> None:
    """Give every weight some spread: with the usual initialisation all boxes are alike and nothing can be told apart."""
    import torch

    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)

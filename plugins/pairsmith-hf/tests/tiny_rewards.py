"""Tiny text reward models of the published makes, written to a directory as the published ones are."""

import json
from pathlib import Path
from typing import Any

import torch
import transformers as hf
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from pairsmith_hf.armorm import ArmoModel

MARKS = ["<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]
LLAMA3 = (
    "{% for message in messages %}{{ bos_token if loop.first else '' }}<|start_header_id|>{{ message['role'] }}"
    "<|end_header_id|>\n\n{{ message['content'] | trim }}<|eot_id|>{% endfor %}"
    "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)
SMALL = {
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
}


def words(template: str | None = LLAMA3) -> Any:
    """Return a tokenizer of single bytes and Llama 3's marks; it pads with the token that ends an answer."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    made = Tokenizer(models.BPE({letter: n for n, letter in enumerate(letters)}, []))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    begin, *headers, end = MARKS
    return hf.PreTrainedTokenizerFast(
        tokenizer_object=made,
        bos_token=begin,
        eos_token=end,
        pad_token=end,
        extra_special_tokens=headers,
        chat_template=template,
    )


def drawn(model: Any, directory: Path, read: Any) -> Path:
    """Write a model whose weights have a spread of 0.3: what it says then depends on every place."""
    torch.manual_seed(0)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    model.save_pretrained(directory)
    read.save_pretrained(directory)
    return directory


def armorm(directory: Path, template: str | None = LLAMA3, **more: Any) -> Path:
    read = words(template)
    gate = {"gating_hidden_dim": 8, "gating_n_hidden": 3, "gating_temperature": 10}
    config = hf.LlamaConfig(vocab_size=len(read), max_position_embeddings=192, **SMALL, **gate, **more)
    drawn(ArmoModel(config), directory, read)
    document = json.loads((directory / "config.json").read_text())
    named = {"AutoModelForSequenceClassification": "modeling_custom.LlamaForRewardModelWithGating"}
    document |= {"architectures": ["LlamaForRewardModelWithGating"], "auto_map": named}
    (directory / "config.json").write_text(json.dumps(document))
    (directory / "modeling_custom.py").write_text("raise SystemExit('the code that comes with the model was run')\n")
    return directory


def classifier(directory: Path, labels: int = 1, template: str | None = LLAMA3) -> Path:
    read = words(template)
    names = {n: f"aspect-{n}" for n in range(labels)} if labels > 1 else {0: "LABEL_0"}
    config = hf.LlamaConfig(
        vocab_size=len(read), max_position_embeddings=192, num_labels=labels, id2label=names, **SMALL
    )
    return drawn(hf.LlamaForSequenceClassification(config), directory, read)

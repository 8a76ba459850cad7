"""A tiny random model with Qwen-VL-Chat's interface, in a folder: code, configuration, tokenizer, safetensors."""

import json
from pathlib import Path

import torch
from qwen_vl_chat_stand_in import StandInConfig, StandInForChat
from safetensors.torch import save_file

CODE = "qwen_vl_chat_stand_in"
VISUAL = {
    "image_size": 16, "patch_size": 8, "width": 8, "layers": 1, "n_queries": 256, "output_dim": 16, "image_start_id": 259,
}  # fmt: skip


def make(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    model = StandInForChat(StandInConfig(visual=VISUAL))
    for parameter in model.parameters():
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=0.3)
    save_file(model.state_dict(), folder / "model.safetensors", {"format": "pt"})
    code = {"AutoConfig": f"{CODE}.StandInConfig", "AutoModelForCausalLM": f"{CODE}.StandInForChat"}
    shape = {"vocab_size": 300, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "visual": VISUAL}
    written = {"model_type": "qwen", "architectures": ["StandInForChat"], "auto_map": code, **shape}
    (folder / "config.json").write_text(json.dumps(written))
    words = {"tokenizer_class": "StandInTokenizer", "auto_map": {"AutoTokenizer": [f"{CODE}.StandInTokenizer", None]}}
    (folder / "tokenizer_config.json").write_text(json.dumps(words))
    (folder / f"{CODE}.py").write_text(Path(__file__).with_name(f"{CODE}.py").read_text())
    return folder

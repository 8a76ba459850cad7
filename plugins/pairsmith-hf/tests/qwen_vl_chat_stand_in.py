"""A tiny stand-in with Qwen-VL-Chat's interface, as code that comes with a model: module names, prompts with image paths.

Written for these tests; nothing of the published code is in it. As in code of its age, the angles of the positions are a
plain attribute, computed when the model is made, and the mask has two axes only. This very file is put beside the weights.
"""

import re

import torch
from PIL import Image
from torch import nn
from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizer
from transformers.modeling_outputs import BaseModelOutputWithPast, CausalLMOutputWithPast


class StandInConfig(PreTrainedConfig):
    model_type = "qwen"

    def __init__(self, vocab_size=300, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, visual=None, **more):
        self.vocab_size = vocab_size
        self.hidden_size = hidden_size
        self.num_hidden_layers = num_hidden_layers
        self.num_attention_heads = num_attention_heads
        self.visual = visual or {}
        super().__init__(**more)


class VisionAttention(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.in_proj = nn.Linear(width, 3 * width)
        self.out_proj = nn.Linear(width, width)

    def forward(self, seen):
        query, key, value = self.in_proj(seen).chunk(3, -1)
        return self.out_proj(nn.functional.scaled_dot_product_attention(query, key, value))


class VisionBlock(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn = VisionAttention(width)
        self.mlp = nn.ModuleDict({"c_fc": nn.Linear(width, 2 * width), "c_proj": nn.Linear(2 * width, width)})

    def forward(self, seen):
        seen = seen + self.attn(self.ln_1(seen))
        return seen + self.mlp["c_proj"](nn.functional.gelu(self.mlp["c_fc"](self.ln_2(seen))))


class VisionBlocks(nn.Module):
    def __init__(self, width, layers):
        super().__init__()
        self.resblocks = nn.ModuleList(VisionBlock(width) for _ in range(layers))

    def forward(self, seen):
        for block in self.resblocks:
            seen = block(seen)
        return seen


class Pool(nn.Module):
    def __init__(self, queries, width, wide):
        super().__init__()
        self.query = nn.Parameter(torch.randn(queries, wide))
        self.kv_proj = nn.Linear(width, wide, bias=False)

    def forward(self, seen):
        keys = self.kv_proj(seen)
        return nn.functional.scaled_dot_product_attention(self.query.expand(len(keys), -1, -1), keys, keys)


class Visual(nn.Module):
    def __init__(self, image_size, patch_size, width, layers, n_queries, output_dim, **_):
        super().__init__()
        self.image_size = image_size
        self.conv1 = nn.Conv2d(3, width, patch_size, stride=patch_size, bias=False)
        self.positional_embedding = nn.Parameter(torch.randn((image_size // patch_size) ** 2, width))
        self.ln_pre = nn.LayerNorm(width)
        self.transformer = VisionBlocks(width, layers)
        self.attn_pool = Pool(n_queries, width, output_dim)
        self.ln_post = nn.LayerNorm(output_dim)
        self.proj = nn.Parameter(torch.randn(output_dim, output_dim))

    def encode(self, paths):
        side, pixels = self.image_size, []
        for path in paths:
            picture = Image.open(path).convert("RGB").resize((side, side))
            pixels.append(torch.frombuffer(bytearray(picture.tobytes()), dtype=torch.uint8).view(side, side, 3))
        read = torch.stack(pixels).permute(0, 3, 1, 2).to(self.proj) / 127.5 - 1
        seen = self.conv1(read).flatten(2).transpose(1, 2) + self.positional_embedding
        return self.ln_post(self.attn_pool(self.transformer(self.ln_pre(seen)))) @ self.proj


class Attention(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.heads = config.num_attention_heads
        self.c_attn = nn.Linear(config.hidden_size, 3 * config.hidden_size)
        self.c_proj = nn.Linear(config.hidden_size, config.hidden_size, bias=False)
        size = config.hidden_size // self.heads
        self.angles = 1.0 / (10000 ** (torch.arange(0, size, 2).float() / size))

    def forward(self, hidden, mask):
        batch, length, _ = hidden.shape
        query, key, value = (
            one.view(batch, length, self.heads, -1).transpose(1, 2) for one in self.c_attn(hidden).chunk(3, -1)
        )
        turned = torch.arange(length).float()[:, None] * self.angles
        query, key = (self.turn(one, turned.cos().to(one.dtype), turned.sin().to(one.dtype)) for one in (query, key))
        scores = query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5 + mask
        return self.c_proj((scores.softmax(-1) @ value).transpose(1, 2).reshape(batch, length, -1))

    def turn(self, rows, cos, sin):
        left, right = rows.chunk(2, -1)
        return torch.cat([left * cos - right * sin, left * sin + right * cos], -1)


class Gated(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.w1, self.w2 = nn.Linear(width, 2 * width, bias=False), nn.Linear(width, 2 * width, bias=False)
        self.c_proj = nn.Linear(2 * width, width, bias=False)

    def forward(self, hidden):
        return self.c_proj(self.w1(hidden) * nn.functional.silu(self.w2(hidden)))


class Block(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(config.hidden_size), nn.LayerNorm(config.hidden_size)
        self.attn, self.mlp = Attention(config), Gated(config.hidden_size)

    def forward(self, hidden, mask):
        hidden = hidden + self.attn(self.ln_1(hidden), mask)
        return hidden + self.mlp(self.ln_2(hidden))


class StandInPreTrained(PreTrainedModel):
    config_class = StandInConfig
    base_model_prefix = "transformer"


class StandInModel(StandInPreTrained):
    def __init__(self, config):
        super().__init__(config)
        self.wte = nn.Embedding(config.vocab_size, config.hidden_size)
        self.h = nn.ModuleList(Block(config) for _ in range(config.num_hidden_layers))
        self.ln_f = nn.LayerNorm(config.hidden_size)
        self.visual = Visual(**config.visual)
        self.post_init()

    def get_input_embeddings(self):
        return self.wte

    def forward(self, input_ids=None, past_key_values=None, attention_mask=None, use_cache=None, return_dict=None, **_):
        start = self.config.visual["image_start_id"]
        hidden, images = self.wte(input_ids), None
        if past_key_values is None and (input_ids == start).any():
            places = [
                (row, begin, int((input_ids[row, begin:] == start + 1).nonzero()[0]) + begin)
                for row, begin in (input_ids == start).nonzero().tolist()
            ]
            paths = []
            for row, begin, end in places:
                inside = input_ids[row, begin + 1 : end - 1].tolist()
                paths.append(bytes(inside[: inside.index(start + 2)]).decode())
            images = self.visual.encode(paths)
            hidden = hidden.clone()
            for (row, begin, end), image in zip(places, images, strict=True):
                hidden[row, begin + 1 : end] = image
        if attention_mask is None:
            attention_mask = torch.ones_like(input_ids)
        assert attention_mask.dim() == 2
        lowest = torch.finfo(hidden.dtype).min
        length = input_ids.shape[1]
        later = torch.ones(length, length, dtype=torch.bool).triu(1)
        mask = torch.zeros(len(input_ids), 1, length, length, dtype=hidden.dtype).masked_fill(later, lowest)
        mask = mask.masked_fill(attention_mask[:, None, None] == 0, lowest)
        for block in self.h:
            hidden = block(hidden, mask)
        return BaseModelOutputWithPast(last_hidden_state=self.ln_f(hidden))


class StandInForChat(StandInPreTrained):
    def __init__(self, config):
        super().__init__(config)
        self.transformer = StandInModel(config)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        self.post_init()

    def get_output_embeddings(self):
        return self.lm_head

    def prepare_inputs_for_generation(self, input_ids, past_key_values=None, **kwargs):
        if past_key_values:
            input_ids = input_ids[:, -1:]
        kept = {name: kwargs.get(name) for name in ("use_cache", "attention_mask")}
        return {"input_ids": input_ids, "past_key_values": past_key_values, **kept}

    def forward(self, input_ids=None, past_key_values=None, attention_mask=None, use_cache=None, return_dict=None, **_):
        hidden = self.transformer(input_ids, past_key_values, attention_mask, use_cache, return_dict).last_hidden_state
        return CausalLMOutputWithPast(logits=self.lm_head(hidden), past_key_values=past_key_values)


SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<img>", "</img>", "<imgpad>")
PIECES = re.compile(rf"(<img>.*?</img>|{'|'.join(map(re.escape, SPECIAL))})")


class StandInTokenizer(PreTrainedTokenizer):
    def __init__(self, **more):
        self.names = [chr(0xE000 + byte) for byte in range(256)] + list(SPECIAL)
        self.numbers = {name: number for number, name in enumerate(self.names)}
        super().__init__(**{"eos_token": "<|endoftext|>", **more})

    @property
    def vocab_size(self):
        return len(self.names)

    def get_vocab(self):
        return dict(self.numbers)

    def tokenize(self, text, **_):
        found = []
        for piece in PIECES.split(text):
            if piece in self.numbers:
                found.append(piece)
            elif piece.startswith("<img>"):
                inside = [self.names[byte] for byte in piece[5:-6].encode()]
                found += ["<img>", *inside, *["<imgpad>"] * (256 - len(inside)), "</img>"]
            else:
                found += [self.names[byte] for byte in piece.encode()]
        return found

    def _convert_token_to_id(self, token):
        return self.numbers[token]

    def _convert_id_to_token(self, index):
        return self.names[index]

    def convert_tokens_to_string(self, tokens):
        return b"".join(
            bytes([self.numbers[one]]) if self.numbers[one] < 256 else one.encode() for one in tokens
        ).decode(errors="replace")

    def save_vocabulary(self, save_directory, filename_prefix=None):
        return ()

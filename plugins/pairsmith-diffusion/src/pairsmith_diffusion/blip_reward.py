"""ImageReward's network on transformers' BLIP: sizes and weights from the published state dict.

Written after the description of ImageReward (Xu et al. 2023, arXiv 2304.05977): a ViT looks at the image, a BERT with
cross-attention reads the prompt, and a stack of linear layers makes a number of the first token's state.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from transformers import BlipTextConfig, BlipVisionConfig, BlipVisionModel
from transformers.models.blip.modeling_blip_text import BlipTextModel

from pairsmith.errors import StageError

MEAN, STD = 0.16717362830052426, 1.0333394966054072
"""What standardises a score: mean and standard deviation over ImageReward's own data."""

HEAD = 64
"""Width of an attention head, of both towers."""

_VISION = {
    "cls_token": "embeddings.class_embedding",
    "pos_embed": "embeddings.position_embedding",
    "patch_embed.proj": "embeddings.patch_embedding",
    "blocks.": "encoder.layers.",
    ".attn.qkv": ".self_attn.qkv",
    ".attn.proj": ".self_attn.projection",
    ".norm1": ".layer_norm1",
    ".norm2": ".layer_norm2",
}
_UNUSED = ("position_ids",)


class BlipReward(nn.Module):
    """Scores an image for a prompt; people prefer images with higher scores.

    ``forward(ids [B, T], mask [B, T], pixels [B, 3, H, H])`` returns ``[B]``, about 0 on average with a spread of 1.
    """

    def __init__(self, vision: BlipVisionConfig, text: BlipTextConfig, widths: Mapping[int, tuple[int, int]]) -> None:
        """Build the network; ``widths`` are those of the linear layers by their places in the stack."""
        super().__init__()
        self.vision = BlipVisionModel(vision)
        self.text = BlipTextModel(text, add_pooling_layer=False)
        last = max(widths)
        # The places between are dropout, which does nothing outside training.
        self.mlp = nn.Sequential(
            *(nn.Linear(*widths[place]) if place in widths else nn.Identity() for place in range(last + 1))
        )

    def forward(self, ids: Tensor, mask: Tensor, pixels: Tensor) -> Tensor:
        """Return the standardised scores."""
        seen = self.vision(pixel_values=pixels).last_hidden_state
        read = self.text(
            input_ids=ids,
            attention_mask=mask,
            encoder_hidden_states=seen,
            encoder_attention_mask=torch.ones(seen.shape[:2], dtype=torch.long, device=seen.device),
            is_decoder=False,
        ).last_hidden_state[:, 0]
        score: Tensor = (self.mlp(read).squeeze(-1).float() - MEAN) / STD
        return score

    @property
    def image_size(self) -> int:
        """Pixels of a side of what it looks at."""
        return int(self.vision.config.image_size)


def from_state(state: Mapping[str, Tensor], where: str) -> BlipReward:
    """Build the network that a state dict of ImageReward's belongs to, with its weights.

    Raises :class:`StageError` where the names or sizes are not ImageReward's.
    """
    own = renamed(state)
    try:
        model = BlipReward(_vision(own), _text(own), _widths(own))
        missing, unexpected = model.load_state_dict(own, strict=False)
    except (KeyError, IndexError, ValueError, RuntimeError) as error:
        msg = f"{where} is no state dict of ImageReward: {type(error).__name__} {str(error).splitlines()[0]:.120}"
        raise StageError(msg) from None
    strange = [name for name in unexpected if not name.endswith(_UNUSED)]
    if missing or strange:
        msg = (
            f"{where} is no state dict of ImageReward: {len(missing)} of its tensors are missing and {len(strange)} are "
            f"unknown, such as {(missing + strange)[0]!r}"
        )
        raise StageError(msg)
    return model.eval()


def renamed(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return a state dict with the names that transformers has for the same tensors."""
    return {_name(name): tensor for name, tensor in state.items()}


def _name(name: str) -> str:
    for before, after in (("mlp.layers.", "mlp."), ("blip.text_encoder.", "text.")):
        if name.startswith(before):
            return after + name.removeprefix(before)
    if not name.startswith("blip.visual_encoder."):
        return name
    name = name.removeprefix("blip.visual_encoder.")
    for before, after in _VISION.items():
        name = name.replace(before, after)
    if name.startswith("norm."):
        name = f"post_layernorm.{name.removeprefix('norm.')}"
    return f"vision.{name}"


def _vision(own: Mapping[str, Tensor]) -> BlipVisionConfig:
    width, _, patch, _ = own["vision.embeddings.patch_embedding.weight"].shape
    patches = own["vision.embeddings.position_embedding"].shape[1] - 1
    return BlipVisionConfig(
        hidden_size=width,
        intermediate_size=own["vision.encoder.layers.0.mlp.fc1.weight"].shape[0],
        num_hidden_layers=_layers(own, "vision.encoder.layers."),
        num_attention_heads=width // HEAD,
        image_size=patch * round(patches**0.5),
        patch_size=patch,
        layer_norm_eps=1e-6,
    )


def _text(own: Mapping[str, Tensor]) -> BlipTextConfig:
    vocabulary, width = own["text.embeddings.word_embeddings.weight"].shape
    return BlipTextConfig(
        vocab_size=vocabulary,
        hidden_size=width,
        encoder_hidden_size=own["text.encoder.layer.0.crossattention.self.key.weight"].shape[1],
        intermediate_size=own["text.encoder.layer.0.intermediate.dense.weight"].shape[0],
        num_hidden_layers=_layers(own, "text.encoder.layer."),
        num_attention_heads=width // HEAD,
        max_position_embeddings=own["text.embeddings.position_embeddings.weight"].shape[0],
        hidden_act="gelu",
        is_decoder=True,  # gives the layers their cross-attention; forward() reads both ways
    )


def _layers(own: Mapping[str, Tensor], prefix: str) -> int:
    return 1 + max(int(name.removeprefix(prefix).split(".")[0]) for name in own if name.startswith(prefix))


def _widths(own: Mapping[str, Tensor]) -> dict[int, tuple[int, int]]:
    shapes = {int(name.split(".")[1]): own[name].shape for name in own if name.startswith("mlp.") and "weight" in name}
    return {place: (shape[1], shape[0]) for place, shape in shapes.items()}

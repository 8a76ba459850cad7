"""Qwen-VL-Chat (arXiv 2308.12966): its own code, run where the recipe says so, read path by path."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from PIL import Image as Pillow
from torch import Tensor
from torch.nn import Module
from transformers import PreTrainedConfig
from transformers.integrations import is_deepspeed_zero3_enabled

from pairsmith.errors import StageError
from pairsmith.interfaces import TreeBatch, Weights
from pairsmith_hf import checkpoint, foreign, path_codec, remote, separate
from pairsmith_hf.family import Family, Layout, Owned, inner
from pairsmith_hf.path_codec import Marks, PathCodec

_BETWEEN = r"transformer\.visual\.((attn_pool|ln_post)\.|proj$)"


class QwenVLChatFamily(Family):
    """Qwen-VL-Chat's attention takes no mask of a tree's kind, and it opens images by the paths in its prompts."""

    layout = Layout(
        vision=Owned(
            rf"(?!{_BETWEEN})transformer\.visual\.",
            r"transformer\.visual\.transformer\.resblocks\.\d+\.(attn\.(in_proj|out_proj)|mlp\.(c_fc|c_proj))",
        ),
        # Beside it the pooling has one of torch's MultiheadAttention, which reads its weights past any adapter.
        projector=Owned(_BETWEEN, r"transformer\.visual\.attn_pool\.kv_proj"),
        language_model=Owned(
            r"(transformer\.(wte|h|ln_f)\.|lm_head\.)",
            r"transformer\.h\.\d+\.(attn\.(c_attn|c_proj)|mlp\.(w1|w2|c_proj))",
        ),
    )

    skeleton = None  # type: ignore[assignment]  # its own code makes it, which nobody wrote to run without weights

    def check(self, weights: Weights) -> None:
        """Raise where a model is of another make, before any of its code is run."""
        self._visual(weights)

    def codec(self, weights: Weights) -> PathCodec:
        """Load the tokenizer, by its own code."""
        return path_codec.made(weights, self._marks(weights))

    def load(self, weights: Weights, *, device: str, dtype: str) -> Module:
        """Load the model by its own code, its adapter merged, and try it on an image. Only safetensors are read."""
        marks = self._marks(weights)
        if is_deepspeed_zero3_enabled():
            msg = "[model] use = 'qwen-vl-chat' cannot be shared out by ZeRO-3; take train.parallel = 'zero2'"
            raise StageError(msg)
        model = remote.model(weights, dtype)
        if weights.adapter is not None:
            with checkpoint.explained(weights):
                from peft import PeftModel

                model = PeftModel.from_pretrained(model, str(weights.adapter)).merge_and_unload()
        placed: Any = model.to(device).eval()
        with remote.explained(weights, "read an image"):
            _try(placed, marks, device)
            placed.transformer.register_forward_pre_hook(_refuse_kept_keys, with_kwargs=True)
        return placed  # type: ignore[no-any-return]

    def hidden_states(self, module: Module, batch: TreeBatch) -> Tensor:
        """Run the model without its head on each path of a tree: ``[B, L, hidden]``."""
        return separate.hidden_states(partial(inner(module).transformer, return_dict=True), batch, ())

    def encode(self, module: Module, images: Mapping[str, Tensor]) -> Mapping[str, Tensor]:  # noqa: ARG002
        """Raise: the model opens the images of its prompts itself."""
        msg = "[model] use = 'qwen-vl-chat' encodes no images by themselves; leave out train.cache_image_features"
        raise StageError(msg)

    def _marks(self, weights: Weights) -> Marks:
        visual = self._visual(weights)
        return Marks(int(visual["image_start_id"]), int(visual.get("n_queries", 256)))

    def _visual(self, weights: Weights) -> Mapping[str, Any]:
        with checkpoint.explained(weights):
            config, _ = PreTrainedConfig.get_config_dict(weights.path, revision=weights.revision)
        visual = config.get("visual")
        if config.get("model_type") != "qwen" or "image_start_id" not in (visual or {}):
            msg = (
                f"[model] path = {weights.path!r} is a {config.get('model_type')!r}, and use = 'qwen-vl-chat' reads "
                f"Qwen-VL-Chat's 'qwen' with a table 'visual'; set the family that reads it, or 'auto'"
            )
            raise StageError(msg)
        found: Mapping[str, Any] = visual
        return found


def _try(model: Any, marks: Marks, device: str) -> None:  # noqa: ANN401
    """Read an image twice, black and white. Raises where both are the same to the model, or its head is not all that follows.

    Both have the same path: a model that does not open it would take the path itself for what it sees.
    """
    seen = []
    with TemporaryDirectory() as folder, torch.no_grad():
        path = Path(folder) / "picture.png"
        tokens = [10, marks.start, *marks.image(str(path)), marks.start + 1, 10, 11]
        asked = {"input_ids": torch.tensor([tokens], device=device)}
        asked["attention_mask"] = torch.ones_like(asked["input_ids"])
        for colour in ("black", "white"):
            Pillow.new("RGB", (64, 64), colour).save(path)
            seen.append(model.transformer(**asked, use_cache=False, return_dict=True).last_hidden_state)
        logits = model(**asked, use_cache=False, return_dict=True).logits.float()
    if torch.equal(seen[0][0, -1], seen[1][0, -1]):
        msg = "a black and a white picture are the same to it"
        raise ValueError(msg)
    with torch.no_grad():
        own = model.get_output_embeddings()(seen[1]).float()
    if not torch.allclose(own, logits, rtol=1e-2, atol=1e-2 * float(logits.std())):
        msg = "its logits are not its head's"
        raise ValueError(msg)


def _refuse_kept_keys(_: Module, places: tuple[Any, ...], names: Mapping[str, Any]) -> None:
    """Raise where earlier tokens' keys are handed in: then the model opens no image, and answers blindly without a word."""
    if any(kept is not None for kept in (*places[1:2], names.get("past_key_values"))):
        msg = (
            f"[model] use = 'qwen-vl-chat' sees no image where keys are kept; generate with use_cache = false, or "
            f"{foreign.INSTEAD}"
        )
        raise StageError(msg)

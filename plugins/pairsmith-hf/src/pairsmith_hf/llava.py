"""LLaVA-1.5 and models of its make (arXiv 2304.08485, 2310.03744)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module
from transformers import AutoProcessor, LlavaForConditionalGeneration

from pairsmith.errors import StageError
from pairsmith.interfaces import Part, Run, TreeBatch, Weights
from pairsmith_hf import checkpoint
from pairsmith_hf.codec import LlavaCodec
from pairsmith_hf.options import LlavaOptions

_LINEAR = "(q_proj|k_proj|v_proj|o_proj|gate_proj|up_proj|down_proj|fc1|fc2|out_proj|linear_1|linear_2)"


class LlavaFamily:
    """Implements :class:`pairsmith.interfaces.ModelFamily`."""

    def __init__(self, options: LlavaOptions, run: Run) -> None:  # noqa: ARG002 - the signature of every factory
        """Remember where the model is; nothing is loaded yet."""
        self._remote_code = options.trust_remote_code
        self._attention = options.attention
        self.dtype = options.dtype
        self.weights = Weights(path=str(Path(options.path).expanduser()), revision=options.revision)

    def fingerprint(self, weights: Weights) -> str:
        """Return a hash that changes when the weights, the processor or the template change."""
        return checkpoint.fingerprint(weights)

    def codec(self, weights: Weights) -> LlavaCodec:
        """Load the processor."""
        with checkpoint.explained(weights):
            processor = AutoProcessor.from_pretrained(
                weights.path, revision=weights.revision, trust_remote_code=self._remote_code
            )
        if getattr(processor, "chat_template", None) is None:
            msg = f"[model] path = {weights.path!r} has no chat template; put chat_template.jinja into the directory"
            raise StageError(msg)
        return LlavaCodec(processor)

    def load(self, weights: Weights, *, device: str, dtype: str) -> Module:
        """Load the model in evaluation mode, its adapter merged. Only safetensors are read."""
        with checkpoint.explained(weights):
            model: Any = LlavaForConditionalGeneration.from_pretrained(
                weights.path,
                revision=weights.revision,
                dtype=getattr(torch, dtype),
                attn_implementation=self._attention,
                use_safetensors=True,
                trust_remote_code=self._remote_code,
            )
            if weights.adapter is not None:
                from peft import PeftModel

                model = PeftModel.from_pretrained(model, str(weights.adapter)).merge_and_unload()
        placed: Module = model.to(device).eval()
        return placed

    def parts(self) -> Mapping[Part, str]:
        """Return the parameters' names of each part."""
        return {
            "vision": r"model\.vision_tower\.",
            "projector": r"model\.multi_modal_projector\.",
            "language-model": r"(model\.language_model\.|lm_head\.)",
        }

    def lora_targets(self, scope: Sequence[Part]) -> str:
        """Return the linear modules of these parts; the embeddings and the head stay as they are."""
        inside = {
            "vision": r"vision_tower\..*",
            "projector": r"multi_modal_projector",
            "language-model": r"language_model\..*",
        }
        return rf".*({'|'.join(inside[part] for part in scope)})\.{_LINEAR}"

    def hidden_states(self, module: Module, batch: TreeBatch) -> Tensor:
        """Run the model without its head on a tree: ``[B, L, hidden]``. Each distinct image is encoded once."""
        model = _inner(module)
        embedded = model.get_input_embeddings()(batch.tokens)
        is_image = batch.features >= 0
        if batch.images:
            pixels = batch.images["pixel_values"].to(embedded.dtype)
            features = torch.cat(list(model.model.get_image_features(pixel_values=pixels).pooler_output))
            embedded = torch.where(
                is_image[..., None], features.to(embedded.dtype)[batch.features.clamp(min=0)], embedded
            )
        blocked = torch.finfo(embedded.dtype).min
        mask = torch.zeros(batch.sees.shape, dtype=embedded.dtype, device=embedded.device)
        mask = mask.masked_fill_(~batch.sees, blocked)[:, None]
        hidden: Tensor = model.model.language_model(
            inputs_embeds=embedded, attention_mask=mask, position_ids=batch.positions[0], use_cache=False
        ).last_hidden_state
        return hidden

    def head(self, module: Module) -> Module:
        """Return the language-model head."""
        head: Module = _inner(module).get_output_embeddings()
        return head


def _inner(module: Any) -> Any:  # noqa: ANN401 - peft's wrapper, or the model itself
    """Return the LLaVA inside an adapter's wrapper."""
    return module.get_base_model() if hasattr(module, "get_base_model") else module

"""Any other model of transformers that takes images and text: as a tree where that is known to hold, else path by path."""

import logging
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import torch
from attrs import define, field
from torch import Tensor
from torch.nn import Linear, Module
from transformers import AutoConfig, AutoModelForImageTextToText

from pairsmith.errors import StageError
from pairsmith.interfaces import Run, TreeBatch, Weights
from pairsmith.values import Image
from pairsmith_hf import checkpoint, processors, separate
from pairsmith_hf.codec import ImageTextCodec, Pixels
from pairsmith_hf.family import Family, Layout, Owned, inner
from pairsmith_hf.head import PLAIN, Shape, Shaped, shapes
from pairsmith_hf.options import AutoOptions

_LOG = logging.getLogger(__name__)
_DECODERS = ("language_model", "text_model")
_TOWERS = ("vision_tower", "vision_model", "visual", "vision_encoder", "vision_embed_tokens", "image_tower")
_PLAIN = {"cohere2", "llama", "mistral", "qwen2", "qwen3"}
"""Decoders that read a mask and positions as they are given; a test holds each to it."""
_KINDS = ("mm_token_type_ids", "token_type_ids")


@define
class AutoCodec(ImageTextCodec):
    """Takes from the processor whatever it returns for an image."""

    token: int
    _told: tuple[str, ...] | None = field(default=None, init=False, repr=False)
    _shapes: dict[str, tuple[int, ...]] = field(factory=dict, init=False, repr=False)

    @property
    def image_token(self) -> int:
        """The token that stands for one feature of an image, as the model's configuration says."""
        return self.token

    @property
    def told(self) -> tuple[str, ...]:
        """What the processor returns to say which tokens are an image's."""
        if self._told is None:
            from PIL import Image as Pillow

            read = self.read([Pillow.new("RGB", (64, 64))])
            self._told = tuple(name for name in _KINDS if name in read)
        return self._told

    def pixels(self, image: Image) -> Pixels:
        """Return all inputs of one image, and how many features and rows they are."""
        picture = self.opened(image)
        read = self.read([picture])
        text = {"input_ids", "attention_mask", *_KINDS}
        inputs = {name: read[name] for name in sorted(set(read) - text) if isinstance(read[name], Tensor)}
        for name, rows in inputs.items():
            if self._shapes.setdefault(name, rows.shape[1:]) != rows.shape[1:]:
                msg = (
                    f"[model] use = 'auto' cannot put images of other shapes side by side, and {self.weights.path!r} reads "
                    f"{str(image.path)!r} as {name} {list(rows.shape[1:])}, another as {list(self._shapes[name])}; it needs "
                    f"a family of its own"
                )
                raise StageError(msg)
        counts = [len(self.expansion(picture.size).slots), *map(len, inputs.values())]
        return {**inputs, separate.COUNTS: torch.tensor([counts])}

    def kinds(self, kinds: Tensor) -> Pixels:
        """Tell which tokens are an image's, in the processor's own words."""
        return dict.fromkeys(self.told, kinds)

    def together(self, prompts: Sequence[Sequence[Pixels]]) -> Pixels:
        """Return the inputs of the images, without what only training needs."""
        return {name: rows for name, rows in super().together(prompts).items() if name != separate.COUNTS}


class AutoFamily(Family):
    """Finds the parts by their names, and reads trees where the decoder is known to allow it."""

    model_class = "AutoModelForImageTextToText"

    def __init__(self, options: AutoOptions, run: Run) -> None:
        """Remember where the model is; nothing is loaded yet."""
        super().__init__(options, run)
        self._passes = options.passes
        self._said = False
        self._logits: Shape | None = None

    @cached_property
    def _shape(self) -> Any:  # noqa: ANN401
        """The model without its weights."""
        checkpoint.refuse_foreign(self.weights)
        with checkpoint.explained(self.weights):
            config = AutoConfig.from_pretrained(
                self.weights.path, revision=self.weights.revision, trust_remote_code=self.options.trust_remote_code
            )
            with torch.device("meta"):
                return AutoModelForImageTextToText.from_config(config, trust_remote_code=self.options.trust_remote_code)

    def skeleton(self, weights: Weights) -> Module:  # noqa: ARG002 - an adapter on it, or a training, leaves its shape
        """Return the model without its weights."""
        shape: Module = self._shape
        return shape

    @cached_property
    def layout(self) -> Layout:  # type: ignore[override]  # other families know theirs beforehand
        """The parts: the tower and the decoder by their names, and what lies between them is the projector."""
        model = self._shape
        children = [name for name, _ in getattr(model, "model", model).named_children()]
        decoder = next((name for name in _DECODERS if name in children), None)
        tower = next((name for name in _TOWERS if name in children), None)
        if not hasattr(model, "model") or decoder is None or tower is None:
            msg = (
                f"[model] use = 'auto' does not find a vision tower and a language model in {self.weights.path!r} "
                f"({type(model).__name__} has {', '.join(children)}); it needs a family of its own"
            )
            raise StageError(msg)
        vision, language = rf"model\.{tower}\.", rf"(model\.{decoder}\.|lm_head\.)"
        between = rf"(?!{vision}|{language})"
        return Layout(
            vision=self._owned(vision),
            projector=self._owned(between),
            language_model=self._owned(language),
            decoder=decoder,
        )

    def _owned(self, pattern: str) -> Owned:
        head = self._shape.get_output_embeddings()
        linear = {
            re.sub(r"\\\.\d+(?=\\\.)", r"\\.\\d+", re.escape(name))
            for name, module in self._shape.named_modules()
            if isinstance(module, Linear) and module is not head and re.match(pattern, f"{name}.")
        }
        return Owned(pattern, "|".join(sorted(linear)) or "no linear module")

    @cached_property
    def why_separate(self) -> str | None:
        """Why trees are read path by path, ``None`` where they are read as one sequence."""
        if self._passes == "separate":
            return "the recipe asks for it"
        model = self._shape.model
        config = getattr(model, self.layout.decoder).config
        told = self.codec(self.weights).told
        if hasattr(model, "get_rope_index"):
            return "its positions have several axes"
        if told:
            return f"it is told which tokens are an image's ({told[0]}), which may change who sees whom"
        if config.model_type not in _PLAIN:
            return f"its decoder {config.model_type!r} is not known to read a mask as it is given"
        if not hasattr(model, "get_image_features"):
            return "it has no method that encodes images by themselves"
        return None

    def check(self, weights: Weights) -> None:
        """Take a model of any make that transformers reads."""
        checkpoint.refuse_foreign(weights)

    def codec(self, weights: Weights) -> AutoCodec:
        """Load the processor."""
        self.check(weights)
        processor = processors.load(weights, trust_remote_code=self.options.trust_remote_code)
        token = getattr(self._shape.config, "image_token_id", None)
        if token is None or getattr(processor, "image_token", None) is None:
            msg = (
                f"[model] use = 'auto' needs a model whose images are tokens of the text: the configuration or the processor "
                f"of {weights.path!r} names no image token"
            )
            raise StageError(msg)
        return AutoCodec(processor, weights, int(token))

    def load(self, weights: Weights, *, device: str, dtype: str) -> Module:
        """Load the model, say once how it will be read, and refuse it where its head is not all that follows."""
        model: Any = super().load(weights, device=device, dtype=dtype)
        if self.why_separate is not None and not self._said:
            _LOG.warning(
                "[model] %s is read in separate passes, which costs more than a tree: %s",
                weights.path,
                self.why_separate,
            )
            self._said = True
        if not any(hasattr(value, "ds_id") for value in model.parameters()):
            self._logits = _shape_of_logits(inner(model), weights)
        elif len(shapes(inner(model).config)) > 1:  # its weights are on many devices
            msg = (
                f"[model] use = 'auto' cannot find out under ZeRO-3 how {weights.path!r} scales or caps its logits; take "
                f"train.parallel = 'zero2'"
            )
            raise StageError(msg)
        return model  # type: ignore[no-any-return]

    def encode(self, module: Module, images: Pixels) -> Pixels:
        """Return the features of one image by name. Raises where the model reads images only with a text."""
        if self.why_separate is not None:
            msg = f"{self.weights.path!r} does not encode images by themselves: {self.why_separate}"
            raise StageError(msg)
        return super().encode(module, images)

    def hidden_states(self, module: Module, batch: TreeBatch) -> Tensor:
        """Run the model without its head on a tree, or on each of its paths: ``[B, L, hidden]``."""
        if self.why_separate is None:
            return super().hidden_states(module, batch)
        if self.options.attention == "flex":
            msg = f"[model] attention = 'flex' is for trees, and this model is read path by path: {self.why_separate}"
            raise StageError(msg)
        return separate.hidden_states(inner(module).model, batch, self.codec(self.weights).told)

    def head(self, module: Module) -> Module:
        """Return the head with what the model does to its logits."""
        head = super().head(module)
        return head if self._logits in {None, PLAIN} else Shaped(head, *self._logits)

    def inputs(self, images: Mapping[str, Tensor]) -> dict[str, Any]:
        """Return the images of a batch as the model's own methods read them."""
        return {name: rows for name, rows in images.items() if name != separate.COUNTS}


def _shape_of_logits(model: Any, weights: Weights) -> Shape:  # noqa: ANN401
    """Return what the model does to the logits of its head, raise where it is none of what its configuration may mean."""
    tokens = torch.arange(3, 11, device=next(model.parameters()).device)[None]
    with torch.no_grad():
        logits = model(input_ids=tokens, use_cache=False).logits.float()
        hidden = model.model(input_ids=tokens, use_cache=False).last_hidden_state
        own = {shape: Shaped(model.get_output_embeddings(), *shape)(hidden).float() for shape in shapes(model.config)}
    found = min(own, key=lambda shape: float((own[shape] - logits).abs().max()))  # the plain one where it makes none
    if not torch.allclose(logits, own[found], rtol=1e-2, atol=1e-2 * float(logits.std())):
        msg = (
            f"[model] use = 'auto' cannot train {weights.path!r}: it changes its logits after the head; it needs a family of "
            f"its own"
        )
        raise StageError(msg)
    return found

"""What model families have in common: loading, the freeze map, and a tree read by an unchanged decoder."""

import logging
from collections.abc import Mapping, Sequence
from copy import copy
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar, Self, get_args

import torch
import transformers
from attrs import evolve, field, frozen
from torch import Tensor
from torch.nn import Module
from transformers import AutoConfig

from pairsmith.errors import StageError
from pairsmith.interfaces import Part, Run, TreeBatch, Weights
from pairsmith_hf import attention, branches, checkpoint, flex, processors, quantised
from pairsmith_hf.codec import ImageTextCodec
from pairsmith_hf.masks import dense, masks, runs, within_images
from pairsmith_hf.options import ModelOptions

_LOG = logging.getLogger(__name__)

ROWS = "rows"
"""The name, among an image's features, of those that stand in the place of its tokens."""


@frozen
class Features:
    """The features of a batch's images, ``[N, hidden]``, and what else the decoder is given because of them."""

    rows: Tensor
    more: Mapping[str, Any] = field(factory=dict)


@frozen
class Owned:
    """A part of a model: a pattern that the names of its parameters begin with, and one of its linear modules' ends."""

    parameters: str
    linear: str


@frozen(kw_only=True)
class Layout:
    """Where a model has its parts: ``decoder`` is the name of the language model within ``model.model``."""

    vision: Owned
    projector: Owned
    language_model: Owned
    decoder: str = "language_model"

    def part(self, part: Part) -> Owned:
        """Return one of the parts."""
        owned: Owned = getattr(self, part.replace("-", "_"))
        return owned


class Family:
    """Implements :class:`pairsmith.interfaces.ModelFamily`; a model's own family says where it differs.

    ``model_class`` is the name of transformers' class.
    """

    model_class: ClassVar[str]
    layout: Layout
    codec_class: ClassVar[type[ImageTextCodec]] = ImageTextCodec
    both_ways: ClassVar[bool] = False
    """Whether the tokens of an image see each other both ways."""

    def __init__(self, options: ModelOptions, run: Run) -> None:  # noqa: ARG002 - the signature of every factory
        """Remember where the model is; nothing is loaded yet."""
        self.options = options
        self.dtype = options.dtype
        self.weights = Weights(path=str(Path(options.path).expanduser()), revision=options.revision)
        self._told = False

    def fingerprint(self, weights: Weights) -> str:
        """Return a hash that changes when the weights, the processor or the template change."""
        found, given = checkpoint.fingerprint(weights), self.options.quantization
        altered = " ".join(filter(None, (self.reading(), "" if given == "none" else given)))
        return sha256(f"{found} {altered}".encode()).hexdigest() if altered else found

    def reading(self) -> str:
        """Return what the options change about how images are read, empty where they change nothing."""
        return ""

    def codec(self, weights: Weights) -> ImageTextCodec:
        """Load the processor."""
        self.check(weights)
        return self.codec_class(processors.load(weights, trust_remote_code=self.options.trust_remote_code), weights)

    def load(self, weights: Weights, *, device: str, dtype: str) -> Module:
        """Load the model in evaluation mode, its adapter merged. Pickled weights are made safetensors first.

        An adapter on quantised weights stays beside them: merged, it would be rounded away.
        """
        self.check(weights)
        given = self.options.quantization
        with checkpoint.explained(weights), quantised.explained(given, device):
            model: Any = getattr(transformers, self.model_class).from_pretrained(
                checkpoint.located(weights),
                revision=weights.revision,
                dtype=getattr(torch, dtype),
                attn_implementation="eager" if self.options.attention == "eager" else "sdpa",
                use_safetensors=True,
                trust_remote_code=self.options.trust_remote_code,
                **quantised.settings(given, device=device, dtype=dtype),
            )
            if weights.adapter is not None:
                from peft import PeftModel

                model = PeftModel.from_pretrained(model, str(weights.adapter))
                model = model.merge_and_unload() if given == "none" else model
        placed: Module = model.eval() if given != "none" else model.to(device).eval()
        return placed

    def skeleton(self, weights: Weights) -> Module:
        """Return the model without its weights, on no device: what it is made of is known in a second, whatever its size."""
        self.check(weights)
        with checkpoint.explained(weights), torch.device("meta"):
            config = AutoConfig.from_pretrained(
                weights.path, revision=weights.revision, trust_remote_code=self.options.trust_remote_code
            )
            made: Module = getattr(transformers, self.model_class)._from_config(config)  # noqa: SLF001
            return made

    def whole(self) -> Self:
        """Return the family whose weights are not rounded: what an adapter is merged into."""
        other = copy(self)
        other.options = evolve(self.options, quantization="none")
        return other

    def check(self, weights: Weights) -> None:
        """Raise where a model is of another make: transformers would fill what does not fit with random numbers."""
        checkpoint.refuse_foreign(weights)
        expected = getattr(transformers, self.model_class).config_class.model_type
        with checkpoint.explained(weights):
            config = AutoConfig.from_pretrained(
                weights.path, revision=weights.revision, trust_remote_code=self.options.trust_remote_code
            )
        if config.model_type != expected:
            msg = (
                f"[model] path = {weights.path!r} is a {config.model_type!r}, and this family reads {expected!r}; set use = "
                f"{config.model_type.replace('_', '-')!r}, or 'auto' if there is no such family"
            )
            raise StageError(msg)

    def parts(self) -> Mapping[Part, str]:
        """Return the parameters' names of each part."""
        return {part: self.layout.part(part).parameters for part in get_args(Part)}

    def lora_targets(self, scope: Sequence[Part]) -> str:
        """Return the linear modules of these parts; the embeddings and the head stay as they are."""
        return rf".*({'|'.join(self.layout.part(part).linear for part in scope)})"

    def hidden_states(self, module: Module, batch: TreeBatch) -> Tensor:
        """Run the model without its head on a tree: ``[B, L, hidden]``. Each distinct image is encoded once."""
        model = inner(module)
        is_image = batch.features >= 0
        embedded = model.get_input_embeddings()(batch.tokens.masked_fill(is_image, 0))
        more: Mapping[str, Any] = {}
        if batch.images or batch.encoded:
            found = self.placed(batch.encoded or self.tables(model.model, batch.images, batch.features), batch)
            rows = found.rows.to(embedded.dtype)
            embedded = torch.where(is_image[..., None], rows[batch.features.clamp(min=0)], embedded)
            more = found.more
        decoder = getattr(model.model, self.layout.decoder)
        hidden: Tensor = decoder(
            inputs_embeds=embedded,
            attention_mask=self.masks(batch, decoder, embedded.dtype),
            position_ids=batch.positions if len(batch.positions) > 1 else batch.positions[0],
            use_cache=False,
            **more,
        ).last_hidden_state
        return hidden

    def encode(self, module: Module, images: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Return the features of one image by name, ``[N, hidden]`` each."""
        return self.tables(inner(module).model, images, None)

    def tables(self, model: Any, images: Mapping[str, Tensor], shown: Tensor | None) -> Mapping[str, Tensor]:  # noqa: ANN401, ARG002
        """Encode distinct images with the model without its head; ``shown`` are the features that are read, or all."""
        return {ROWS: flattened(model.get_image_features(**self.inputs(images)).pooler_output)}

    def placed(self, tables: Mapping[str, Tensor], batch: TreeBatch) -> Features:  # noqa: ARG002 - see Qwen3-VL
        """Return the features of a batch's images as the decoder reads them."""
        return Features(tables[ROWS])

    def inputs(self, images: Mapping[str, Tensor]) -> dict[str, Any]:
        """Return the images of a batch as the model's own methods read them."""
        return dict(images)

    def masks(self, batch: TreeBatch, decoder: Any, dtype: torch.dtype) -> Any:  # noqa: ANN401
        """Return the mask that a decoder takes, or one for each kind of its layers: blocks, branches, or dense ones."""
        if self._in_blocks(batch, decoder, dtype):
            together = runs(batch.features) if self.both_ways else None
            return masks(decoder.config, lambda window: flex.block_mask(batch.last, together, window))
        longest = int(flex.depths(batch.last).max()) if self._by_branch(batch, decoder) else None

        def make(window: int | None) -> Tensor:
            if longest is not None and (window is None or longest <= window):
                return branches.mask(batch.last)
            return dense(within_images(batch.sees, batch.features) if self.both_ways else batch.sees, window, dtype)

        return masks(decoder.config, make)

    def _by_branch(self, batch: TreeBatch, decoder: Any) -> bool:  # noqa: ANN401
        """Tell whether tokens attend to their paths and to nothing else, on a CPU and by the attention made for that."""
        long = batch.last.device.type == "cpu" and batch.last.shape[-1] >= branches.FROM
        if not long or not branches.THERE or self.both_ways or self.options.attention != "auto":
            return False
        return attention.why_not(decoder) is None and attention.prepare(decoder)

    def _in_blocks(self, batch: TreeBatch, decoder: Any, dtype: torch.dtype) -> bool:  # noqa: ANN401
        """Tell whether this batch is read by FlexAttention. Raises where it is asked for and cannot be."""
        asked = self.options.attention == "flex"
        long = self.options.attention == "auto" and batch.last.is_cuda and batch.last.shape[-1] >= flex.FROM
        if not asked and not long:
            return False
        why = attention.why_not(decoder) or flex.why_not(decoder, batch.last.device, dtype)
        if why is None and not attention.prepare(decoder):
            why = "its attention is not one that transformers can exchange"
        if why is not None and asked:
            msg = f"[model] attention = 'flex' cannot be had for {self.weights.path!r}: {why}; set attention = 'auto'"
            raise StageError(msg)
        if why is not None and not self._told:
            _LOG.warning("[model] %s is read with dense masks, not FlexAttention: %s", self.weights.path, why)
            self._told = True
        return why is None

    def head(self, module: Module) -> Module:
        """Return the language-model head."""
        head: Module = inner(module).get_output_embeddings()
        return head


def flattened(features: Tensor | Sequence[Tensor]) -> Tensor:
    """Return the features of several images as one table ``[N, hidden]``."""
    return torch.cat([one.flatten(0, -2) for one in features])


def inner(module: Any) -> Any:  # noqa: ANN401 - peft's wrapper, or the model itself
    """Return the model inside an adapter's wrapper."""
    return module.get_base_model() if hasattr(module, "get_base_model") else module

"""A model family whose answers are trained on without the token that ends them (DecompGen's LLaVA)."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from torch import Tensor
from torch.nn import Module

from pairsmith.interfaces import Codec, EncodedPrompt, ModelFamily, Part, Run, TreeBatch, Weights
from pairsmith.values import Image, Turn
from pairsmith_compat.options import FamilyOptions


class WithoutEnd:
    """Implements :class:`pairsmith.interfaces.ModelFamily` with another family. Answers lose what follows their text."""

    def __init__(self, options: FamilyOptions, run: Run) -> None:
        """Build the family."""
        self._family: ModelFamily = run.component("model_families", options.family, "model.family")(run)
        self.weights = self._family.weights
        self.dtype = getattr(self._family, "dtype", "float32")

    def fingerprint(self, weights: Weights) -> str:
        """Return another hash than the family's: reference log-probabilities differ."""
        return sha256(f"without end {self._family.fingerprint(weights)}".encode()).hexdigest()

    def codec(self, weights: Weights) -> "EndlessCodec":
        """Load the processor."""
        return EndlessCodec(self._family.codec(weights))

    def load(self, weights: Weights, *, device: str, dtype: str) -> Module:
        """Load the model."""
        return self._family.load(weights, device=device, dtype=dtype)

    def parts(self) -> Mapping[Part, str]:
        """Return the parts."""
        return self._family.parts()

    def lora_targets(self, scope: Sequence[Part]) -> str:
        """Return the modules of an adapter."""
        return self._family.lora_targets(scope)

    def hidden_states(self, module: Module, batch: TreeBatch) -> Tensor:
        """Run the model without its head on a tree."""
        return self._family.hidden_states(module, batch)

    def head(self, module: Module) -> Module:
        """Return the language-model head."""
        return self._family.head(module)


class EndlessCodec:
    """Another codec whose answers are cut before the end token. An answer without words has no token."""

    def __init__(self, codec: Codec) -> None:
        """Take the codec."""
        self._codec = codec

    @property
    def pad_token(self) -> int:
        """The token that pads."""
        return self._codec.pad_token

    @property
    def end(self) -> int:
        """The end-of-sequence token, for generating."""
        return self._codec.end

    def prompt(self, turns: Sequence[Turn], images: Sequence[Image]) -> EncodedPrompt:
        """Encode a conversation."""
        return self._codec.prompt(turns, images)

    def response(self, turns: Sequence[Turn], text: str) -> tuple[int, ...]:
        """Encode an answer without its end."""
        tokens = self._codec.response(turns, text)
        return tokens[: len(tokens) - 1 - tokens[::-1].index(self.end)]

    def pixels(self, image: Image) -> Mapping[str, Tensor]:
        """Return the model inputs of one image."""
        return self._codec.pixels(image)

    def positions(self, prompt: EncodedPrompt, length: int, pixels: Sequence[Mapping[str, Tensor]]) -> Tensor:
        """Return the positions."""
        return self._codec.positions(prompt, length, pixels)

    def requests(self, prompts: Sequence[tuple[Sequence[Turn], Sequence[Image]]]) -> Mapping[str, Tensor]:
        """Return a batch for ``generate``."""
        return self._codec.requests(prompts)

    def text(self, tokens: Sequence[int]) -> str:
        """Decode an answer."""
        return self._codec.text(tokens)

    def save(self, directory: Path) -> None:
        """Write the processor."""
        self._codec.save(directory)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - what else a family's codec has
        """Return what is the other codec's own."""
        if name.startswith("_"):  # asked for by pickle before there is a codec
            raise AttributeError(name)
        return getattr(self._codec, name)

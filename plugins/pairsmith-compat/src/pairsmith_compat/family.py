"""Model families whose answers are trained on with other tokens than they have: fewer, or more."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar

from attrs import evolve
from torch import Tensor
from torch.nn import Module

from pairsmith.errors import StageError
from pairsmith.interfaces import Codec, EncodedPrompt, ModelFamily, Part, Run, TreeBatch, Weights
from pairsmith.values import Image, Turn
from pairsmith_compat.options import FamilyOptions, TemplateOptions


class _Family:
    """Implements :class:`pairsmith.interfaces.ModelFamily` with another family, whose codec it wraps."""

    name: ClassVar[str]

    def __init__(self, options: FamilyOptions, run: Run) -> None:
        """Build the family."""
        self._family: ModelFamily = run.component("model_families", options.family, "model.family")(run)
        self._own = options
        self.weights = self._family.weights
        self.dtype = getattr(self._family, "dtype", "float32")
        self.options = getattr(self._family, "options", None)  # a trainer asks whether the weights are rounded

    def fingerprint(self, weights: Weights) -> str:
        """Return another hash than the family's: reference log-probabilities differ."""
        return sha256(f"{self.name} {self._family.fingerprint(weights)}".encode()).hexdigest()

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


class WithoutEnd(_Family):
    """Answers lose what follows their text (DecompGen's LLaVA)."""

    name = "without end"

    def codec(self, weights: Weights) -> Codec:
        """Load the processor, which ends no answer."""
        return EndlessCodec(self._family.codec(weights))


class WithTemplate(_Family):
    """The tokens of the template around all turns are learnt with the answer (DecompGen's Qwen)."""

    name = "with template"

    def __init__(self, options: TemplateOptions, run: Run) -> None:
        """Build the family."""
        super().__init__(options, run)
        self._marks = options.marks

    def fingerprint(self, weights: Weights) -> str:
        """Return another hash for other marks."""
        return sha256(f"{super().fingerprint(weights)} {self._marks}".encode()).hexdigest()

    def codec(self, weights: Weights) -> Codec:
        """Load the processor, which marks what is learnt of a prompt."""
        return TemplateCodec(self._family.codec(weights), self._marks)


class _Codec:
    """Another codec, as it is."""

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
        """Encode an answer."""
        return self._codec.response(turns, text)

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


class EndlessCodec(_Codec):
    """Another codec whose answers are cut before the end token. An answer without words has no token."""

    def response(self, turns: Sequence[Turn], text: str) -> tuple[int, ...]:
        """Encode an answer without its end."""
        tokens = self._codec.response(turns, text)
        return tokens[: len(tokens) - 1 - tokens[::-1].index(self.end)]


class TemplateCodec(_Codec):
    """Another codec that marks what the template puts around turns as learnt: the marks, and a line break after each."""

    def __init__(self, codec: Codec, marks: Sequence[str]) -> None:
        """Look the marks up."""
        super().__init__(codec)
        vocabulary = self.processor.tokenizer.get_vocab()
        for mark in marks:
            if mark not in vocabulary:
                msg = f"[model] use = 'with-template': the tokenizer has no token {mark!r}; set marks to the template's own"
                raise StageError(msg)
        self._marks = frozenset(vocabulary[mark] for mark in marks)
        self._breaks: dict[int, bool] = {}

    def prompt(self, turns: Sequence[Turn], images: Sequence[Image]) -> EncodedPrompt:
        """Encode a conversation; the first token of all is predicted from nothing, and so never learnt."""
        encoded = self._codec.prompt(turns, images)
        tokens = encoded.tokens
        learnt = (
            place
            for place in range(1, len(tokens))
            if tokens[place] in self._marks or (tokens[place - 1] in self._marks and self._breaks_line(tokens[place]))
        )
        return evolve(encoded, targets=tuple(learnt))

    def _breaks_line(self, token: int) -> bool:
        if token not in self._breaks:
            self._breaks[token] = self.processor.tokenizer.decode([token]) == "\n"
        return self._breaks[token]

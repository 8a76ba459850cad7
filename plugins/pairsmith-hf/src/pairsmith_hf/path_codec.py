"""Between conversations and the tokens of Qwen-VL-Chat, whose prompts hold an image as the bytes of its path.

The format is the published one (arXiv 2308.12966, section 3, and its model card): ChatML, each image as
``Picture 1: <img>path</img>``, the path in 256 tokens. The model opens the file itself and puts features in their place.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from attrs import define, field, frozen

from pairsmith.errors import StageError
from pairsmith.interfaces import EncodedPrompt, Weights
from pairsmith.values import Image, Turn
from pairsmith_hf import remote
from pairsmith_hf.codec import ImageTextCodec, Pixels

SYSTEM = "You are a helpful assistant."
_START, _END = "<|im_start|>", "<|im_end|>"
_TAGS = ("<img>", "</img>", "<imgpad>")
_Placed = tuple[int, int, int]
"""A token, the image it belongs to and its place there; -1 for text."""


@frozen
class Marks:
    """The tokens around an image: ``start``, ``end`` and ``pad`` have numbers that follow each other."""

    start: int
    span: int = 256

    @property
    def all(self) -> tuple[int, int, int]:
        """Return start, end and pad."""
        return self.start, self.start + 1, self.start + 2

    def image(self, path: str) -> list[int]:
        """Return the tokens of an image between its marks. Raises where the path is longer than the model reads."""
        read = path.encode()
        if len(read) > self.span - 2:  # the model looks for the first pad among all but the last
            msg = (
                f"image {path!r}: its path has {len(read)} bytes, and Qwen-VL-Chat reads a path of at most {self.span - 2}; "
                f"put the run into a folder with a shorter name"
            )
            raise StageError(msg)
        return [*read, *([self.all[2]] * (self.span - len(read)))]


@frozen
class Tokenizer:
    """Stands where other families have a processor: this model has none."""

    tokenizer: Any
    chat_template: None = None


@define
class PathCodec(ImageTextCodec):
    """Implements :class:`pairsmith.interfaces.Codec`. Each piece is tokenised apart, as the published code does."""

    marks: Marks

    templated: ClassVar[bool] = False
    _known: dict[str, int] = field(factory=dict, init=False, repr=False)

    @property
    def pad_token(self) -> int:
        """The token that pads."""
        return self.end

    @property
    def end(self) -> int:
        """The token that ends a turn."""
        return self._one(_END)

    @property
    def mark(self) -> str:
        """The text that stands before an image."""
        return _TAGS[0]

    @property
    def generation(self) -> Mapping[str, Any]:
        """What ``generate`` must be told: the model sees no image where keys are kept, and must not name one itself."""
        return {"use_cache": False, "suppress_tokens": list(self.marks.all)}

    def prompt(self, turns: Sequence[Turn], images: Sequence[Image]) -> EncodedPrompt:
        """Encode a conversation up to where the answer begins; the images come before the first user turn's text."""
        told = [Turn(role="system", text=SYSTEM), *turns] if not turns or turns[0].role != "system" else turns
        first = next((n for n, turn in enumerate(told) if turn.role == "user"), None)
        if images and first is None:
            msg = f"the prompt has {len(images)} images and no turn of the user's, where they belong"
            raise StageError(msg)
        placed: list[_Placed] = []
        for n, turn in enumerate(told):
            shown = self._pictures(images) if n == first else []
            placed += [*_text(self._opening(turn.role)), *shown, *_text([*self._words(turn.text), *self._closing])]
        placed += _text(self._opening("assistant"))
        tokens, owners, slots = zip(*placed, strict=True)
        return EncodedPrompt(tokens=tokens, image_of=owners, slots=slots)

    def response(self, turns: Sequence[Turn], text: str) -> tuple[int, ...]:  # noqa: ARG002 - its tokens depend on none
        """Encode an answer with the token that ends a turn and the line's end after it."""
        return (*self._words(text), *self._closing)

    def pixels(self, image: Image) -> Pixels:
        """Return nothing: the model opens the file. Raises where it cannot be opened."""
        self.size(image)
        return {}

    def save(self, directory: Path) -> None:
        """Write the tokenizer, with its code, next to a model's weights."""
        self.processor.tokenizer.save_pretrained(directory)

    def __reduce__(self) -> tuple[Any, ...]:
        """Send only where the model is: another process knows the tokenizer's class once it has loaded it."""
        return made, (self.weights, self.marks)

    @property
    def _closing(self) -> list[int]:
        return [self.end, *self._tokenise("\n")]

    def _opening(self, role: str) -> list[int]:
        return [self._one(_START), *self._tokenise(role), *self._tokenise("\n")]

    def _pictures(self, images: Sequence[Image]) -> list[_Placed]:
        """Return the line of each image."""
        placed: list[_Placed] = []
        for number, image in enumerate(images):
            inside = self.marks.image(str(image.path))
            placed += _text([*self._tokenise(f"Picture {number + 1}: "), self.marks.start])
            placed += [(token, number, slot) for slot, token in enumerate(inside)]
            placed += _text([self.marks.start + 1, *self._tokenise("\n")])
        return placed

    def _words(self, text: str) -> list[int]:
        """Return the tokens of a text. Raises where it names an image: the model would open whatever file it says."""
        if not any(tag in text for tag in _TAGS):
            tokens = self._tokenise(text)
            if not set(tokens) & set(self.marks.all):
                return tokens
        msg = f"the text {text[:80]!r} holds one of {', '.join(_TAGS)}, by which Qwen-VL-Chat opens files; take it out"
        raise StageError(msg)

    def _one(self, token: str) -> int:
        if token not in self._known:
            found = self._tokenise(token)
            if len(found) != 1:
                msg = f"the tokenizer of {self.weights.path!r} does not know {token!r} as one token; it is not Qwen-VL-Chat's"
                raise StageError(msg)
            self._known[token] = found[0]
        return self._known[token]


def made(weights: Weights, marks: Marks) -> PathCodec:
    """Return the codec, its tokenizer loaded by the code that comes with it."""
    return PathCodec(Tokenizer(remote.tokenizer(weights)), weights, marks)


def _text(tokens: Sequence[int]) -> list[_Placed]:
    return [(token, -1, -1) for token in tokens]

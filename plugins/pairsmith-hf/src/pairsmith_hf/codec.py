"""Between conversations and the tokens of a model with a transformers processor."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import torch
from attrs import define, field, frozen
from PIL import Image as Pillow
from torch import Tensor

from pairsmith.errors import StageError
from pairsmith.interfaces import EncodedPrompt, Weights
from pairsmith.values import Image, Turn
from pairsmith_hf import processors

Pixels = Mapping[str, Tensor]


@frozen
class Expansion:
    """What stands in a prompt for one image: a text with an image token for each of these features, by their ``slots``."""

    text: str
    slots: Sequence[int]


@define
class ImageTextCodec:
    """Implements :class:`pairsmith.interfaces.Codec` for any processor that writes an image as a run of text.

    A prompt is rendered by the model's own chat template, with one mark for each image; the mark is replaced by what the
    processor puts there for an image of that size. Prompt and answer are tokenised apart, as stock TRL does, so that the
    answer's tokens never depend on where a prompt ends.
    """

    processor: Any
    weights: Weights

    inputs: ClassVar[tuple[str, ...]] = ("pixel_values",)
    """What the model reads of an image."""
    placing: ClassVar[tuple[str, ...]] = ()
    """Those of its inputs that ``positions`` reads."""
    templated: ClassVar[bool] = True
    """Whether a chat template writes the prompts."""

    _expansions: dict[tuple[int, int], Expansion] = field(factory=dict, init=False, repr=False)
    _end: int | None = field(default=None, init=False, repr=False)

    @property
    def pad_token(self) -> int:
        """The token that pads; what it is never matters, for nothing attends to it."""
        pad = self.processor.tokenizer.pad_token_id
        return int(self.end if pad is None else pad)

    @property
    def end(self) -> int:
        """The token that ends an answer: the first special one that the template puts after it.

        Some models end a turn with another token than the tokenizer's end-of-sequence token, which ends a text.
        """
        if self._end is None:
            tokenizer = self.processor.tokenizer
            eos = int(tokenizer.eos_token_id)
            special = {number for number, token in tokenizer.added_tokens_decoder.items() if token.special}
            after = self._tokenise(self._answered((Turn(role="user", text="?"),), "x"))
            self._end = eos if eos in after else next((token for token in after if token in special), eos)
        return self._end

    @property
    def mark(self) -> str:
        """The text that the template puts where an image belongs."""
        return str(self.processor.image_token)

    @property
    def image_token(self) -> int:
        """The token that stands for one feature of an image."""
        return int(self.processor.image_token_id)

    def prompt(self, turns: Sequence[Turn], images: Sequence[Image]) -> EncodedPrompt:
        """Encode a conversation up to where the answer begins."""
        text = self._render(_messages(turns, len(images)), answer_follows=True)
        pieces = text.split(self.mark)
        if len(pieces) - 1 != len(images):
            msg = (
                f"the prompt {text[:80]!r} has {len(pieces) - 1} image marks {self.mark!r} for {len(images)} images; "
                f"take the mark out of the text, images are placed by the template"
            )
            raise StageError(msg)
        expansions = self.expansions(images)
        following = zip(expansions, pieces[1:], strict=True)
        expanded = pieces[0] + "".join(expansion.text + piece for expansion, piece in following)
        tokens = self._tokenise(expanded, first=True)
        owners = [(number, slot) for number, expansion in enumerate(expansions) for slot in expansion.slots]
        if tokens.count(self.image_token) != len(owners):
            msg = f"the tokenizer does not know the image mark {self.mark!r} as one token; its processor is broken"
            raise StageError(msg)
        owner = iter(owners)
        placed = [next(owner) if token == self.image_token else (-1, -1) for token in tokens]
        return EncodedPrompt(
            tokens=tuple(tokens),
            image_of=tuple(image for image, _ in placed),
            slots=tuple(slot for _, slot in placed),
        )

    def expansions(self, images: Sequence[Image]) -> list[Expansion]:
        """Return what stands in a prompt for each of its images."""
        return [self.expansion(self.size(image)) for image in images]

    def expansion(self, size: tuple[int, int]) -> Expansion:
        """Return what the processor writes for an image of this width and height; it is asked once for each size."""
        if size not in self._expansions:
            tokens = self.read([Pillow.new("RGB", size)])["input_ids"][0].tolist()
            alone = set(tokens) == {self.image_token}
            decode = self.processor.tokenizer.decode
            text = self.mark * len(tokens) if alone else decode(tokens, clean_up_tokenization_spaces=False)
            if self._tokenise(text) != tokens:
                msg = (
                    f"the tokenizer of {self.weights.path!r} does not read back what its processor writes for an image"
                )
                raise StageError(msg)
            self._expansions[size] = Expansion(text, range(tokens.count(self.image_token)))
        return self._expansions[size]

    def response(self, turns: Sequence[Turn], text: str) -> tuple[int, ...]:
        """Encode an answer with everything the template puts after it, the end-of-sequence token included."""
        tokens = self._tokenise(self._answered(turns, text))
        return tuple(tokens) if self.end in tokens else (*tokens, self.end)

    def pixels(self, image: Image) -> Pixels:
        """Return the model inputs of one image, normalised as the model wants them; see ``inputs``."""
        read = self.read([self.opened(image)])
        return {name: self.flat(name, read[name]) for name in self.inputs if name in read}

    def flat(self, name: str, values: Tensor) -> Tensor:  # noqa: ARG002 - see the families with tiles
        """Return an input of one image without the dimensions that would differ from image to image."""
        return values

    def positions(
        self,
        prompt: EncodedPrompt,
        length: int,
        pixels: Sequence[Pixels],  # noqa: ARG002 - some families' positions depend on image shapes
    ) -> Tensor:
        """Return 0, 1, 2, ... as ``[1, len(prompt) + length]``."""
        return torch.arange(len(prompt.tokens) + length)[None]

    def requests(self, prompts: Sequence[tuple[Sequence[Turn], Sequence[Image]]]) -> Mapping[str, Tensor]:
        """Return a batch for ``generate`` whose prompts end at the right edge."""
        encoded = [self.prompt(turns, images) for turns, images in prompts]
        longest = max(len(one.tokens) for one in encoded)
        gaps = [longest - len(one.tokens) for one in encoded]
        rows = list(zip(gaps, encoded, strict=True))
        batch = {
            "input_ids": torch.tensor([[self.pad_token] * gap + list(one.tokens) for gap, one in rows]),
            "attention_mask": torch.tensor([[0] * gap + [1] * len(one.tokens) for gap, one in rows]),
        }
        kinds = torch.tensor([[0] * gap + [int(image >= 0) for image in one.image_of] for gap, one in rows])
        return {**batch, **self.kinds(kinds), **self.together(self._shown([images for _, images in prompts]))}

    def kinds(self, kinds: Tensor) -> Pixels:  # noqa: ARG002 - see Qwen-VL and Gemma
        """Return what the model wants to be told of which tokens ``[B, L]`` are an image's (1)."""
        return {}

    def together(self, prompts: Sequence[Sequence[Pixels]]) -> Pixels:
        """Return the inputs of the images of several prompts as ``generate`` reads them."""
        shown = [one for images in prompts for one in images]
        return {name: torch.cat([one[name] for one in shown]) for name in shown[0]} if shown else {}

    @property
    def generation(self) -> Mapping[str, Any]:
        """What ``generate`` must be told for this model, whoever asks."""
        return {}

    def text(self, tokens: Sequence[int]) -> str:
        """Decode an answer up to its end."""
        kept = list(tokens)
        if self.end in kept:
            kept = kept[: kept.index(self.end)]
        decode = self.processor.tokenizer.decode
        return str(decode(kept, skip_special_tokens=True, clean_up_tokenization_spaces=False)).strip()

    def save(self, directory: Path) -> None:
        """Write the processor next to a model's weights."""
        processors.save(self.processor, self.weights, directory)

    def read(self, pictures: Sequence[Pillow.Image]) -> Any:  # noqa: ANN401 - a mapping with tensors
        """Return what the processor makes of the pictures of one prompt, and of their marks as its text."""
        marks = self.mark * len(pictures)
        return self.processor(text=[marks], images=[list(pictures)], return_tensors="pt", add_special_tokens=False)

    def opened(self, image: Image) -> Pillow.Image:
        """Return the picture."""
        try:
            with Pillow.open(image.path) as file:
                return file.convert("RGB")
        except (OSError, Pillow.DecompressionBombError) as error:
            raise StageError(_unreadable(image, error)) from error

    def size(self, image: Image) -> tuple[int, int]:
        """Return width and height, from the file's first bytes."""
        try:
            with Pillow.open(image.path) as file:
                return file.size
        except (OSError, Pillow.DecompressionBombError) as error:
            raise StageError(_unreadable(image, error)) from error

    def _shown(self, prompts: Sequence[Sequence[Image]]) -> list[list[Pixels]]:
        """Return the inputs of the images of each prompt; an image that several show is read once."""
        read = {image: self.pixels(image) for image in {image: None for images in prompts for image in images}}
        return [[read[image] for image in images] for images in prompts]

    def _answered(self, turns: Sequence[Turn], text: str) -> str:
        """Return what an answer adds to its prompt."""
        messages = _messages(turns, 0)
        before = self._render(messages, answer_follows=True)
        answer = {"role": "assistant", "content": [{"type": "text", "text": text}]}
        whole = self._render([*messages, answer], answer_follows=False)
        return whole[len(before) :] if whole.startswith(before) else text

    def _render(self, messages: list[dict[str, Any]], *, answer_follows: bool) -> str:
        rendered = self.processor.tokenizer.apply_chat_template(
            messages,
            chat_template=processors.template(self.processor),
            add_generation_prompt=answer_follows,
            tokenize=False,
        )
        return str(rendered)

    def _tokenise(self, text: str, *, first: bool = False) -> list[int]:
        """Return the tokens of a text; of the ``first`` with the tokenizer's own start, unless the template wrote it."""
        tokenizer = self.processor.tokenizer
        starts = first and not (tokenizer.bos_token and text.startswith(tokenizer.bos_token))
        return list(tokenizer(text, add_special_tokens=starts).input_ids)


def _unreadable(image: Image, error: Exception) -> str:
    return f"image {str(image.path)!r} cannot be read: {error}; it was changed after it was checked"


def _messages(turns: Sequence[Turn], images: int) -> list[dict[str, Any]]:
    """Return turns as a chat template reads them; the images come before the first user turn's text."""
    first = next((n for n, turn in enumerate(turns) if turn.role == "user"), None)
    return [
        {
            "role": turn.role,
            "content": [*([{"type": "image"}] * images if n == first else []), {"type": "text", "text": turn.text}],
        }
        for n, turn in enumerate(turns)
    ]

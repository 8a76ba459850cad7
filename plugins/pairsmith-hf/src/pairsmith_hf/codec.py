"""Between conversations and the tokens of a model with a transformers processor and a fixed number of image tokens."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from attrs import define
from PIL import Image as Pillow
from torch import Tensor

from pairsmith.errors import StageError
from pairsmith.interfaces import EncodedPrompt
from pairsmith.values import Image, Turn


@define
class LlavaCodec:
    """Implements :class:`pairsmith.interfaces.Codec` for LLaVA.

    Prompt and answer are rendered by the model's own chat template and tokenised apart, as stock TRL does, so that the
    answer's tokens never depend on where a prompt ends.
    """

    processor: Any

    @property
    def pad_token(self) -> int:
        """The token that pads; what it is never matters, for nothing attends to it."""
        pad = self.processor.tokenizer.pad_token_id
        return int(self.end if pad is None else pad)

    @property
    def end(self) -> int:
        """The end-of-sequence token."""
        return int(self.processor.tokenizer.eos_token_id)

    @property
    def image_token(self) -> str:
        """The text that stands for one token of an image."""
        return str(self.processor.image_token)

    def prompt(self, turns: Sequence[Turn], images: Sequence[Image]) -> EncodedPrompt:
        """Encode a conversation up to where the answer begins."""
        text = self._render(_messages(turns, len(images)), answer_follows=True)
        marks = text.count(self.image_token)
        if marks != len(images):
            msg = (
                f"the prompt {text[:80]!r} has {marks} image marks {self.image_token!r} for {len(images)} images; "
                f"take the mark out of the text, images are placed by the template"
            )
            raise StageError(msg)
        sizes = [self._tokens_of(image) for image in images]
        pieces = text.split(self.image_token)
        expanded = pieces[0] + "".join(
            self.image_token * size + piece for size, piece in zip(sizes, pieces[1:], strict=True)
        )
        tokens = self._tokenise(expanded)
        mark = self.processor.tokenizer.convert_tokens_to_ids(self.image_token)
        owners = [(image, slot) for image, size in enumerate(sizes) for slot in range(size)]
        if sum(token == mark for token in tokens) != len(owners):
            msg = (
                f"the tokenizer does not know the image mark {self.image_token!r} as one token; its processor is broken"
            )
            raise StageError(msg)
        following = iter(owners)
        placed = [next(following) if token == mark else (-1, -1) for token in tokens]
        return EncodedPrompt(
            tokens=tuple(tokens),
            image_of=tuple(image for image, _ in placed),
            slots=tuple(slot for _, slot in placed),
        )

    def response(self, turns: Sequence[Turn], text: str) -> tuple[int, ...]:
        """Encode an answer with everything the template puts after it, the end-of-sequence token included."""
        messages = _messages(turns, 0)
        before = self._render(messages, answer_follows=True)
        answer = {"role": "assistant", "content": [{"type": "text", "text": text}]}
        whole = self._render([*messages, answer], answer_follows=False)
        rest = whole[len(before) :] if whole.startswith(before) else text
        tokens = self._tokenise(rest)
        return tuple(tokens) if self.end in tokens else (*tokens, self.end)

    def pixels(self, image: Image) -> Mapping[str, Tensor]:
        """Return the pixels of one image, ``[1, 3, height, width]``, normalised as the model wants them."""
        try:
            with Pillow.open(image.path) as opened:
                picture = opened.convert("RGB")
        except (OSError, Pillow.DecompressionBombError) as error:
            msg = f"image {str(image.path)!r} cannot be read: {error}; it was changed after it was checked"
            raise StageError(msg) from error
        return {"pixel_values": self.processor.image_processor(picture, return_tensors="pt")["pixel_values"]}

    def positions(
        self,
        prompt: EncodedPrompt,
        length: int,
        pixels: Sequence[Mapping[str, Tensor]],  # noqa: ARG002 - some families' positions depend on image shapes
    ) -> Tensor:
        """Return 0, 1, 2, ... as ``[1, len(prompt) + length]``."""
        return torch.arange(len(prompt.tokens) + length)[None]

    def requests(self, prompts: Sequence[tuple[Sequence[Turn], Sequence[Image]]]) -> Mapping[str, Tensor]:
        """Return a batch for ``generate`` whose prompts end at the right edge."""
        encoded = [self.prompt(turns, images).tokens for turns, images in prompts]
        longest = max(map(len, encoded))
        padded = [[self.pad_token] * (longest - len(tokens)) + list(tokens) for tokens in encoded]
        mask = [[0] * (longest - len(tokens)) + [1] * len(tokens) for tokens in encoded]
        batch = {"input_ids": torch.tensor(padded), "attention_mask": torch.tensor(mask)}
        pixels = [self.pixels(image)["pixel_values"] for _, images in prompts for image in images]
        return {**batch, "pixel_values": torch.cat(pixels)} if pixels else batch

    def text(self, tokens: Sequence[int]) -> str:
        """Decode an answer up to its end."""
        kept = list(tokens)
        if self.end in kept:
            kept = kept[: kept.index(self.end)]
        decode = self.processor.tokenizer.decode
        return str(decode(kept, skip_special_tokens=True, clean_up_tokenization_spaces=False)).strip()

    def save(self, directory: Path) -> None:
        """Write the processor next to a model's weights."""
        self.processor.save_pretrained(directory)

    def _tokens_of(self, _: Image) -> int:
        """Return how many tokens an image takes: LLaVA crops every image to one size."""
        crop = self.processor.image_processor.crop_size
        patches = (crop["height"] // self.processor.patch_size) * (crop["width"] // self.processor.patch_size)
        dropped = 1 if self.processor.vision_feature_select_strategy == "default" else 0
        return int(patches + self.processor.num_additional_image_tokens - dropped)

    def _render(self, messages: list[dict[str, Any]], *, answer_follows: bool) -> str:
        template = self.processor.apply_chat_template
        return str(template(messages, add_generation_prompt=answer_follows, tokenize=False))

    def _tokenise(self, text: str) -> list[int]:
        return list(self.processor.tokenizer(text, add_special_tokens=False).input_ids)


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

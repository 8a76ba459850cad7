"""The kinds of model that can be asked: ViLT, BLIP, BLIP-2, and whatever has a chat template.

Each answers a batch of questions about images. A question's answer is the same alone and in a batch, which takes some care:
see each class.
"""

from collections.abc import Sequence
from typing import Any, ClassVar, Protocol

import torch
from attrs import asdict, define, field, frozen
from PIL.Image import Image as Picture
from torch import Tensor
from transformers import (
    AutoModelForImageTextToText,
    BlipForQuestionAnswering,
    GenerationConfig,
    ViltForQuestionAnswering,
)

from pairsmith.errors import StageError
from pairsmith_vqa.answers import Answer, first_tokens, pack, probability
from pairsmith_vqa.loading import Checkpoint
from pairsmith_vqa.options import VqaOptions

Asked = Sequence[tuple[Picture, str]]


class Answerer(Protocol):
    """Answers questions about pictures.

    ``prompt`` is what stands around a question of this kind of model. ``one_size`` says that pictures of one batch must be of
    one size, for the model sees what they are padded with.
    """

    prompt: ClassVar[str]
    one_size: ClassVar[bool]

    def answer(self, asked: Asked) -> list[Answer]:
        """Return the answers, in order."""


@define
class Vilt:
    """A classifier over the answers of VQA v2: what it says is its best label."""

    checkpoint: Checkpoint
    prompt: ClassVar[str] = "{}"
    one_size: ClassVar[bool] = True

    def answer(self, asked: Asked) -> list[Answer]:
        """Return the best label of each, and yes against no."""
        reader = self.checkpoint.reader()
        pictures, texts = [picture for picture, _ in asked], [text for _, text in asked]
        longest = self.checkpoint.config.max_position_embeddings
        batch = reader(
            images=pictures, text=texts, return_tensors="pt", padding=True, truncation=True, max_length=longest
        )
        model = self.checkpoint.model(ViltForQuestionAnswering.from_pretrained)
        logits = model(**self.checkpoint.on_device(batch)).logits
        labels = {int(number): str(label) for number, label in self.checkpoint.config.id2label.items()}
        yes, no = ([n for n, label in labels.items() if label == word] for word in ("yes", "no"))
        return pack([labels[best] for best in logits.argmax(-1).tolist()], probability(logits, yes, no))


@frozen
class Speech:
    """How an answer is found: greedily, by so many beams, or by drawing."""

    max_new_tokens: int
    beams: int = 1
    length_penalty: float = 1.0
    temperature: float = 0.0
    top_k: int = 0

    @classmethod
    def of(cls, options: VqaOptions) -> "Speech":
        """Return what the options say."""
        return cls(options.max_new_tokens, options.beams, options.length_penalty, options.temperature, options.top_k)

    @property
    def drawn(self) -> bool:
        """Whether chance has a part in it."""
        return self.temperature > 0

    def identity(self) -> dict[str, Any]:
        """Return what the answers depend on, but for a seed."""
        return asdict(self, filter=lambda attribute, value: value != attribute.default)

    def settings(self) -> dict[str, Any]:
        """Return options of ``generate`` that leave nothing to a model's own configuration."""
        drawn = {"temperature": self.temperature, "top_k": self.top_k, "top_p": 1.0} if self.drawn else {}
        searched = {} if self.beams == 1 else {"length_penalty": self.length_penalty}
        return {
            "max_new_tokens": self.max_new_tokens,
            "do_sample": self.drawn,
            "num_beams": self.beams,
            "output_logits": True,
            "return_dict_in_generate": True,
            **drawn,
            **searched,
        }


@define
class Generative:
    """What the models that speak have in common."""

    checkpoint: Checkpoint
    speech: Speech
    one_size: ClassVar[bool] = False
    _words: list[tuple[list[int], list[int]]] = field(init=False, factory=list)

    def _tokenizer(self) -> Any:  # noqa: ANN401
        return self.checkpoint.reader().tokenizer

    def _read(self, output: Any, before: int) -> list[Answer]:  # noqa: ANN401 - generate's output
        """Return what was generated after a prompt of ``before`` tokens, and yes against no in the first token of it."""
        if not self._words:
            self._words.append(first_tokens(self._tokenizer()))
        texts = self._tokenizer().batch_decode(output.sequences[:, before:], skip_special_tokens=True)
        first = output.logits[0][:: self.speech.beams]  # all beams begin at the same place
        return pack(texts, probability(first, *self._words[0]))


@define
class Blip(Generative):
    """BLIP for questions.

    The library's decoder looks at the padding of a question, whatever the mask says, so that an answer would depend on the
    longest question of its batch. Here questions of one length go together, and a picture is encoded once for all of its own.
    """

    prompt: ClassVar[str] = "{}"

    def answer(self, asked: Asked) -> list[Answer]:
        """Return the answers."""
        model = self.checkpoint.model(BlipForQuestionAnswering.from_pretrained)
        distinct = list({id(picture): picture for picture, _ in asked}.values())
        place = {id(picture): number for number, picture in enumerate(distinct)}
        pixels = self.checkpoint.on_device(self.checkpoint.reader().image_processor(distinct, return_tensors="pt"))
        seen: Tensor = model.vision_model(pixel_values=pixels["pixel_values"])[0]
        longest = self.checkpoint.config.text_config.max_position_embeddings
        tokens = self._tokenizer()([text for _, text in asked], truncation=True, max_length=longest).input_ids
        by_length: dict[int, list[int]] = {}
        for row, one in enumerate(tokens):
            by_length.setdefault(len(one), []).append(row)
        answers: dict[int, Answer] = {}
        for rows in by_length.values():
            images = seen[[place[id(asked[row][0])] for row in rows]]
            questions = torch.tensor([tokens[row] for row in rows], device=images.device)
            answers |= zip(rows, self._read(self._spoken(model, images, questions), 1), strict=True)
        return [answers[row] for row in range(len(asked))]

    def _spoken(self, model: Any, images: Tensor, questions: Tensor) -> Any:  # noqa: ANN401
        """Return what is generated for questions ``[B, T]`` about encoded images ``[B, patches, hidden]``."""
        everything = torch.ones(images.shape[:-1], dtype=torch.long, device=images.device)
        read = model.text_encoder(
            input_ids=questions, encoder_hidden_states=images, encoder_attention_mask=everything, return_dict=False
        )[0]
        text = self.checkpoint.config.text_config
        start = torch.full((len(questions), 1), model.decoder_start_token_id, device=images.device)
        end = {"eos_token_id": text.sep_token_id, "pad_token_id": text.pad_token_id}
        return model.text_decoder.generate(input_ids=start, encoder_hidden_states=read, **self.speech.settings(), **end)


@define
class Blip2(Generative):
    """BLIP-2 with an encoder-decoder (Flan-T5), padded on the right, or a decoder (OPT), padded on the left."""

    prompt: ClassVar[str] = "Question: {} Short answer:"

    def answer(self, asked: Asked) -> list[Answer]:
        """Return the answers."""
        model = self.checkpoint.model(AutoModelForImageTextToText.from_pretrained)
        both = bool(model.language_model.config.is_encoder_decoder)
        reader = self.checkpoint.reader()
        reader.tokenizer.padding_side = "right" if both else "left"
        pictures, texts = [picture for picture, _ in asked], [text for _, text in asked]
        batch = self.checkpoint.on_device(reader(images=pictures, text=texts, return_tensors="pt", padding=True))
        output = model.generate(**batch, **self.speech.settings())
        return self._read(output, 1 if both else batch["input_ids"].shape[1])


@define
class Chat(Generative):
    """Any model of ``AutoModelForImageTextToText`` whose processor has a chat template."""

    prompt: ClassVar[str] = "{} Answer with yes or no."

    def answer(self, asked: Asked) -> list[Answer]:
        """Return the answers."""
        model = self.checkpoint.model(AutoModelForImageTextToText.from_pretrained)
        reader = self.checkpoint.reader()
        reader.tokenizer.padding_side = "left"
        texts = [reader.apply_chat_template(_conversation(text), add_generation_prompt=True) for _, text in asked]
        pictures = [[picture] for picture, _ in asked]
        batch = reader(images=pictures, text=texts, return_tensors="pt", padding=True, add_special_tokens=False)
        pad = reader.tokenizer.pad_token_id
        own = model.generation_config.eos_token_id
        end = reader.tokenizer.eos_token_id if own is None else own
        model.generation_config = GenerationConfig(pad_token_id=pad, eos_token_id=end)
        output = model.generate(**self.checkpoint.on_device(batch), **self.speech.settings())
        return self._read(output, batch["input_ids"].shape[1])


def _conversation(text: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": text}]}]


def answerer(checkpoint: Checkpoint, speech: Speech) -> Answerer:
    """Return what can ask this kind of model. Raises where it has no way of speaking to choose."""
    if checkpoint.config.model_type == "vilt" and (speech.beams > 1 or speech.drawn):
        msg = (
            f"[[judges]] use = 'vqa': model = {checkpoint.path!r} chooses among fixed answers; leave out beams and "
            f"temperature"
        )
        raise StageError(msg)
    match checkpoint.config.model_type:
        case "vilt":
            return Vilt(checkpoint)
        case "blip":
            return Blip(checkpoint, speech)
        case "blip-2":
            return Blip2(checkpoint, speech)
    return Chat(checkpoint, speech)

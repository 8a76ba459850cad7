"""A question to an endpoint: what makes two the same, and the body it is sent as."""

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from attrs import evolve, field, frozen

from pairsmith.values import Image, Sample, Turn, turns
from pairsmith_llm.images import data_url, identity
from pairsmith_llm.options import EndpointOptions

_IMAGE_TOKENS = 800
_CHARACTERS_A_TOKEN = 4


@frozen(kw_only=True)
class Message:
    """One message, with the images that go before its text."""

    role: str
    text: str
    images: tuple[Image, ...] = ()


@frozen(kw_only=True)
class Request:
    """One question. ``draw`` tells apart what is asked several times on purpose; ``schema`` is of the JSON wanted."""

    model: str
    messages: tuple[Message, ...]
    fields: Mapping[str, Any]
    number: int = 1
    draw: int = 0
    schema: Mapping[str, Any] | None = None
    max_side: int = field(default=1024)

    def key(self) -> str:
        """Return what the question is known by: a hash of all that it consists of."""
        parts = {
            "model": self.model,
            "messages": [(one.role, one.text, [identity(image) for image in one.images]) for one in self.messages],
            "fields": dict(self.fields),
            "number": self.number,
            "draw": self.draw,
            "schema": self.schema,
            "max_side": self.max_side if any(one.images for one in self.messages) else None,
        }
        return sha256(json.dumps(parts, sort_keys=True, ensure_ascii=True).encode()).hexdigest()

    def question(self) -> str:
        """Return a hash of what is asked, whatever the draw: of the messages and their images."""
        parts = [(one.role, one.text, [identity(image) for image in one.images]) for one in self.messages]
        return sha256(json.dumps(parts).encode()).hexdigest()

    def body(self, form: str) -> dict[str, Any]:
        """Return the body of the request; ``form`` says how JSON is asked for."""
        body = {"model": self.model, "messages": [self._message(one) for one in self.messages], **self.fields}
        if self.number > 1:
            body["n"] = self.number
        if self.schema is not None and form == "json-schema":
            described = {"name": "reply", "strict": True, "schema": self.schema}
            body["response_format"] = {"type": "json_schema", "json_schema": described}
        elif self.schema is not None and form == "json-object":
            body["response_format"] = {"type": "json_object"}
        return body

    def _message(self, message: Message) -> dict[str, Any]:
        if not message.images:
            return {"role": message.role, "content": message.text}
        urls = [data_url(image.path, self.max_side) for image in message.images]
        content: list[dict[str, Any]] = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
        return {"role": message.role, "content": [*content, {"type": "text", "text": message.text}]}

    def estimate(self) -> int:
        """Return about how many tokens it will take, the reply included."""
        characters = sum(len(one.text) for one in self.messages)
        images = sum(len(one.images) for one in self.messages)
        longest = int(self.fields.get("max_tokens") or 0) * self.number
        return characters // _CHARACTERS_A_TOKEN + images * _IMAGE_TOKENS + longest

    def with_messages(self, *messages: Message) -> "Request":
        """Return this question with more of a conversation."""
        return evolve(self, messages=(*self.messages, *messages))


def fields_of(options: EndpointOptions, seed: int | None, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Return the fields of a request besides the messages, as the options say."""
    fields = {"temperature": options.temperature, "max_tokens": options.max_tokens, **more}
    if options.seed and seed is not None:
        fields["seed"] = seed
    return {name: value for name, value in {**fields, **options.extra}.items() if name not in options.without}


def conversation(sample: Sample, system: str = "", prompt: Sequence[Turn] = ()) -> tuple[Message, ...]:
    """Return a sample's turns as messages; its images go with the first of the user's."""
    messages: list[Message] = []
    images = sample.images
    for turn in prompt or turns(sample):
        mine = images if turn.role == "user" else ()
        images = () if mine else images
        messages.append(Message(role=turn.role, text=turn.text, images=mine))
    if system and messages and messages[0].role == "system":  # many templates take one system message and no more
        messages[0] = evolve(messages[0], text=f"{system}\n{messages[0].text}")
    elif system:
        messages.insert(0, Message(role="system", text=system))
    return tuple(messages)

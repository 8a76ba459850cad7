"""Reads what comes back: the envelope of an endpoint's reply."""

import json
from typing import Any

from pairsmith_llm.failures import BadReplyError, short
from pairsmith_llm.journal import Answer


def answer_of(data: bytes, number: int) -> Answer:
    """Return what an endpoint's reply says, ``number`` texts of it.

    Raises :class:`BadReplyError` for anything that is not a whole reply.
    """
    try:
        reply = json.loads(data)
    except ValueError as error:
        msg = f"sent a reply that is no JSON ({short(str(error))}): {short(data[:80].decode(errors='replace'))!r}"
        raise BadReplyError(msg) from None
    if not isinstance(reply, dict):
        msg = f"sent no object but {short(repr(reply))}"
        raise BadReplyError(msg)
    if reply.get("error"):
        msg = f"sent an error: {short(json.dumps(reply['error'], default=str))}"
        raise BadReplyError(msg)
    choices = reply.get("choices")
    if not isinstance(choices, list) or len(choices) < number:
        there = len(choices) if isinstance(choices, list) else "no"
        msg = f"sent {there} answers where {number} were asked for"
        raise BadReplyError(msg)
    usage = reply.get("usage")
    return Answer(
        texts=tuple(_text(choice) for choice in choices[:number]),
        model=_clean(reply["model"]) if isinstance(reply.get("model"), str) else "",
        tokens_in=_tokens(usage, "prompt_tokens"),
        tokens_out=_tokens(usage, "completion_tokens"),
    )


def _text(choice: Any) -> tuple[str, str]:  # noqa: ANN401 - JSON
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(message, dict):
        msg = f"sent an answer without a message: {short(repr(choice))}"
        raise BadReplyError(msg)
    content = message.get("content")
    if isinstance(content, list):  # some servers send parts, as requests do
        content = "".join(part.get("text") or "" for part in content if isinstance(part, dict))
    if content is None:
        content = message.get("refusal") or ""
    if not isinstance(content, str):
        msg = f"sent an answer that is no text: {short(repr(content))}"
        raise BadReplyError(msg)
    return _clean(content), str(choice.get("finish_reason") or "")


def _clean(text: str) -> str:
    """Return a text that can be written as UTF-8: half a surrogate pair is legal in JSON and nowhere else."""
    return text.encode(errors="replace").decode()


def _tokens(usage: Any, name: str) -> int:  # noqa: ANN401 - JSON
    number = usage.get(name) if isinstance(usage, dict) else None
    return number if isinstance(number, int) and number >= 0 else 0

"""Asks for JSON until what comes back can be used, and says what is wrong with what cannot."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from attrs import evolve

from pairsmith.errors import UsageError
from pairsmith.replies import UnusableError, read_json
from pairsmith_llm.endpoint import Endpoint
from pairsmith_llm.failures import ItemError
from pairsmith_llm.journal import Answer
from pairsmith_llm.options import StructuredOptions
from pairsmith_llm.request import Message, Request

T = TypeVar("T")


async def ask_json(
    endpoint: Endpoint, options: StructuredOptions, request: Request, use: Callable[[Any], T]
) -> tuple[T, Answer]:
    """Return what ``use`` makes of the JSON in the reply, and the reply.

    Where ``use`` raises :class:`UnusableError` the model is sent its reply with what is wrong, as often as the options
    say. Every reply is kept; only where none could be used are they forgotten, so that the next run asks afresh.

    Raises :class:`ItemError` then, with what was wrong with the last.
    """
    asked, question = list[Request](), request
    while True:
        asked.append(question)
        answer = await endpoint.ask(question)
        text, finish = answer.texts[0]
        try:
            return use(read_json(text, finish)), answer
        except UnusableError as error:
            wrong = str(error)
        if len(asked) > options.reasks:
            break
        question = evolve(_again(request, question, options, text, wrong), draw=len(asked))
    for one in asked:
        endpoint.forget(one)
    msg = f"the reply could not be used: {wrong}"
    if len(asked) > 1:
        msg = f"none of {len(asked)} replies could be used; the last: {wrong}"
    raise ItemError(msg)


def _again(request: Request, last: Request, options: StructuredOptions, text: str, wrong: str) -> Request:
    """Return the last question with its reply and what is wrong with that, or a question to the model that repairs."""
    if options.repair_model:
        repair = (
            f"Another model was to reply with JSON and its reply cannot be used: {wrong}.\n\nWhat it was told:\n"
            f"{request.messages[0].text}\n\nIts reply:\n{text}\n\nPut the reply into the form that was asked for. Add "
            f"nothing to what it says. Reply with the JSON object and nothing else."
        )
        return evolve(request, model=options.repair_model, messages=(Message(role="user", text=repair),))
    complaint = (
        f"That reply cannot be used: {wrong}. Reply again, with the whole JSON object in the form that was asked for and "
        f"nothing else."
    )
    return last.with_messages(Message(role="assistant", text=text), Message(role="user", text=complaint))


@cache
def instructions(name: str, path: Path | None) -> str:
    """Return the packaged instructions ``name``, or those of a file."""
    source = Path(__file__).parent / "prompts" / f"{name}.txt" if path is None else path
    try:
        return source.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        msg = f"the instructions in {str(source)!r} cannot be read: {error}"
        raise UsageError(msg) from None


def filled(text: str, **values: str) -> str:
    """Return instructions with their markers ``{name}`` filled in; other braces stay.

    >>> filled('{"a": {low}}', low="0")
    '{"a": 0}'
    """
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", value)
    return text

"""Rewrites texts that came with samples, as MCM-DPO (arXiv 2510.00647) has the grammar of alt texts corrected."""

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Any

from pairsmith.framing import escape_tags
from pairsmith.interfaces import Run
from pairsmith.replies import UnusableError, named
from pairsmith.values import Failed, Response, Sample
from pairsmith_llm.connected import Connected
from pairsmith_llm.endpoint import Endpoint, or_failed
from pairsmith_llm.options import RewriteOptions
from pairsmith_llm.request import Message, Request, fields_of
from pairsmith_llm.structured import ask_json, instructions

_SEED = 0
_REFERENCE = "reference"
_TAGS = ("post", "text")
_SCHEMA = {
    "type": "object",
    "properties": {"text": {"type": "string"}},
    "required": ["text"],
    "additionalProperties": False,
}


class Rewriter(Connected):
    """Implements :class:`pairsmith.interfaces.Generator`: an answer for each text that a sample came with.

    Those are its given answers but the rejected, or else its reference answers. Equal texts to equal posts are sent once.
    """

    def __init__(self, options: RewriteOptions, run: Run) -> None:
        """Read key and instructions; nothing is sent yet."""
        self._options = options
        self._endpoint = Endpoint(options, run, options.name or "openai-rewrite")
        self._told = instructions("grammar", options.prompt)

    def respond(self, samples: Sequence[Sample], *, seed: int, greedy: bool = False) -> list[list[Response] | Failed]:  # noqa: ARG002 - nothing is drawn
        """Return the rewritten texts of each sample, in order; with ``greedy`` the first."""
        texts = [_texts(sample)[: 1 if greedy else None] for sample in samples]
        jobs = [
            or_failed(self._rewritten(sample, text, number))
            for sample, own in zip(samples, texts, strict=True)
            for number, text in enumerate(own)
        ]
        made = iter(self._endpoint.run(jobs))
        answers: list[list[Response] | Failed] = []
        for own in texts:
            of_sample = [next(made) for _ in own]
            failed = next((one for one in of_sample if isinstance(one, Failed)), None)
            if greedy and not own:
                failed = Failed(reason="the sample came with no text to rewrite")
            answers.append(failed or [one for one in of_sample if isinstance(one, Response)])
        return answers

    async def _rewritten(self, sample: Sample, text: str, number: int) -> Response:
        options = self._options
        shown, context = escape_tags(text, _TAGS), escape_tags(sample.context, _TAGS)
        post = f"<post>\n{context}\n</post>\n" if sample.context.strip() and options.context else ""
        request = Request(
            model=options.model,
            messages=(
                Message(role="system", text=self._told),
                Message(role="user", text=f"{post}<text>\n{shown}\n</text>"),
            ),
            fields=fields_of(options, _SEED),
            schema=_SCHEMA,
        )
        new, answer = await ask_json(
            self._endpoint, options, request, lambda reply: read_text(reply, shown, options.alike)
        )
        name = f"{options.name}/" if options.name else ""
        return Response(
            id=f"{sample.id}/{name}{number}",
            sample_id=sample.id,
            text=new if shown == text else new.replace("&lt;", "<"),  # as it was, but for what was mended
            model=answer.model or options.model,
            parameters={**request.fields, "rewritten": text},
            label=options.label,
        )


def read_text(reply: Any, text: str, alike: float) -> str:  # noqa: ANN401 - JSON
    """Return the rewritten text in a reply.

    Raises :class:`UnusableError` where there is none, or it is less than ``alike`` to what it was made of.

    >>> read_text({"text": " A dog on the beach. "}, "a dogg on teh beach", 0.6)
    'A dog on the beach.'
    """
    new = named(reply, "text") if isinstance(reply, dict) else None
    if not isinstance(new, str) or not new.strip():
        msg = 'it has no "text" with a text in it'
        raise UnusableError(msg)
    new = new.strip()
    like = SequenceMatcher(None, text.casefold(), new.casefold(), autojunk=False).ratio()
    if like < alike:
        msg = (
            f"its text says something else (likeness {like:.2f}, below {alike:g}); change no more than has to be mended"
        )
        raise UnusableError(msg)
    return new


def _texts(sample: Sample) -> list[str]:
    given = [one.text for one in sample.given if one.label != "rejected"]
    known = sample.truth.get(_REFERENCE, ())
    texts = given or ([known] if isinstance(known, str) else [one for one in known if isinstance(one, str)])
    return [text for text in texts if text.strip()]

"""A judge that has a model read the texts in an image, and compares claims with them."""

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Any

from pairsmith.interfaces import Run
from pairsmith.replies import UnusableError, named
from pairsmith.values import Case, Claim, Failed, Image, Verdict
from pairsmith_llm.connected import Connected
from pairsmith_llm.endpoint import Endpoint, or_failed
from pairsmith_llm.options import TextOptions
from pairsmith_llm.request import Message, Request, fields_of
from pairsmith_llm.structured import ask_json, instructions

_SEED = 0
_QUOTES = "\"'`\u2018\u2019\u201c\u201d\u00ab\u00bb"
_QUOTED = re.compile(rf"(?<!\w)[{_QUOTES}]([^\"\u201c\u201d]+?)[{_QUOTES}](?!\w)")
_SCHEMA = {
    "type": "object",
    "properties": {"texts": {"type": "array", "items": {"type": "string"}}},
    "required": ["texts"],
    "additionalProperties": False,
}


class TextJudge(Connected):
    """Implements :class:`pairsmith.interfaces.Judge` for claims of what is written.

    The model is asked once an image and is not told what was claimed, so it cannot agree to please. The comparison is
    made here: another threshold asks nothing.
    """

    def __init__(self, options: TextOptions, run: Run) -> None:
        """Read key and instructions; nothing is sent yet."""
        self._options, self._name = options, options.name or "openai-text"
        self.aspects: tuple[str, ...] | None = options.aspects
        self._endpoint = Endpoint(options, run, self._name)
        self._told = instructions("text", options.prompt)

    def judge(self, cases: Sequence[Case]) -> list[list[Verdict] | Failed]:
        """Return a verdict per claim."""
        return self._endpoint.run([or_failed(self._case(case)) for case in cases])

    async def _case(self, case: Case) -> list[Verdict]:
        if not case.claims:
            return []
        lines = [line for image in case.sample.images for line in await self._read(image)]
        return [self._verdict(claim, lines, seen=bool(case.sample.images)) for claim in case.claims]

    async def _read(self, image: Image) -> list[str]:
        request = Request(
            model=self._options.model,
            messages=(Message(role="user", text=self._told, images=(image,)),),
            fields=fields_of(self._options, _SEED),
            schema=_SCHEMA,
            max_side=self._options.max_side,
        )
        lines, _ = await ask_json(self._endpoint, self._options, request, read_texts)
        return lines

    def _verdict(self, claim: Claim, lines: Sequence[str], *, seen: bool) -> Verdict:
        claimed = claimed_text(claim)
        if not seen or not claimed:
            reason = "the claim names no text" if seen else "the sample has no image"
            return Verdict(
                judge=self._name, response_id=claim.response_id, claim_id=claim.id, outcome="skipped", reason=reason
            )
        found = likeness(claimed, lines)
        return Verdict(
            judge=self._name,
            response_id=claim.response_id,
            claim_id=claim.id,
            outcome="supported" if found >= self._options.similar else "contradicted",
            evidence={"claimed": claimed, "texts": list(lines), "likeness": round(found, 4)},
        )


def read_texts(reply: Any) -> list[str]:  # noqa: ANN401 - JSON
    """Return the texts in a reply. Raises :class:`UnusableError` where it has none in any shape."""
    texts = reply if isinstance(reply, list) else named(reply, "texts")
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        msg = 'it has no list "texts" of strings'
        raise UnusableError(msg)
    return [text.strip() for text in texts if text.strip()]


def claimed_text(claim: Claim) -> str:
    """Return what a claim says is written: the ``text`` in its data, or what it has in quotes.

    >>> claimed_text(Claim(id="c", response_id="r", aspect="text", text='The sign says "STOP".'))
    'STOP'
    """
    text = claim.data.get("text")
    if isinstance(text, str) and text.strip():
        return text.strip()
    return " ".join(_QUOTED.findall(claim.text)).strip()


def likeness(claimed: str, lines: Sequence[str]) -> float:
    """Return how like the claimed text is to what can be read, 0 to 1; 1 where its words stand there in a row.

    >>> likeness("stop", ["One way", "STOP"]), likeness("STOP", [])
    (1.0, 0.0)
    """
    words = _plain(claimed)
    rows = [_plain(line) for line in lines]
    if words and f" {words} " in f" {' '.join(rows)} ":
        return 1.0
    return max((SequenceMatcher(None, words, row, autojunk=False).ratio() for row in rows), default=0.0)


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))

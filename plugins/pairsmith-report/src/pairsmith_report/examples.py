"""A pair as the page shows it: images, prompt, both answers with what differs, and the verdict on every claim."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from attrs import field, frozen

from pairsmith.values import Claim, Demonstration, Image, Item, Judged, Pair, Side, Turn, Verdict, turns
from pairsmith_report.numbers import number
from pairsmith_report.survey import ICONS
from pairsmith_report.thumbnails import Thumbnail, thumbnail
from pairsmith_report.words import Span, compare, length

LONGEST_TEXT = 6000
LONGEST_NOTE = 600
MOST_CLAIMS = 60
MOST_IMAGES = 4


@frozen
class Opinion:
    """What one judge said."""

    judge: str
    outcome: str
    score: str
    reason: str
    evidence: str


@frozen
class JudgedClaim:
    """A claim with every judge's opinion of it, and what they come to."""

    text: str
    aspect: str
    outcome: str
    opinions: tuple[Opinion, ...]

    @property
    def icon(self) -> str:
        """The sign of the outcome."""
        return ICONS[self.outcome]


@frozen(kw_only=True)
class Answer:
    """One side of a pair."""

    side: str
    spans: tuple[Span, ...]
    words: int
    score: str
    model: str
    prompt: tuple[Turn, ...]
    claims: tuple[JudgedClaim, ...]
    more_claims: int
    opinions: tuple[Opinion, ...]


@frozen(kw_only=True)
class Picture:
    """An image with what it is, or why it is not there."""

    label: str
    shown: Thumbnail | None
    missing: str


@frozen(kw_only=True)
class Example:
    """One pair, or one demonstration."""

    id: str
    sample: str
    margin: str
    prompt: tuple[Turn, ...]
    pictures: tuple[Picture, ...]
    answers: tuple[Answer, ...]
    corrupted_context: str
    more_images: int = field(default=0)


def example(item: Item, judged: Judged | None, load: Callable[[Path], Thumbnail | str] = thumbnail) -> Example:
    """Gather what is known about one item."""
    value = item.value
    sides: tuple[Side, ...] = ("chosen", "rejected") if isinstance(value, Pair) else ("chosen",)
    texts = [_cut(value.response(side).text) for side in sides]
    spans = compare(*texts) if isinstance(value, Pair) else ((Span(texts[0], only=False),),)
    prompts = [_prompt(turns(value.sample, value.response(side))) for side in sides]
    shared = all(prompt == prompts[0] for prompt in prompts)
    answers = [
        _answer(value, side, one, judged, prompt=() if shared else prompt)
        for side, one, prompt in zip(sides, spans, prompts, strict=True)
    ]
    images = value.sample.images
    return Example(
        id=value.id,
        sample=value.sample.id,
        margin=number(value.scores[0] - value.scores[1]) if isinstance(value, Pair) and value.scores else "",
        prompt=prompts[0] if shared else (),
        pictures=(*_pictures(images, "Image", load), *_pictures(item.corrupted.images or (), "Corrupted image", load)),
        answers=tuple(answers),
        corrupted_context=_cut(item.corrupted.context or ""),
        more_images=max(0, len(images) - MOST_IMAGES),
    )


def _answer(
    value: Pair | Demonstration, side: Side, spans: tuple[Span, ...], judged: Judged | None, *, prompt: tuple[Turn, ...]
) -> Answer:
    response = value.response(side)
    score = _score(value, side)
    verdicts = [one for one in judged.verdicts if one.response_id == response.id] if judged else []
    claims = [one for one in judged.claims if one.response_id == response.id] if judged else []
    return Answer(
        side=side,
        spans=spans,
        words=length(response.text),
        score="" if score is None else number(score),
        model=response.model,
        prompt=prompt,
        claims=tuple(_judged_claim(claim, verdicts) for claim in claims[:MOST_CLAIMS]),
        more_claims=max(0, len(claims) - MOST_CLAIMS),
        opinions=tuple(_opinion(verdict) for verdict in verdicts if verdict.claim_id is None),
    )


def _score(value: Pair | Demonstration, side: Side) -> float | None:
    if isinstance(value, Demonstration):
        return value.score
    return None if value.scores is None else value.scores[side == "rejected"]


def _judged_claim(claim: Claim, verdicts: Sequence[Verdict]) -> JudgedClaim:
    opinions = tuple(_opinion(verdict) for verdict in verdicts if verdict.claim_id == claim.id)
    said = {opinion.outcome for opinion in opinions}
    outcome = next((one for one in ("contradicted", "supported", "scored", "skipped") if one in said), "not judged")
    return JudgedClaim(_cut(claim.text, LONGEST_NOTE), claim.aspect, outcome, opinions)


def _opinion(verdict: Verdict) -> Opinion:
    evidence = json.dumps(verdict.evidence, ensure_ascii=False, default=str) if verdict.evidence else ""
    return Opinion(
        judge=verdict.judge,
        outcome=verdict.outcome or "scored",
        score="" if verdict.score is None else number(verdict.score),
        reason=_cut(verdict.reason, LONGEST_NOTE),
        evidence=_cut(evidence, LONGEST_NOTE),
    )


def _prompt(conversation: Sequence[Turn]) -> tuple[Turn, ...]:
    return tuple(Turn(role=turn.role, text=_cut(turn.text)) for turn in conversation)


def _pictures(images: Sequence[Image], label: str, load: Callable[[Path], Thumbnail | str]) -> list[Picture]:
    shown = images[:MOST_IMAGES]
    pictures = []
    for place, image in enumerate(shown, start=1):
        found = load(image.path)
        name = f"{label} {place}" if len(shown) > 1 else label
        missing = found if isinstance(found, str) else ""
        pictures.append(Picture(label=name, shown=found if isinstance(found, Thumbnail) else None, missing=missing))
    return pictures


def _cut(text: str, longest: int = LONGEST_TEXT) -> str:
    if len(text) <= longest:
        return text
    return f"{text[:longest]} … ({len(text) - longest:,} more characters)"

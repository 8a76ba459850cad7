"""The values that pass between stages. Frozen, plain, written as JSON lines.

Every value is an attrs class of strings, numbers, tuples and JSON mappings, so that a stage's output can be read with
any tool. Sequences are tuples; a mapping holds JSON values only.

>>> cat = Sample(id="s1", images=(Image(path=Path("cat.png")),), prompt=(Turn(role="user", text="What is this?"),))
>>> cat.prompt[0].text
'What is this?'
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from attrs import Attribute, field, frozen
from attrs.validators import in_, matches_re, optional

from pairsmith.shortfalls import Dropped as Dropped  # noqa: PLC0414 - they are values like the rest
from pairsmith.shortfalls import Failed as Failed  # noqa: PLC0414

Role = Literal["system", "user", "assistant"]
Outcome = Literal["supported", "contradicted", "skipped"]
Side = Literal["chosen", "rejected"]

ORIGINAL = "original"
"""The name of an axis of a :class:`Cell` that no corruption has touched."""

CONTEXT_MARKER = "<context>"
"""Where in a turn a sample's context goes; without the marker it comes first in the last user turn."""


def _finite(_: object, attribute: "Attribute[Any]", value: float | None) -> None:
    if value is not None and not (float("-inf") < value < float("inf")):
        msg = f"{attribute.name!r} must be a finite number: {value!r}"
        raise ValueError(msg)


@frozen(kw_only=True)
class Image:
    """An image file.

    ``id`` is the sha256 of the file's bytes once the image is part of a run, and empty while it is still a file of the
    user's. Pixels are read by whoever needs them.
    """

    path: Path
    id: str = ""


@frozen(kw_only=True)
class Turn:
    """One message of a conversation. The sample's images belong to its first user turn."""

    role: Role = field(validator=in_(("system", "user", "assistant")))
    text: str


@frozen(kw_only=True)
class Response:
    """One answer to one sample, with what is needed to make it again.

    ``label`` is empty for an answer that was generated here, and ``"chosen"`` or ``"rejected"`` for an answer of a
    published preference row. ``prompt`` is only set when the answer belongs to other turns than the sample's, as where
    eight instructions are put to one image.
    """

    id: str
    sample_id: str
    text: str
    model: str = ""
    seed: int | None = None
    parameters: Mapping[str, Any] = field(factory=dict)
    label: Literal["", "chosen", "rejected"] = field(default="", validator=in_(("", "chosen", "rejected")))
    prompt: tuple[Turn, ...] = ()


@frozen(kw_only=True)
class Sample:
    """Images and a conversation that asks for an answer: the unit that every stage works on.

    ``candidates`` are several images of one prompt, before image judges keep the best. ``given`` are answers that came
    with the sample. ``truth`` is what is known about the image: a scene graph, boxes, a reference answer. ``extra`` is
    what else the row that a sample was read from said; nothing but the exporters reads it, so that a row goes out as
    it came in.
    """

    id: str = field(validator=matches_re(r"(?s).+"))
    images: tuple[Image, ...] = ()
    prompt: tuple[Turn, ...]
    context: str = ""
    candidates: tuple[Image, ...] = ()
    given: tuple[Response, ...] = ()
    truth: Mapping[str, Any] = field(factory=dict)
    extra: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class Claim:
    """An atomic statement found in a response, e.g. aspect ``count``: "three dogs".

    ``data`` is the statement in a form a judge can compute with. ``depends_on`` names the claims without which this one
    means nothing: a dog's colour depends on the dog.
    """

    id: str
    response_id: str
    aspect: str
    text: str
    depends_on: tuple[str, ...] = ()
    data: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class Verdict:
    """A judge's opinion of one response, or of one of its claims.

    It has an ``outcome`` (for a claim, as a rule), a ``score`` (higher is better; no fixed scale), or both. A skipped
    verdict says why and counts neither for nor against.

    >>> Verdict(judge="clip", response_id="r", score=float("nan"))
    Traceback (most recent call last):
    ValueError: 'score' must be a finite number: nan
    >>> Verdict(judge="vqa", response_id="r", claim_id="r#0", outcome="skipped")
    Traceback (most recent call last):
    ValueError: a skipped verdict needs a reason: judge 'vqa' on 'r#0'
    """

    judge: str
    response_id: str
    claim_id: str | None = None
    outcome: Outcome | None = field(default=None, validator=optional(in_(("supported", "contradicted", "skipped"))))
    score: float | None = field(default=None, validator=_finite)
    reason: str = ""
    evidence: Mapping[str, Any] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        """Refuse a verdict that says nothing."""
        about = f"judge {self.judge!r} on {self.claim_id or self.response_id!r}"
        if self.outcome == "skipped" and not self.reason:
            msg = f"a skipped verdict needs a reason: {about}"
            raise ValueError(msg)
        if self.outcome is None and self.score is None:
            msg = f"a verdict needs an outcome or a score: {about}"
            raise ValueError(msg)


@frozen(kw_only=True)
class Case:
    """What a judge is shown: a sample with all its responses and the claims it is asked about.

    ``swapped`` says that the responses are those of an earlier case in the opposite order. A judge that draws an order of
    its own then takes the opposite of the one that it drew for that case.
    """

    sample: Sample
    responses: tuple[Response, ...]
    claims: tuple[Claim, ...] = ()
    swapped: bool = False


@frozen(kw_only=True)
class Judged:
    """A sample with everything that is known about its responses: what a selector is shown."""

    sample: Sample
    responses: tuple[Response, ...]
    claims: tuple[Claim, ...] = ()
    verdicts: tuple[Verdict, ...] = ()


@frozen(kw_only=True)
class Pair:
    """Two answers to one sample, the first better than the second.

    ``scores`` are the aggregated scores of chosen and rejected, where a judge gave any.
    """

    id: str
    sample: Sample
    chosen: Response
    rejected: Response
    scores: tuple[float, float] | None = None

    def response(self, side: Side) -> Response:
        """Return the answer of one side."""
        return self.chosen if side == "chosen" else self.rejected


@frozen(kw_only=True)
class Demonstration:
    """One answer to imitate: what supervised fine-tuning, best-of-n and SteerLM learn from."""

    id: str
    sample: Sample
    chosen: Response
    score: float | None = None

    def response(self, side: Side) -> Response:
        """Return the answer; there is no rejected one."""
        if side == "rejected":
            msg = f"demonstration {self.id!r} has no rejected answer; use a loss that needs only the chosen one"
            raise ValueError(msg)
        return self.chosen


@frozen
class Cell:
    """One sequence whose log-probability a loss needs: a response to an image and a context.

    ``image`` and ``context`` are ``"original"`` or ``"corrupted"``.

    >>> str(Cell("chosen", image="corrupted"))
    'chosen|image=corrupted|context=original'
    """

    response: Side = field(validator=in_(("chosen", "rejected")))
    image: str = field(default=ORIGINAL, validator=in_((ORIGINAL, "corrupted")), kw_only=True)
    context: str = field(default=ORIGINAL, validator=in_((ORIGINAL, "corrupted")), kw_only=True)

    def __str__(self) -> str:
        """Return the name under which reference log-probabilities are stored."""
        return f"{self.response}|image={self.image}|context={self.context}"


@frozen(kw_only=True)
class Corrupted:
    """The worse images and the worse context of one pair, with the draw that made them."""

    images: tuple[Image, ...] | None = None
    context: str | None = None
    draw: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class Item:
    """One thing to learn from, as a trainer sees it: a pair or a demonstration with its corruptions."""

    value: Pair | Demonstration
    corrupted: Corrupted = field(factory=Corrupted)

    @property
    def id(self) -> str:
        """The id of the pair or demonstration."""
        return self.value.id

    def images(self, cell: Cell) -> tuple[Image, ...]:
        """Return the images that a cell is about."""
        if cell.image == ORIGINAL:
            return self.value.sample.images
        if self.corrupted.images is None:
            msg = f"{self.id!r} has no corrupted image; the recipe needs a table [corruptions.image]"
            raise ValueError(msg)
        return self.corrupted.images

    def turns(self, cell: Cell) -> tuple[Turn, ...]:
        """Return the turns that a cell's response answers, with its context in place."""
        context = self.value.sample.context
        if cell.context != ORIGINAL:
            if self.corrupted.context is None:
                msg = f"{self.id!r} has no corrupted context; the recipe needs a table [corruptions.context]"
                raise ValueError(msg)
            context = self.corrupted.context
        return turns(self.value.sample, self.value.response(cell.response), context=context)


def turns(sample: Sample, response: Response | None = None, *, context: str | None = None) -> tuple[Turn, ...]:
    r"""Return the conversation a response answers, with the sample's context in its place.

    >>> post = Sample(id="1", prompt=(Turn(role="user", text="Describe the image."),), context="At the sea")
    >>> turns(post)[0].text
    'At the sea\nDescribe the image.'
    """
    prompt = (response.prompt if response else ()) or sample.prompt
    context = sample.context if context is None else context
    if any(CONTEXT_MARKER in turn.text for turn in prompt):
        return tuple(Turn(role=turn.role, text=turn.text.replace(CONTEXT_MARKER, context)) for turn in prompt)
    if not context:
        return prompt
    last = max((n for n, turn in enumerate(prompt) if turn.role == "user"), default=0)
    return tuple(
        Turn(role=turn.role, text=f"{context}\n{turn.text}") if n == last else turn for n, turn in enumerate(prompt)
    )


def user(text: str) -> tuple[Turn, ...]:
    """Return a conversation of one user turn."""
    return (Turn(role="user", text=text),)


def by_response(judged: Judged) -> Sequence[tuple[Response, tuple[Claim, ...], tuple[Verdict, ...]]]:
    """Return each response with its own claims and verdicts, in the order of the responses."""
    return [
        (
            response,
            tuple(claim for claim in judged.claims if claim.response_id == response.id),
            tuple(verdict for verdict in judged.verdicts if verdict.response_id == response.id),
        )
        for response in judged.responses
    ]

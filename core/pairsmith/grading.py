"""What a rubric judge that shows a model all answers at once asks it to reply, and whether it did.

Every candidate once, every attribute a whole number of the scale. Pure functions, public for plugins; what the grades come
to is :mod:`pairsmith.rubric`.
"""

import random
import re
from collections.abc import Mapping, Sequence
from string import ascii_uppercase
from typing import Any

from attrs import Attribute, field, frozen

from pairsmith.framing import escape_tags
from pairsmith.replies import UnusableError, named
from pairsmith.seeds import derive
from pairsmith.values import Case, Response, turns

HELPSTEER_MEANINGS = {
    "helpfulness": "how useful the answer is, all in all, to someone who asked this about this image",
    "correctness": "whether it says everything that matters and nothing that the image contradicts",
    "coherence": "whether it is clear and agrees with itself",
    "complexity": "how much thought or expert knowledge it takes to write it; low for what anybody could write",
    "verbosity": "how much it says compared with what was asked for; high for long answers",
}
"""The five attributes of HelpSteer (arXiv 2311.09528), each 0 to 4, as mllm-dpo has them judged: what a model is told."""

SUMMED = {"helpfulness": 1.0, "correctness": 1.0, "coherence": 1.0}
"""What mllm-dpo (arXiv 2402.10884) adds up: 0 to 12. Complexity and verbosity do not count."""

Graded = tuple[str, Mapping[str, int]]
"""A comment, and a grade by attribute."""


_NAME = r"[A-Za-z][\w-]*"
_TAGS = ("candidate", "candidates")


def names_of_fields(_: object, attribute: "Attribute[Any]", value: Mapping[str, str]) -> None:
    """Refuse, as a validator, names that cannot be fields of a reply: of attributes that are graded, or of claims."""
    for name in value:
        if not re.fullmatch(_NAME, name) or name.lower() in {"candidate", "comment"}:
            msg = f"{attribute.name!r}: {name!r} is no name for an attribute; take letters, digits, '-' and '_'"
            raise ValueError(msg)
    if len({name.lower() for name in value}) < max(len(value), 1):
        msg = f"{attribute.name!r} must name at least one attribute, and none twice: {', '.join(value) or 'none'}"
        raise ValueError(msg)


@frozen(kw_only=True, slots=False)  # without slots, so that options may inherit it beside others
class GradingOptions:
    """How answers are graded. Options of rubric judges inherit these; the defaults are mllm-dpo's (arXiv 2402.10884)."""

    attributes: Mapping[str, str] = field(
        factory=lambda: dict(HELPSTEER_MEANINGS),
        validator=names_of_fields,
        metadata={"help": "what each answer is graded on: name = what the model is told it means"},
    )
    lowest: int = field(default=0, metadata={"help": "least grade"})
    highest: int = field(default=4, metadata={"help": "best grade"})
    score: Mapping[str, float] = field(
        factory=lambda: dict(SUMMED),
        metadata={"help": "the score of an answer: the sum of these attributes, each times its number"},
    )
    shuffle: bool = field(
        default=True, metadata={"help": "show the answers of each sample in an order drawn with the recipe's seed"}
    )

    def __attrs_post_init__(self) -> None:
        """Refuse a scale that is upside down, and a score of what is not graded."""
        if self.lowest >= self.highest:
            msg = f"'lowest' must be less than 'highest': {self.lowest!r} and {self.highest!r}"
            raise ValueError(msg)
        unknown = [name for name in self.score if name not in self.attributes]
        if unknown or not self.score:
            what = f"{unknown[0]!r} is none of" if unknown else "name one or more of"
            msg = f"'score': {what} the attributes {', '.join(self.attributes)}"
            raise ValueError(msg)

    def total(self, grades: Mapping[str, float]) -> float:
        """Return the score of an answer with these grades."""
        return sum(weight * grades[name] for name, weight in self.score.items())


def labelled(case: Case, options: GradingOptions, seed: int) -> dict[str, Response]:
    """Return the answers of a sample by the label under which a judge sees them, in the order in which it does.

    The order is drawn for each sample with the run's seed, so that a liking for the first place favours no generator. That
    of a swapped case is drawn as for the case it was, and then turned round: what was shown first comes last.
    """
    order = list(case.responses[::-1] if case.swapped else case.responses)
    if options.shuffle:
        random.Random(derive(seed, "order", case.sample.id)).shuffle(order)
    if case.swapped:
        order.reverse()
    return dict(zip(labels(len(order)), order, strict=True))


def question(case: Case, shown: Mapping[str, Response]) -> str:
    """Return the text that puts a sample's conversation and its labelled answers to a judge.

    No text in it can open or close the tags that an answer stands between: see :mod:`pairsmith.framing`.
    """
    asked = turns(case.sample)
    said = asked[0].text if len(asked) == 1 else "\n".join(f"{one.role}: {one.text}" for one in asked)
    said = escape_tags(said, _TAGS)
    candidates = "\n\n".join(_candidate(label, response) for label, response in shown.items())
    every = "all of " if len(shown) > 1 else ""
    return f"The conversation:\n{said}\n\nThe candidates:\n{candidates}\n\nGrade {every}{', '.join(shown)}."


def _candidate(label: str, response: Response) -> str:
    asked = "\n".join(turn.text for turn in response.prompt if turn.role == "user")
    to = f"(It answers another question: {asked})\n" if asked else ""
    return f'<candidate label="{label}">\n{escape_tags(to + response.text, _TAGS)}\n</candidate>'


def labels(number: int) -> list[str]:
    """Return names for candidates.

    >>> labels(3), labels(28)[-2:]
    (['A', 'B', 'C'], ['A2', 'B2'])
    """
    size = len(ascii_uppercase)
    return [ascii_uppercase[n % size] + (str(n // size + 1) if n >= size else "") for n in range(number)]


def read_grades(reply: Any, asked: Sequence[str], scale: GradingOptions) -> dict[str, Graded]:  # noqa: ANN401 - JSON
    """Return the grades of each candidate by its label, whatever the order of the reply.

    Raises :class:`UnusableError` with all that is wrong: a candidate that is missing, is there twice or was never shown,
    an attribute that is missing or no whole number of the scale.
    """
    found: dict[str, Graded] = {}
    wrong: list[str] = []
    for entry in _entries(reply):
        label = _label(named(entry, "candidate"))
        if label not in asked:
            wrong.append(f"there is no candidate {named(entry, 'candidate')!r}")
            continue
        if label in found:
            wrong.append(f"candidate {label} is there twice")
        graded = {name: _grade(named(entry, name), scale) for name in scale.attributes}
        wrong += [
            f"{name} of candidate {label} is {named(entry, name)!r}, not a whole number from {scale.lowest} to "
            f"{scale.highest}"
            for name, grade in graded.items()
            if grade is None
        ]
        comment = named(entry, "comment")
        numbers = {name: grade for name, grade in graded.items() if grade is not None}
        found[label] = (comment if isinstance(comment, str) else "", numbers)
    missing = [label for label in asked if label not in found]
    if missing:
        wrong.append(f"candidate {', '.join(missing)} is missing")
    if wrong:
        raise UnusableError("; ".join(wrong[:5]))
    return found


def _entries(reply: Any) -> list[Mapping[str, Any]]:  # noqa: ANN401 - JSON
    """Return the entries of a reply, in any of the shapes that models fall into."""
    entries = reply
    if isinstance(reply, Mapping):
        entries = named(reply, "candidates")
        if entries is None and named(reply, "candidate") is not None:
            entries = [reply]
        elif entries is None:
            entries = reply
    if isinstance(entries, Mapping):  # {"A": {...}, "B": {...}}
        entries = [
            {"candidate": label, **entry} if isinstance(entry, Mapping) else None for label, entry in entries.items()
        ]
    if not isinstance(entries, list) or not all(isinstance(entry, Mapping) for entry in entries):
        msg = 'it has no list "candidates" of objects'
        raise UnusableError(msg)
    return entries


def _label(said: Any) -> str:  # noqa: ANN401 - JSON
    """Return the label in what was said: ``"A"``, ``"candidate A"``, ``"(A)"``."""
    return str(said).strip().rpartition(" ")[2].strip("()[]<>.:\"'").upper()


def _grade(said: Any, scale: GradingOptions) -> int | None:  # noqa: ANN401 - JSON
    """Return a grade, ``None`` where it is no whole number of the scale."""
    if isinstance(said, bool):
        return None
    try:
        grade = float(said)
    except (TypeError, ValueError):
        return None
    return int(grade) if grade.is_integer() and scale.lowest <= grade <= scale.highest else None

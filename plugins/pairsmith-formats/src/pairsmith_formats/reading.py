"""What every format makes of a row, and what a row is made of."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NoReturn

from attrs import field, frozen

from pairsmith.values import Role, Sample, Turn

Row = Mapping[str, Any]
Label = Literal["", "chosen", "rejected"]
ROLES: Mapping[str, Role] = {
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "assistant": "assistant",
    "system": "system",
}


class BadRowError(Exception):
    """A row cannot be used; the message says why, to follow its place."""


def bad(message: str) -> NoReturn:
    """Refuse a row."""
    raise BadRowError(message)


@frozen(kw_only=True)
class Answer:
    """An answer as a row gives it. ``prompt`` is set where it belongs to other turns than the row's first answer."""

    text: str
    label: Label = ""
    prompt: tuple[Turn, ...] = ()
    model: str = ""
    ratings: Mapping[str, float] = field(factory=dict)
    parameters: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class Reading:
    """A row, understood. ``images`` are paths as the row writes them; markers for images are still in the texts."""

    prompt: tuple[Turn, ...]
    answers: tuple[Answer, ...]
    images: tuple[str, ...] = ()
    id: str | int | None = None
    context: str = ""
    truth: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class Entry:
    """What a row is written of. ``images`` are paths from the file's folder; the context is in its place in the turns.

    ``rejected`` is ``None`` for a demonstration. ``other`` are the turns of the rejected answer; ``prompt`` as a rule.
    """

    id: str
    sample: Sample
    images: tuple[str, ...]
    prompt: tuple[Turn, ...]
    chosen: str
    rejected: str | None
    other: tuple[Turn, ...]


@frozen(kw_only=True)
class Format:
    """A row format: ``read`` and ``write`` are pure, and writing what was read gives the row but for small differences.

    ``file`` is the name of the written file; rows that are only read are not ``written``. ``lines`` tells JSON lines from
    a JSON array, ``needs_id`` refuses rows without an id. ``holds`` says what it can hold: pairs, demonstrations (one
    answer), or both. ``about`` are more files to write beside it, by name, given the name of the file and what it holds.
    """

    name: str
    read: Callable[[Row], Reading]
    write: Callable[[Entry], dict[str, Any]]
    file: str
    written: bool = True
    lines: bool = False
    needs_id: bool = False
    holds: Literal["pairs", "demonstrations", "both"] = "pairs"
    image_columns: Sequence[str] = ("image", "images")
    about: Callable[[str, str], Mapping[str, Any]] = lambda _file, _holds: {}


def text(row: Row, key: str) -> str:
    """Return a text of a row."""
    value = row.get(key)
    if not isinstance(value, str):
        bad(f"has no text {key!r}: {_short(value)}" if key in row else f"has no {key!r}")
    return value


def identity(row: Row, *keys: str) -> str | int | None:
    """Return the first of the keys that a row has as its id; ``None`` where it has none."""
    key = next((key for key in keys if row.get(key) is not None), None)
    if key is None:
        return None
    value = row[key]
    if not isinstance(value, str | int) or isinstance(value, bool) or value == "":
        bad(f"has no text or number as {key!r}: {_short(value)}")
    return value


def paths(row: Row, *keys: str) -> tuple[str, ...]:
    """Return the images of a row: a path, ``{"path": ...}``, or a list of these; none where the row names none."""
    value: Any = next((row[key] for key in keys if row.get(key)), [])
    return tuple(_path(one, keys[0]) for one in (value if isinstance(value, list) else [value]))


def _path(one: object, key: str) -> str:
    path = one.get("path") if isinstance(one, dict) else one
    if not isinstance(path, str) or not path or "\0" in path:
        bad(f"has an {key!r} that is no path: {_short(path)}")
    return path


def messages(value: Any, key: str, speaker: str = "role", said: str = "content") -> tuple[Turn, ...]:  # noqa: ANN401
    """Return the turns of a list of messages; ``speaker`` and ``said`` name what a message is made of."""
    if not isinstance(value, list) or not value or not all(isinstance(one, dict) for one in value):
        bad(f"has no list of turns {key!r}: {_short(value)}")
    return tuple(_message(one, key, speaker, said) for one in value)


def message(value: Any, key: str, speaker: str = "from", said: str = "value") -> str:  # noqa: ANN401
    """Return the text of one message of the assistant's."""
    if not isinstance(value, dict):
        bad(f"has no message {key!r}: {_short(value)}")
    turn = _message(value, key, speaker, said)
    if turn.role != "assistant":
        bad(f"has a {key!r} that {value[speaker]!r} says, not the assistant")
    return turn.text


def _message(one: Mapping[str, Any], key: str, speaker: str, said: str) -> Turn:
    who, what = one.get(speaker), one.get(said)
    if isinstance(what, list):
        what = _blocks(what, key)
    if not isinstance(who, str) or who not in ROLES or not isinstance(what, str):
        known = ", ".join(ROLES)
        bad(f"has a turn in {key!r} that is no {{{speaker!r}: one of {known}, {said!r}: text}}: {_short(one)}")
    return Turn(role=ROLES[who], text=what)


def _blocks(blocks: Sequence[Any], key: str) -> str:
    """Return the text of a message that is given in blocks; an image block is a marker."""
    parts = []
    for block in blocks:
        kind = block.get("type") if isinstance(block, dict) else None
        if kind == "text" and isinstance(block.get("text"), str):
            parts.append(block["text"])
        elif kind in {"image", "image_url"}:
            parts.append(MARKER)
        else:
            bad(f"has a block in {key!r} that is neither text nor image: {_short(block)}")
    return "\n".join(parts)


def split(turns: tuple[Turn, ...], key: str) -> tuple[tuple[Turn, ...], str]:
    """Return the prompt and the answer of a conversation."""
    if [turn.role for turn in turns[-2:]] != ["user", "assistant"]:
        bad(f"must end {key!r} with a question and an answer; its turns are {[turn.role for turn in turns]!r:.120}")
    return turns[:-1], turns[-1].text


def asked(turns: tuple[Turn, ...], key: str) -> tuple[Turn, ...]:
    """Return a conversation that waits for an answer."""
    if turns[-1].role != "user":
        bad(f"must end {key!r} with a question; its last turn is {turns[-1].role!r}")
    return turns


def number(value: object) -> float | None:
    """Return a rating as a number; ``None`` for what is no finite one, such as ``"N/A"``.

    >>> number("4"), number(3), number("N/A"), number(True)
    (4.0, 3.0, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        made = float(value)
    except (ValueError, OverflowError):
        return None
    return made if abs(made) < float("inf") else None


MARKER = "<image>"
"""Where a text shows an image."""


def _short(value: object) -> str:
    """Return a value for a message, without writing out all of a large one."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r:.40}: {_short(one)}" for key, one in list(value.items())[:4]) + "}"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    return f"{value!r:.80}"

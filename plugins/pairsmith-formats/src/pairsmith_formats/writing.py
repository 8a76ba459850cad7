"""What is written of a pair or a demonstration, before any format."""

from collections.abc import Sequence

from pairsmith.errors import StageError
from pairsmith.values import Demonstration, Pair, Response, Sample, turns
from pairsmith_formats.reading import Entry


def entry_of(value: Pair | Demonstration, name: str, images: Sequence[str]) -> Entry:
    """Return what a row says of a pair or a demonstration."""
    rejected = value.rejected if isinstance(value, Pair) else None
    return _entry(name, value.sample, images, value.chosen, rejected)


def entry_of_sample(sample: Sample, images: Sequence[str]) -> Entry:
    """Return what a row says of a sample that was read from one: its first answer, and the second."""
    chosen, rejected = (*sample.given, None)[:2]
    assert chosen is not None
    return _entry(sample.id, sample, images, chosen, rejected)


def _entry(name: str, sample: Sample, images: Sequence[str], chosen: Response, rejected: Response | None) -> Entry:
    prompt = turns(sample, chosen)
    return Entry(
        id=name,
        sample=sample,
        images=tuple(images),
        prompt=prompt,
        chosen=chosen.text,
        rejected=None if rejected is None else rejected.text,
        other=prompt if rejected is None else turns(sample, rejected),
    )


def one_prompt(entry: Entry, form: str) -> None:
    """Refuse a pair whose answers belong to different turns, for a format that has one place for them."""
    if entry.other != entry.prompt:
        msg = (
            f"{entry.id!r}: its two answers belong to different prompts, and a row of {form} has one; select pairs of "
            f"one prompt (same_prompt = true), or write llava-preferences or ms-swift, which have two"
        )
        raise StageError(msg)


def one_question(entry: Entry, form: str) -> str:
    """Return the question, for a format without turns."""
    one_prompt(entry, form)
    if [turn.role for turn in entry.prompt] != ["user"]:
        msg = f"{entry.id!r} has {len(entry.prompt)} turns before its answer, and a row of {form} has one question"
        raise StageError(msg)
    return entry.prompt[0].text


def one_image(entry: Entry, form: str) -> str:
    """Return the path of the image, for a format that has one; nothing where there is none."""
    if len(entry.images) > 1:
        msg = f"{entry.id!r} has {len(entry.images)} images, and a row of {form} has one"
        raise StageError(msg)
    return entry.images[0] if entry.images else ""

"""Files of prompts: plain lines in the order of the images, or rows that name the image."""

import csv
from collections.abc import Iterator, Sequence
from io import StringIO
from pathlib import Path

from attrs import frozen

from pairsmith.errors import StageError
from pairsmith.records import records


@frozen
class Asked:
    """A prompt, and the context that goes with it."""

    prompt: str
    context: str = ""


def prompts_of(path: Path, names: Sequence[str]) -> dict[str, list[Asked]]:
    """Return the prompts of each image by its name, for those that have one.

    Raises :class:`StageError` where the file cannot be read, names an image that is not there, or has another number of
    lines than there are images.
    """
    if not path.is_file():
        msg = f"[images] prompt_file {str(path)!r} is not a file"
        raise StageError(msg)
    if path.suffix.lower() == ".txt":
        return _by_line(path, names)
    rows = _csv_rows(path) if path.suffix.lower() == ".csv" else _json_rows(path)
    known = set(names)
    asked: dict[str, list[Asked]] = {}
    strangers: list[str] = []
    for place, name, one in rows:
        if name not in known:
            strangers.append(f"{name!r} ({place})")
            continue
        asked.setdefault(name, []).append(one)
    if strangers:
        msg = (
            f"[images] prompt_file {str(path)!r} names {len(strangers)} images that are not among the {len(known)} of "
            f"the folder, such as {', '.join(strangers[:3])}; those there are called like {names[0]!r}"
        )
        raise StageError(msg)
    return asked


def _by_line(path: Path, names: Sequence[str]) -> dict[str, list[Asked]]:
    prompts = [line.strip() for line in _text(path).split("\n") if line.strip()]
    if len(prompts) != len(names):
        msg = (
            f"[images] prompt_file {str(path)!r} has {len(prompts)} prompts and the folder {len(names)} images; a .txt "
            f"needs one line an image. To put every prompt to every image write them as prompts = [...]"
        )
        raise StageError(msg)
    return {name: [Asked(prompt)] for name, prompt in zip(names, prompts, strict=True)}


def _json_rows(path: Path) -> Iterator[tuple[str, str, Asked]]:
    for record in records(path):
        row = record.value()
        name, prompt, context = row.get("image"), row.get("prompt"), row.get("context", "")
        if (
            not isinstance(name, str)
            or not isinstance(prompt, str)
            or not isinstance(context, str)
            or not prompt.strip()
        ):
            msg = f"{record.place} must have texts 'image' and 'prompt', and may have a text 'context': {dict(row)!r}"
            raise StageError(msg)
        yield f"line {record.line}", name, Asked(prompt, context)


def _csv_rows(path: Path) -> Iterator[tuple[str, str, Asked]]:
    reader = csv.DictReader(StringIO(_text(path), newline=""))
    if not {"image", "prompt"} <= set(reader.fieldnames or ()):
        msg = f"{str(path)!r} must have the columns 'image' and 'prompt' in its first line: {reader.fieldnames!r}"
        raise StageError(msg)
    try:
        for row in reader:
            if not row["image"] or not (row["prompt"] or "").strip():
                msg = f"{str(path)!r}, line {reader.line_num} has no image or no prompt: {row!r}"
                raise StageError(msg)
            yield f"line {reader.line_num}", row["image"], Asked(row["prompt"], row.get("context") or "")
    except csv.Error as error:
        msg = f"{str(path)!r}, line {reader.line_num} is not CSV: {error}"
        raise StageError(msg) from None


def _text(path: Path) -> str:
    data = path.read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        msg = f"{str(path)!r}, line {line} is not UTF-8; save the file as UTF-8"
        raise StageError(msg) from None

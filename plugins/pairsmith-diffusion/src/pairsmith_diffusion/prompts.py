"""What images are made from: our own prompts, or a file of the user's."""

from collections.abc import Iterator
from importlib.resources import as_file, files
from pathlib import Path

from attrs import frozen

from pairsmith.errors import StageError
from pairsmith.records import records
from pairsmith_diffusion.options import TextToImageOptions

_MARKER = "<image>"


@frozen(kw_only=True)
class Prompted:
    """A prompt for an image, and the question that is asked about the image."""

    id: str
    prompt: str
    question: str
    category: str = ""


def prompts(options: TextToImageOptions) -> list[Prompted]:
    """Return the prompts in order.

    Raises :class:`StageError` where a file cannot be read, has no prompt, or has another number of questions.
    """
    if options.prompts is not None and options.prompts.suffix.lower() == ".txt":
        found = list(_numbered(options.prompts, options))
    else:
        found = there(options.prompts, options.question)
    if options.categories:
        found = [one for one in found if one.category in options.categories]
    _check(found, options)
    return found


def there(path: Path | None, question: str = "") -> list[Prompted]:
    """Return the prompts of a file of rows, or our own; ``question`` goes with those that have none."""
    if path is not None:
        return list(_rows(path, question))
    with as_file(files("pairsmith_diffusion") / "data" / "prompts.jsonl") as own:
        return list(_rows(own, question))


def _check(found: list[Prompted], options: TextToImageOptions) -> None:
    where = f"[images] prompts {str(options.prompts)!r}"
    if not found:
        of = f" of the categories {', '.join(options.categories)}" if options.categories else ""
        msg = f"{where} holds no prompt{of}"
        raise StageError(msg)
    seen: set[str] = set()
    for one in found:
        if one.id in seen:
            msg = f"{where} has two prompts with the id {one.id!r}; give each its own"
            raise StageError(msg)
        seen.add(one.id)


def _rows(path: Path, question: str) -> Iterator[Prompted]:
    for record in records(path):
        row = record.value()
        given = {name: row.get(name, "") for name in ("id", "prompt", "question", "category")}
        given["id"] = str(row.get("id", f"{path.stem}-{record.number}"))
        if not all(isinstance(value, str) for value in given.values()) or not given["prompt"].strip():
            msg = (
                f"{record.place} must have a text 'prompt', and may have texts 'id', 'question' and 'category': "
                f"{dict(row)!r:.200}"
            )
            raise StageError(msg)
        yield Prompted(**{**given, "question": _asked(given["question"]) or question})


def _numbered(path: Path, options: TextToImageOptions) -> Iterator[Prompted]:
    lines = _lines(path)
    questions = [options.question] * len(lines) if options.questions is None else _lines(options.questions)
    if len(questions) != len(lines):
        msg = (
            f"[images] questions {str(options.questions)!r} has {len(questions)} lines and prompts {str(path)!r} has "
            f"{len(lines)}; line n of one belongs to line n of the other"
        )
        raise StageError(msg)
    for number, (prompt, question) in enumerate(zip(lines, questions, strict=True), start=1):
        yield Prompted(id=f"{path.stem}-{number}", prompt=prompt, question=_asked(question) or options.question)


def _asked(question: str) -> str:
    """Return a question without the marker that published files put before it."""
    return question.replace(_MARKER, "").strip()


def _lines(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        msg = f"[images] {str(path)!r} cannot be read: {error.strerror}"
        raise StageError(msg) from None
    except UnicodeDecodeError:
        msg = f"[images] {str(path)!r} is not UTF-8; save the file as UTF-8"
        raise StageError(msg) from None
    return [line.strip() for line in text.split("\n") if line.strip()]

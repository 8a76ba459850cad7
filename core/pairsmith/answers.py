"""What experts answered, kept so that each question is asked once.

An expert's raw answer to a question about an image (boxes with their scores, the lines of text, the probability of yes) does
not depend on the threshold that a recipe puts on it, on which of eight answers raised the question, or on how often. So
experts ask through :class:`Answers`: equal questions are asked once, many at a time, and what was answered is kept in the run
directory. A judge whose threshold changed finds everything there and never loads its model. Runs beside this one are looked
into as well.

    answers = Answers(run, "owl-vit", model="google/owlvit-large-patch14@...", floor=0.05)
    boxes = answers.ask([Question("cat", image), Question("dog", image)], detect, in_batches(8))
"""

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from hashlib import file_digest, sha256
from itertools import groupby, islice
from pathlib import Path
from typing import Any

from attrs import define, field, frozen

from pairsmith.errors import StageError
from pairsmith.interfaces import Run
from pairsmith.store import canonical
from pairsmith.values import Image

_TABLE = (
    "CREATE TABLE IF NOT EXISTS answers (image TEXT, question TEXT, answer TEXT, PRIMARY KEY (image, question)) "
    "WITHOUT ROWID"
)
_PATIENCE = 60.0  # seconds that a process waits for another one to write


@frozen
class Question:
    """What an expert is asked: a text, about an image or about nothing else."""

    text: str
    image: Image | None = None

    @property
    def key(self) -> tuple[str, str]:
        """What makes two questions the same: the image's content and the text."""
        return ("" if self.image is None else self.image.id or _content(self.image.path), self.text)

    @property
    def shown(self) -> Image:
        """The image, of a question that is about one."""
        if self.image is None:
            msg = f"the question {self.text!r} is about no image"
            raise StageError(msg)
        return self.image


Expert = Callable[[Sequence[Question]], Sequence[Any]]
"""Answers questions, in order, with JSON values: one call of a model."""

Batches = Callable[[Sequence[Question]], Iterable[Sequence[Question]]]
"""Divides questions into those that are asked together."""


def in_batches(size: int) -> Batches:
    """Return a division into batches of at most ``size`` questions, those about one image next to each other."""

    def divide(questions: Sequence[Question]) -> Iterator[list[Question]]:
        rest = iter(sorted(questions, key=lambda question: question.key))
        while batch := list(islice(rest, size)):
            yield batch

    return divide


def by_image(questions: Sequence[Question]) -> list[list[Question]]:
    """Return questions in groups about one image each."""
    ordered = sorted(questions, key=lambda question: question.key)
    return [list(group) for _, group in groupby(ordered, key=lambda question: question.key[0])]


@define
class Answers:
    """The answers of one expert. ``made_from`` is JSON: the model, its revision, whatever else changes raw answers.

    ``calls`` and ``asked`` count how often the expert was called and how many questions it was put.
    """

    run: Run
    expert: str
    made_from: dict[str, Any] = field(factory=dict)
    calls: int = field(init=False, default=0)
    asked: int = field(init=False, default=0)

    @property
    def path(self) -> Path:
        """The file that keeps them."""
        digest = sha256(canonical(self.made_from).encode()).hexdigest()
        return self.run.directory / "answers" / f"{self.expert}-{digest[:16]}.sqlite"

    def ask(self, questions: Sequence[Question], expert: Expert, batches: Batches) -> list[Any]:
        """Return the answer to each question, in order.

        ``expert`` is only called for what no run here has answered yet. Each of its batches is kept as soon as it is
        there, so an interrupted part loses one batch at most.

        Raises :class:`StageError` where an expert answers another number of questions than it was asked, and where the
        file cannot be read or written.
        """
        distinct = {question.key: question for question in questions}
        known: dict[tuple[str, str], Any] = {}
        if distinct:
            with self._opened() as own:
                known |= _read(own, distinct)
                missing = [key for key in distinct if key not in known]
                found = self._beside(missing) if missing else {}
                _write(own, found)
                known |= found
                todo = [question for key, question in distinct.items() if key not in known]
                for batch in batches(todo) if todo else ():
                    given = self._given(expert, batch)
                    _write(own, given)
                    known |= given
        return [known[question.key] for question in questions]

    def _given(self, expert: Expert, batch: Sequence[Question]) -> dict[tuple[str, str], Any]:
        given = expert(batch)
        self.calls += 1
        self.asked += len(batch)
        if len(given) != len(batch):
            msg = f"expert {self.expert!r} was asked {len(batch)} questions and gave {len(given)} answers"
            raise StageError(msg)
        # What is kept is what a later run reads: JSON, not the object it was made from.
        return {question.key: json.loads(canonical(one)) for question, one in zip(batch, given, strict=True)}

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self.path, timeout=_PATIENCE)) as connection:
                connection.execute(_TABLE)
                yield connection
        except (sqlite3.Error, OSError) as error:
            msg = (
                f"the answers of {self.expert!r} in {str(self.path)!r} cannot be kept: {error}. Free the disk, or delete "
                f"the file if it is broken; what it held is asked again"
            )
            raise StageError(msg) from error

    def _beside(self, missing: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Any]:
        found: dict[tuple[str, str], Any] = {}
        for path in sorted(self.run.directory.parent.glob(f"*/answers/{self.path.name}")):
            if path != self.path:
                found |= _read_other(path, [key for key in missing if key not in found])
        return found


def _read(connection: sqlite3.Connection, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Any]:
    found = {}
    for key in keys:
        row = connection.execute("SELECT answer FROM answers WHERE image = ? AND question = ?", key).fetchone()
        if row is not None:
            found[key] = json.loads(row[0])
    return found


def _read_other(path: Path, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Any]:
    """Read another run's answers; a file that cannot be read is that run's business, and as good as absent."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            return _read(connection, keys)
    except sqlite3.Error:
        return {}


def _write(connection: sqlite3.Connection, given: dict[tuple[str, str], Any]) -> None:
    if given:
        with connection:
            rows = ((*key, canonical(answer)) for key, answer in given.items())
            connection.executemany("INSERT OR REPLACE INTO answers VALUES (?, ?, ?)", rows)


def _content(path: Path) -> str:
    """Return the hash of an image that is not part of a run, as the run would name it."""
    try:
        with path.open("rb") as file:
            return file_digest(file, "sha256").hexdigest()
    except OSError as error:
        msg = f"image {str(path)!r} cannot be read: {error.strerror or error}"
        raise StageError(msg) from error

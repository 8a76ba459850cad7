"""Every answer that was paid for, written down before anything else is done with it.

One JSON line an answer, flushed to the disk, in a file of this process's own. So a run that is killed asks nothing twice,
and a line that was being written when it died is only a question that is asked again. Runs beside this one are read too:
a recipe with another selector, in another directory, does not pay for the same answers.
"""

import json
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import asdict, define, field, frozen

from pairsmith.errors import StageError

_LOG = logging.getLogger(__name__)


@frozen(kw_only=True)
class Answer:
    """What an endpoint answered: one text or several, each with why it ended, and what it cost in tokens."""

    texts: tuple[tuple[str, str], ...]
    model: str
    tokens_in: int = 0
    tokens_out: int = 0


@define
class Journal:
    """The answers of one endpoint in ``directory/journal/name``. ``by`` says who asks, to add up what it spent."""

    directory: Path
    name: str
    by: str
    requests: int = field(init=False, default=0)
    tokens_in: int = field(init=False, default=0)
    tokens_out: int = field(init=False, default=0)
    _places: dict[str, tuple[Path, int]] = field(init=False, factory=dict)
    _descriptor: int | None = field(init=False, default=None)
    _file: Path | None = field(init=False, default=None)

    def __attrs_post_init__(self) -> None:
        """Read where every answer is, in the runs beside this one first."""
        beside = sorted(self.directory.parent.glob(f"*/journal/{self.name}"))
        for folder in (*(path for path in beside if path != self._folder), self._folder):
            self._read(folder)

    @property
    def _folder(self) -> Path:
        return self.directory / "journal" / self.name

    def _read(self, folder: Path) -> None:
        places: dict[str, tuple[Path, int]] = {}
        for path in sorted(folder.glob("*.jsonl")):
            for offset, line in _lines(path):
                if "forget" in line:
                    places.pop(line["forget"], None)
                    continue
                places[line["key"]] = (path, offset)
                if folder == self._folder and line["by"] == self.by:
                    self._spend(line["tokens"])
        self._places |= places

    def _spend(self, tokens: Sequence[int]) -> None:
        self.requests += 1
        self.tokens_in += tokens[0]
        self.tokens_out += tokens[1]

    def get(self, key: str) -> Answer | None:
        """Return the answer to a question, if there is one."""
        if key not in self._places:
            return None
        path, offset = self._places[key]
        try:
            with path.open("rb") as file:
                file.seek(offset)
                line = json.loads(file.readline())
        except (OSError, ValueError):  # another run's, which was deleted in the meantime
            del self._places[key]
            return None
        tokens_in, tokens_out = line["tokens"]
        texts = tuple((text, finish) for text, finish in line["texts"])
        return Answer(texts=texts, model=line["model"], tokens_in=tokens_in, tokens_out=tokens_out)

    def put(self, key: str, answer: Answer) -> None:
        """Write an answer down."""
        said = asdict(answer, recurse=False)
        tokens = [said.pop("tokens_in"), said.pop("tokens_out")]
        place = self._append({"key": key, "by": self.by, "tokens": tokens, **said})
        self._places[key] = place
        self._spend(tokens)

    def forget(self, key: str) -> None:
        """Have a question asked again the next time: its answer was of no use."""
        if self._places.pop(key, None) is not None:
            self._append({"forget": key})

    def _append(self, line: Mapping[str, Any]) -> tuple[Path, int]:
        data = json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        try:
            if self._descriptor is None or self._file is None:
                self._file, self._descriptor = _new_file(self._folder)
            offset = os.lseek(self._descriptor, 0, os.SEEK_END)
            written = os.write(self._descriptor, data)
            while written < len(data):
                written += os.write(self._descriptor, data[written:])
            os.fsync(self._descriptor)
        except OSError as error:
            self.close()  # what it may have written of a line must not become the beginning of the next one
            msg = (
                f"an answer could not be written to {str(self._folder)!r}: {error.strerror or error}. Make room there and "
                f"run the same command again; every answer before it is kept"
            )
            raise StageError(msg) from None
        return self._file, offset

    def close(self) -> None:
        """Close this process's file."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _new_file(folder: Path) -> tuple[Path, int]:
    """Make a file that no other process writes to, with a name after all that are there."""
    folder.mkdir(parents=True, exist_ok=True)
    number = max((int(path.stem) for path in folder.glob("*.jsonl") if path.stem.isdigit()), default=-1) + 1
    while True:
        path = folder / f"{number:06d}.jsonl"
        try:
            return path, os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o644)
        except FileExistsError:
            number += 1


def _lines(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield the whole lines of a journal with where they begin."""
    offset, broken = 0, 0
    with path.open("rb") as file:
        for data in file:
            try:
                line = json.loads(data)
                whole = data.endswith(b"\n") and (
                    "forget" in line or {"key", "by", "texts", "tokens", "model"} <= set(line)
                )
            except (ValueError, TypeError):
                whole = False
            if whole:
                yield offset, line
            else:
                broken += 1
            offset += len(data)
    if broken:
        _LOG.warning("%s has %d lines that cannot be read; what they answered is asked again", path, broken)

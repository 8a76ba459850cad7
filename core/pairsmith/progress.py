"""What a person sees while a run works: a bar per stage on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Protocol, TextIO

from attrs import define, field

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

_EVERY_SECONDS = 10.0


class Task(Protocol):
    """One stage on its way."""

    def advance(self, done: int, total: int | None = None, note: str = "") -> None:
        """Say how many items are done, of how many where that is known, and what else is worth a glance."""


class Progress(Protocol):
    """Where a run says what it does."""

    def say(self, line: str) -> None:
        """Print a line."""

    def stage(self, name: str, total: int | None, done: int = 0) -> AbstractContextManager[Task]:
        """Show a stage while it runs."""


def progress(stream: TextIO | None = None) -> "Progress":
    """Return bars where the stream is a terminal, and plain lines where it is not."""
    stream = sys.stderr if stream is None else stream
    return Terminal() if stream.isatty() else Lines(stream)


@define
class _LineTask:
    name: str
    stream: TextIO
    total: int | None
    done: int
    note: str = ""
    _first: int = field(init=False)
    _began: float = field(init=False, factory=time.monotonic)
    _said: float = field(init=False, factory=time.monotonic)

    def __attrs_post_init__(self) -> None:
        self._first = self.done

    def advance(self, done: int, total: int | None = None, note: str = "") -> None:
        self.done, self.total, self.note = done, total or self.total, note
        if time.monotonic() - self._said > _EVERY_SECONDS:
            self._said = time.monotonic()
            print(f"{self.name}: {self._so_far()}{noted(note)}", file=self.stream, flush=True)

    def _so_far(self) -> str:
        rate = (self.done - self._first) / max(time.monotonic() - self._began, 1e-9)
        of = "" if self.total is None else f"/{self.total}"
        left = f", {max(self.total - self.done, 0) / rate:.0f} s left" if self.total and rate else ""
        return f"{self.done}{of} ({rate:.1f}/s{left})"


@define
class Lines:
    """One line when a stage begins to take long, and one when it is done."""

    stream: TextIO

    def say(self, line: str) -> None:
        """Print a line."""
        print(line, file=self.stream, flush=True)

    @contextmanager
    def stage(self, name: str, total: int | None, done: int = 0) -> Iterator[Task]:
        """Show a stage while it runs."""
        began = time.monotonic()
        task = _LineTask(name, self.stream, total, done)
        yield task
        self.say(f"{name}: {task.done} done in {time.monotonic() - began:.1f} s{noted(task.note)}")


def noted(note: str) -> str:
    """Return a note as the end of a line."""
    return f": {note}" if note else ""


@define
class _BarTask:
    bars: "Bars"
    task: "TaskID"

    def advance(self, done: int, total: int | None = None, note: str = "") -> None:
        if total is not None:
            self.bars.update(self.task, total=total)
        self.bars.update(self.task, completed=done, note=note)


class Terminal:
    """A bar per stage with items a second and the time left; finished bars stay."""

    def __init__(self) -> None:
        """Prepare the columns."""
        from rich.console import Console

        self._console = Console(stderr=True)

    def say(self, line: str) -> None:
        """Print a line."""
        self._console.print(line, markup=False, highlight=False)

    @contextmanager
    def stage(self, name: str, total: int | None, done: int = 0) -> Iterator[Task]:
        """Show a stage while it runs."""
        from rich import progress as columns

        with columns.Progress(
            columns.TextColumn("{task.description:<28}", markup=False),
            columns.BarColumn(bar_width=32),
            columns.MofNCompleteColumn(),
            columns.TextColumn("{task.fields[rate]}", markup=False),
            columns.TimeElapsedColumn(),
            columns.TimeRemainingColumn(elapsed_when_finished=True),
            columns.TextColumn("{task.fields[note]}", markup=False),
            console=self._console,
        ) as bars:
            task = bars.add_task(name, total=total, completed=done, rate="", note="")
            yield _Rated(_BarTask(bars, task), done)


@define
class _Rated:
    bar: _BarTask
    _first: int
    _began: float = field(init=False, factory=time.monotonic)

    def advance(self, done: int, total: int | None = None, note: str = "") -> None:
        rate = (done - self._first) / max(time.monotonic() - self._began, 1e-9)
        self.bar.bars.update(self.bar.task, rate=f"{rate:.1f}/s")
        self.bar.advance(done, total, note)

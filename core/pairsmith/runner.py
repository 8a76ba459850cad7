"""Runs one stage: takes over what is there, makes the parts that are missing, notes when all are."""

import time
import traceback
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from attrs import evolve, fields, frozen, has

from pairsmith.directory import RunDirectory
from pairsmith.errors import PairsmithError, StageError, in_short
from pairsmith.failures import FAILED, failures, few_enough
from pairsmith.inputs import fingerprint
from pairsmith.interfaces import Engine
from pairsmith.progress import Progress
from pairsmith.recipe import Use
from pairsmith.shard import Shard
from pairsmith.stages import Step, Work
from pairsmith.store import FACTS, FULL, Stage, disk_error, write_json


@frozen(kw_only=True)
class Runner:
    """What running a stage takes."""

    directory: RunDirectory
    engine: Engine
    progress: Progress
    shard: Shard | None = None

    def run(self, step: Step, parts: Sequence[int], sizes: Mapping[int, int]) -> Stage:
        """Make the parts of a stage that are missing, or those of a share, which leaves the stage unfinished.

        ``sizes`` are the rows of each part upstream, for the progress bar.
        """
        stage = self.directory.prepare(step.name, step.ingredients)
        finished = stage.done()
        if finished is not None and finished["counts"].get(FAILED, 0) <= (step.may_fail or 0):
            return stage
        began, there = time.monotonic(), {part for part in stage.parts() if not failures(stage, part)}
        todo = [part for part in parts if part not in there and (self.shard is None or self.shard.holds(part))]
        done, total = sum(sizes[part] for part in there), sum(sizes.values())
        try:
            with self.progress.stage(step.name, total, done) as task, self.explained(step.name):
                for part in self.engine.map(_Making(stage, step.work), todo):
                    done += sizes[part]
                    task.advance(done)
        finally:
            with self.explained(step.name):
                if facts := step.facts():
                    write_json(stage.directory / FACTS, facts)
        few_enough(stage, step.may_fail, total)
        if self.shard is None:
            stage.finish(time.monotonic() - began)
        return stage

    def explained(self, name: str) -> "Explained":
        """Return a block in which a component's own error becomes one sentence; the traceback goes to ``error.txt``."""
        return Explained(self.directory, name)


@frozen
class _Making:
    """Makes one part. A class, so that an engine can send it to another process."""

    stage: Stage
    work: Work

    def __call__(self, part: int) -> int:
        counts: Counter[str] = Counter()
        self.stage.write(part, self.work(part, counts), counts)
        return part


@frozen
class Explained:
    """Turns whatever a component raises into a :class:`StageError` that names the stage."""

    directory: RunDirectory
    name: str

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        """Word the error, unless it is worded already."""
        if error is None or isinstance(error, PairsmithError) or not isinstance(error, Exception):
            return
        if isinstance(error, OSError) and error.errno in FULL:
            raise disk_error(error, Path(str(error.filename or self.directory.path))) from error
        where = self.directory.path / "error.txt"
        with suppress(OSError):
            trace = "".join(traceback.format_exception(error))
            where.write_text(trace, encoding="utf-8", errors="backslashreplace")
        msg = (
            f"{self.name}: {type(error).__name__}: {in_short(error)} (the full traceback is in {str(where)!r}). Finished "
            f"parts are kept; the same command goes on from there"
        )
        raise StageError(msg) from error


def component_key(use: Use) -> dict[str, Any]:
    """Return what a component's results depend on: its options, and the content of the files they name."""
    key = dict(use.key())
    paths = use.input_paths()
    return {**key, "inputs": fingerprint(paths)} if paths else key


def asking_key(use: Use) -> dict[str, Any]:
    """Return what a benchmark's samples depend on: not on options that say they matter to scores only."""
    kind = type(use.options)
    names = [one.name for one in fields(kind) if one.metadata.get("scores_only")] if has(kind) else []
    later = {name: getattr(use.options, name) for name in names}
    if not later:
        return component_key(use)
    # Nor on the components that such an option names, such as a judge.
    asking = evolve(use, inner=tuple(one for one in use.inner if _option(use, one) not in later))
    key = dict(asking.key())
    paths = [path for path in asking.input_paths() if str(path) not in map(str, later.values())]
    options = {name: value for name, value in key["options"].items() if name not in later}
    return {**key, "options": options, **({"inputs": fingerprint(paths)} if paths else {})}


def _option(use: Use, inner: Use) -> str:
    """Return the option of a component that names another one."""
    return inner.where.removeprefix(f"{use.where}.").partition("[")[0]


def ingredients(stage: str, upstream: Sequence[Stage], **made_from: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Return what a stage is made from, for its key."""
    return {"stage": stage, "upstream": [other.identity() for other in upstream], **made_from}


def sizes_of(stage: Stage) -> dict[int, int]:
    """Return the number of rows of each part."""
    return {part: stage.end(part)["rows"] for part in stage.parts()}


class LocalEngine:
    """Runs the parts one after another in this process."""

    def __init__(self, options: object = None, run: object = None) -> None:
        """Need nothing."""

    def map(self, work: Any, parts: Any) -> Iterator[Any]:  # noqa: ANN401
        """Yield ``work(part)`` for each part, in order."""
        for part in parts:
            yield work(part)

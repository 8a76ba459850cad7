"""The process that trains: ``python -m pairsmith.worker RUN STAGE``, launched by ``pairsmith run``.

It is given a run directory and a stage and nothing else. Several of these may run together, one per device; they share
the reference log-probabilities out among themselves and then meet in the trainer.
"""

import os
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from attrs import evolve, frozen

from pairsmith import published
from pairsmith.chain import texts
from pairsmith.directory import RunDirectory
from pairsmith.errors import PairsmithError, StageError
from pairsmith.interfaces import Job, Loss, ModelFamily, Paused, Run, Trainer, Weights
from pairsmith.measured import PAUSED
from pairsmith.model import Model, located, with_model
from pairsmith.names import chain_of
from pairsmith.recipe import trained_by
from pairsmith.reference import ReferenceOptions
from pairsmith.registry import Registry
from pairsmith.store import Rows, Stage, write_json
from pairsmith.values import Item
from pairsmith.within import builder

ERROR = "pairsmith: error: "
_POLL_SECONDS = 0.2


@frozen(kw_only=True)
class Order:
    """What one training is to do, as ``job.json`` in its stage says it."""

    training: str
    items: str
    reference: str | None
    weights: Mapping[str, Any]
    seed: int
    pause_at: int | None = None
    published: Mapping[str, Any] | None = None
    until: str | None = None

    @classmethod
    def read(cls, stage: Stage) -> "Order":
        """Read the order of a stage."""
        note = stage.note("job.json")
        if note is None:
            msg = f"{str(stage.directory)!r} has no job.json; start it with 'pairsmith run'"
            raise StageError(msg)
        return cls(**note)


def weights_row(weights: Weights, directory: Path) -> dict[str, Any]:
    """Return weights as JSON; what lies in the run directory is named relative to it."""

    def inside(path: Path) -> str | None:
        return path.relative_to(directory).as_posix() if path.is_relative_to(directory) else None

    own = inside(Path(weights.path)) if Path(weights.path).is_absolute() else None
    return {
        "path": own or weights.path,
        "in_run": own is not None,
        "revision": weights.revision,
        "adapter": None if weights.adapter is None else inside(weights.adapter) or str(weights.adapter),
    }


def weights_of(row: Mapping[str, Any], directory: Path) -> Weights:
    """Return the weights of a row."""
    return Weights(
        path=str(directory / row["path"]) if row["in_run"] else row["path"],
        revision=row["revision"],
        adapter=None if row["adapter"] is None else directory / row["adapter"],
    )


def train(
    directory: RunDirectory, stage: Stage, order: Order, run: Run, family: ModelFamily, loss: Loss, trainer: Trainer
) -> None:
    """Make the reference log-probabilities that are missing, then train, and note where the result is."""
    rank, world = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    codec = directory.codec
    items = Rows(directory.stage(order.items), lambda row: codec.value(row["item"], Item), keep=b'{"item"')
    weights = weights_of(order.weights, directory.path)
    job = Job(
        run=run,
        family=family,
        weights=weights,
        loss=loss,
        items=items,
        reference=None,
        output=stage.directory / "output",
        metrics=stage.directory / "metrics.jsonl",
        seed=order.seed,
        pause_at=order.pause_at,
        published=order.published is not None,
    )
    reference = None
    if order.reference is not None:
        reference = directory.stage(order.reference)
        _reference(trainer, job, items, reference, rank, world, published.options_of(order.published))
    if order.until == "reference":
        return
    known = None if reference is None else Rows(reference, lambda row: row["cells"])
    result = trainer.train(_with_reference(job, known))
    if rank != 0:
        return
    if isinstance(result, Paused):
        write_json(
            stage.directory / PAUSED, {"step": result.step, "weights": weights_row(result.weights, directory.path)}
        )
    else:
        write_json(stage.directory / "result.json", weights_row(result, directory.path))


def _with_reference(job: Job, known: Rows[Mapping[str, Sequence[float]]] | None) -> Job:
    if known is not None and len(known) != len(job.items):
        msg = f"reference: {len(known)} log-probabilities for {len(job.items)} items; delete the stage and run again"
        raise StageError(msg)
    return evolve(job, reference=known)


def _reference(
    trainer: Trainer,
    job: Job,
    items: Rows[Item],
    stage: Stage,
    rank: int,
    world: int,
    given: ReferenceOptions | None,
) -> None:
    """Fill in this process's share of the parts, and wait for the others'."""
    if stage.done() is not None:
        return
    began, parts, there = time.monotonic(), items.stage.parts(), set(stage.parts())
    # What was published is read, by one process; nothing of it is written before a sample of it was seen to be right.
    mine = [part for part in parts if part not in there and (part % world if given is None else 0) == rank]
    read = published.reader(trainer, job, given) if mine and given is not None else partial(trainer.reference, job)
    for part in mine:
        batch = items.part(part)
        rows = zip(batch, read(batch) if batch else [], strict=True)
        stage.write(part, ({"id": item.id, "cells": dict(row)} for item, row in rows))
    while set(stage.parts()) != set(parts):  # the launcher ends this process when another one fails
        time.sleep(_POLL_SECONDS)
    if rank == 0:
        stage.finish(time.monotonic() - began)


def _watch_parent() -> None:
    """End this process when the command that started it is gone, even by SIGKILL: two trainings must never meet."""
    parent = os.environ.get("PAIRSMITH_PARENT")
    if parent is None:
        return

    def watch() -> None:
        while True:
            try:
                os.kill(int(parent), 0)
            except ProcessLookupError:
                os._exit(137)
            time.sleep(_POLL_SECONDS)

    threading.Thread(target=watch, daemon=True).start()


def run_stage(path: Path, name: str) -> None:
    """Do what ``job.json`` of the stage orders."""
    directory = RunDirectory(path.resolve())
    stage = directory.stage(name)
    order = Order.read(stage)
    document = directory.document
    registry = Registry.discover()
    use, loss, trainer = trained_by(document["recipe"], order.training, registry)
    run = Run(
        directory=directory.path,
        images=directory.images,
        seed=document["seed"],
        texts=lambda: texts(chain_of(directory, document["chain"])),
        component=builder(registry, lambda: run),
    )
    model = Model(located(use, registry.models()), run)
    run = with_model(run, model, weights_of(order.weights, directory.path))
    train(directory, stage, order, run, model.family, loss.build(run), trainer.build(run))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one stage; print one sentence where it cannot go on."""
    path, name = sys.argv[1:] if arguments is None else arguments
    _watch_parent()
    try:
        run_stage(Path(path), name)
    except PairsmithError as error:
        print(f"{ERROR}{error}", file=sys.stderr, flush=True)  # noqa: T201 - the run reads it there
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

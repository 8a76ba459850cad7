"""Trains: orders the work, starts the processes that do it and shows how far they are."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from attrs import frozen

from pairsmith import names, published, worker
from pairsmith.directory import RunDirectory
from pairsmith.errors import StageError
from pairsmith.evaluation import Evaluations
from pairsmith.interfaces import BENCHMARK, Loss, Run, Trainer
from pairsmith.measured import PAUSED, keep, last, note, scored, show
from pairsmith.model import Model, Trained, with_model
from pairsmith.options import plain
from pairsmith.preflight import fits
from pairsmith.progress import Progress, Task
from pairsmith.recipe import Recipe, Training
from pairsmith.runner import Explained, ingredients, sizes_of
from pairsmith.seeds import derive
from pairsmith.store import Stage, disk_error, write_json

_POLL_SECONDS = 0.2
_RAISED = re.compile(r"(?:\[rank\d+\]: )?((?:\w+\.)*\w*(?:Error|Exception|Interrupt): .+)")
_KILLED = re.compile(r"failed \(exitcode: -(\d+)\) local_rank: (\d+)")
"""How torchrun says that a process was ended by a signal."""
_LEFT_ALONE = re.compile(r"Connection (closed|reset) by peer|Broken pipe")
_ENVIRONMENT = {
    # Threads that wait for work burn a core each by default, and slow everything else on it down several times.
    "OMP_WAIT_POLICY": "PASSIVE",
    "GOMP_SPINCOUNT": "0",
    "PYTHONUNBUFFERED": "1",
    "TOKENIZERS_PARALLELISM": "false",
}


@frozen(kw_only=True)
class Trainings:
    """Runs the trainings of a recipe, each from the model the one before left."""

    recipe: Recipe
    directory: RunDirectory
    run: Run
    model: Model
    progress: Progress
    evaluations: Evaluations

    def train(self, training: Training, arm: str, items: Stage, start: Trained, *, until: str | None) -> Trained | None:
        """Train once, or return what was trained before; ``None`` where ``until`` says to stop at the reference."""
        name, plan = names.train_stage(arm, training.name), self.recipe.during_training
        seed = derive(self.recipe.seed, "train", training.name)  # the same for both arms: only the pairs differ
        made_from = {
            "loss": training.loss.key(),
            "trainer": training.train.key(),
            "model": _key(self.recipe.model),
            "weights": start.identity,
            "seed": seed,
            **self._published(),
        }
        stage = self.directory.prepare(name, ingredients("train", [items], **made_from))
        if stage.done() is None:
            self._do(training, arm, items, start, stage, seed, until)
            if until == "reference":
                return None
        elif plan is not None and not scored(stage) and last(stage).get("step", 0) > plan.after(0):
            self.progress.say(
                f"{name}: was trained before, without the benchmarks of [during_training]; they are not asked"
            )
        done = stage.done() or {}
        return Trained(
            weights=worker.weights_of(done["weights"], self.directory.path), identity=f"trained {stage.key()}"
        )

    def _do(
        self, training: Training, arm: str, items: Stage, start: Trained, stage: Stage, seed: int, until: str | None
    ) -> None:
        began = time.monotonic()
        run = with_model(self.run, self.model, start.weights)
        with Explained(self.directory, stage.name):
            loss: Loss = training.loss.build(run)
            trainer: Trainer = training.train.build(run)
            fits(self.recipe, training, loss, trainer)
            reference = self._reference(training, arm, items, start, loss, trainer)
        plan = self.recipe.during_training
        order = {
            "training": training.name,
            "items": items.name,
            "reference": None if reference is None else reference.name,
            "weights": worker.weights_row(start.weights, self.directory.path),
            "seed": seed,
            "until": until,
            **self._published(),
        }
        goes_on = True
        self._benchmarks(stage)  # which a training waits for whose run was killed meanwhile
        while goes_on:
            pause_at = plan and plan.after(max(scored(stage), default=0))
            write_json(stage.directory / "job.json", {**order, "pause_at": pause_at})
            if _named(training, self.recipe):
                command = trainer.launch(
                    [sys.executable, "-m", "pairsmith.worker", str(self.directory.path), stage.name]
                )
                self._launch(list(command), stage, reference, items)
            else:  # an object passed in Python cannot be built again elsewhere
                _check_alone(training, trainer)
                with Explained(self.directory, stage.name):
                    given = worker.Order.read(stage)
                    worker.train(self.directory, stage, given, run, self.model.family, loss, trainer)
            goes_on = self._benchmarks(stage)
        if until != "reference":
            show(stage)
            result = stage.note("result.json")
            stage.finish(time.monotonic() - began, {"weights": result, "counts": {"steps": last(stage).get("step", 0)}})

    def _benchmarks(self, stage: Stage) -> bool:
        """Ask the benchmarks that a training waits for; tell whether it did."""
        paused = stage.note(PAUSED)
        if paused is None:
            return False
        step, wanted = int(paused["step"]), self.recipe.during_training
        weights = worker.weights_of(paused["weights"], self.directory.path)
        trained = Trained(weights=weights, identity=f"trained {stage.key()} to step {step}")
        numbers = self.evaluations.at_step(stage.name, step, trained, wanted.benchmarks if wanted else ())
        keep(stage, step, numbers)
        said = ", ".join(f"{name.removeprefix(BENCHMARK)} {value:.4g}" for name, value in numbers.items())
        self.progress.say(f"{stage.name}: step {step}: {said}")
        (stage.directory / PAUSED).unlink()
        return True

    def _reference(
        self, training: Training, arm: str, items: Stage, start: Trained, loss: Loss, trainer: Trainer
    ) -> Stage | None:
        if not loss.uses_reference:
            return None
        name = names.arm_stage("reference", arm, training.name)
        made_from = reference_ingredients(items, loss, trainer, _key(self.recipe.model), start.identity)
        if self.recipe.reference is not None:
            published.check_cells(loss, training.loss.name)
            made_from |= self._published()
        return self.directory.prepare(name, made_from)

    def _published(self) -> dict[str, Any]:
        """Return the options of a reference that came with the data, where the recipe says so."""
        return {} if self.recipe.reference is None else {"published": plain(self.recipe.reference)}

    def _launch(self, command: list[str], stage: Stage, reference: Stage | None, items: Stage) -> None:
        environment = {**_ENVIRONMENT, **os.environ, "PAIRSMITH_PARENT": str(os.getpid())}
        log = stage.directory / "log.txt"
        try:
            file = log.open("ab")
            before = file.tell()
        except OSError as error:
            raise disk_error(error, log) from error
        with (
            file,
            subprocess.Popen(  # noqa: S603 - the trainer made the command
                command, stdout=subprocess.PIPE, stderr=file, env=environment
            ) as process,
        ):
            try:
                talk = threading.Thread(target=self._pass_on, args=(process.stdout, file), daemon=True)
                talk.start()
                if reference is not None and reference.done() is None:
                    self._watch_reference(process, reference, items)
                self._watch_training(process, stage)
                talk.join()
            except BaseException:
                process.terminate()
                raise
        if process.returncode != 0:
            reason = _reason(log, before, process.returncode)
            msg = f"{stage.name}: {reason} (its output is in {str(log)!r}; the same command goes on from there)"
            raise StageError(msg)

    def _pass_on(self, output: IO[bytes] | None, log: IO[bytes]) -> None:
        for line in output or ():
            log.write(line)
            log.flush()
            self.progress.say(line.decode(errors="replace").rstrip("\n"))

    def _watch_reference(self, process: "subprocess.Popen[bytes]", reference: Stage, items: Stage) -> None:
        sizes = sizes_of(items)
        with self.progress.stage(reference.name, sum(sizes.values())) as task:
            while process.poll() is None and reference.done() is None:
                task.advance(sum(sizes[part] for part in reference.parts()))
                time.sleep(_POLL_SECONDS)
            task.advance(sum(sizes[part] for part in reference.parts()))

    def _watch_training(self, process: "subprocess.Popen[bytes]", stage: Stage) -> None:
        with self.progress.stage(f"{stage.name} (steps)", None) as task:
            while process.poll() is None:
                self._advance(task, last(stage))
                time.sleep(_POLL_SECONDS)
            self._advance(task, last(stage))

    def _advance(self, task: Task, row: Mapping[str, Any]) -> None:
        task.advance(int(row.get("step", 0)), row.get("steps"), note(row))


def reference_ingredients(items: Stage, loss: Loss, trainer: Trainer, model: Any, weights: str) -> dict[str, Any]:  # noqa: ANN401
    """Return what reference log-probabilities are made from, for their key.

    These are the items, the cells a loss reads, what of the trainer's options changes them, the model's options (its
    template and pre-processing among them) and its weights. Not the loss itself: another of the same cells reads the same.
    """
    made_from = {
        "cells": [str(cell) for cell in loss.cells],
        "settings": dict(trainer.reference_settings()),
        "model": model,
        "weights": weights,
    }
    return ingredients("reference", [items], **made_from)


def _reason(log: Path, began: int, code: int) -> str:
    """Return why processes ended that wrote a log from byte ``began`` on: their own sentence, an error, or a signal."""
    with log.open("rb") as file:
        file.seek(began)
        text = file.read().decode(errors="replace")
    lines = [line for line in text.splitlines() if line.strip()]
    own = [line for line in lines if worker.ERROR in line]
    if own:
        return own[-1].partition(worker.ERROR)[2]
    errors = [found[1] for line in lines if (found := _RAISED.match(line)) and "ChildFailedError" not in line]
    first = [error for error in errors if not _LEFT_ALONE.search(error)]  # the others say this once one fails
    if first:
        return first[-1]
    killed = [f"process {found[2]} {_ended(int(found[1]))}" for line in lines if (found := _KILLED.search(line))]
    if killed or code < 0:
        return killed[0] if killed else f"its process {_ended(-code)}"
    return (errors or lines or [f"its process ended with exit code {code}"])[-1]


def _ended(number: int) -> str:
    name = signal.Signals(number).name if number in set(signal.Signals) else str(number)
    return f"was ended by {name}" + ("; if nobody sent it, memory ran out" if name == "SIGKILL" else "")


def _key(use: Any) -> Any:  # noqa: ANN401 - a use or nothing
    return None if use is None else use.key()


def _named(training: Training, recipe: Recipe) -> bool:
    return all(use is None or use.offer is not None for use in (training.loss, training.train, recipe.model))


def _check_alone(training: Training, trainer: Trainer) -> None:
    """Refuse several processes where something cannot be built again in each."""
    if training.train.offer is not None and list(trainer.launch(["python"])) != ["python"]:
        msg = (
            f"{training.train.where}: several processes cannot share the loss, trainer or model family that was passed as an "
            f"object; name a component, or train in one process"
        )
        raise StageError(msg)


def corrupts(recipe: Recipe, training: Training | None, run: Run) -> bool:
    """Tell whether a training reads what is corrupted; of several trainings those that do not are spared the work."""
    if training is None or len(recipe.trainings) == 1 or not recipe.corruptions:
        return True
    cells = training.loss.build(run).cells
    return any("corrupted" in (cell.image, cell.context) for cell in cells)

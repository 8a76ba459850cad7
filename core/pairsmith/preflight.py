"""What can be refused of a recipe's trainings before any work of its run is done: answers and pairs may take days."""

from pairsmith import names
from pairsmith.directory import RunDirectory
from pairsmith.errors import StageError
from pairsmith.interfaces import Loss, Run, Trainer
from pairsmith.recipe import Recipe, Training
from pairsmith.runner import Explained


def preflight(recipe: Recipe, directory: RunDirectory, run: Run) -> None:
    """Look at each training that is still to be done; no model is loaded.

    Raises :class:`StageError` where a loss needs a corruption that the recipe lacks, where the trainer cannot pause for
    ``[during_training]``, and with whatever a trainer's own ``check(loss)`` finds.
    """
    for training in recipe.trainings:
        if directory.stage(names.train_stage("", training.name)).done() is None:
            with Explained(directory, training.train.where):
                loss: Loss = training.loss.build(run)
                trainer: Trainer = training.train.build(run)
                fits(recipe, training, loss, trainer)
                check = getattr(trainer, "check", None)
                if check is not None:
                    check(loss)


def fits(recipe: Recipe, training: Training, loss: Loss, trainer: Trainer) -> None:
    """Raise where a recipe lacks what a loss needs, or asks of a trainer what it cannot do."""
    for axis in ("image", "context"):
        if axis not in recipe.corruptions and any(getattr(cell, axis) == "corrupted" for cell in loss.cells):
            msg = (
                f"{training.loss.where}: {training.loss.name!r} needs a corrupted {axis}; "
                f"add a table [corruptions.{axis}]"
            )
            raise StageError(msg)
    if recipe.during_training is not None and not getattr(trainer, "pauses", False):
        msg = (
            f"{training.train.where}: {training.train.name!r} cannot pause for benchmarks (the trainer 'tree' can, on "
            f"one machine); leave out the table [during_training]"
        )
        raise StageError(msg)

"""The trainer: transformers' own, given trees."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from attrs import asdict
from torch.utils.data import Dataset
from transformers import PrinterCallback
from transformers.utils import logging

from pairsmith.interfaces import Job, Run, Weights
from pairsmith.values import Item
from pairsmith_train import engine, guards, results, trainable
from pairsmith_train.arguments import training_arguments
from pairsmith_train.batch import Batch, Collator, Reference, by_cell
from pairsmith_train.callbacks import Marks, Metrics
from pairsmith_train.checkpoints import Checkpoints
from pairsmith_train.encode import Encoder
from pairsmith_train.frozen import Frozen
from pairsmith_train.options import TreeOptions
from pairsmith_train.prepare import prepare, steady
from pairsmith_train.scorer import Scorer
from pairsmith_train.steps import LossTrainer


class TreeTrainer:
    """Implements :class:`pairsmith.interfaces.Trainer`."""

    def __init__(self, options: TreeOptions, run: Run) -> None:  # noqa: ARG002 - the signature of every factory
        """Take the options; nothing is loaded yet."""
        self._options = options
        logging.set_verbosity_error()
        logging.disable_progress_bar()

    def launch(self, worker: Sequence[str]) -> Sequence[str]:
        """Return the command that starts as many processes as the recipe wants."""
        return engine.launch(worker, self._options)

    def reference_settings(self) -> Mapping[str, Any]:
        """Return what changes reference log-probabilities, other than the model and the pairs."""
        options = self._options
        return {"precision": options.precision, "max_length": options.max_length, "over_long": options.over_long}

    # Reference -------------------------------------------------------------------------------------------------------

    def reference(self, job: Job, items: Sequence[Item]) -> list[Mapping[str, Sequence[float]]]:
        """Return each item's log-probabilities under the frozen model. An item that will be left out gets none."""
        scorer, collator = self._reference_scorer(job)
        device = engine.device(self._options)
        found: list[Mapping[str, Sequence[float]]] = [{} for _ in items]
        wanted = [index for index, item in enumerate(items) if collator.encoder.fits(item) is None]
        for start in range(0, len(wanted), self._options.micro):
            indices = wanted[start : start + self._options.micro]
            batch = _to(collator([(items[index], None) for index in indices]), device)
            with torch.inference_mode(), self._autocast(device):
                cells = by_cell(scorer(batch), batch, job.loss.cells)
            for row, index in enumerate(indices):
                found[index] = {
                    str(cell): log_probs.tokens[row][log_probs.mask[row]].tolist() for cell, log_probs in cells.items()
                }
        return found

    def _reference_scorer(self, job: Job) -> tuple[Scorer, Collator]:
        """Load the frozen model once for all parts; :meth:`train` lets it go before it loads its own."""
        if not hasattr(self, "_frozen"):
            model = self._load(job)
            self._frozen = Scorer(model, job.family).eval(), self._collator(job, model)
        return self._frozen

    def _autocast(self, device: str) -> Any:  # noqa: ANN401 - a context manager
        return torch.autocast(device.partition(":")[0], torch.bfloat16, enabled=self._options.precision == "bf16")

    def _dtype(self) -> str:
        """Return the type of the weights: an adapter's frozen base may be coarse, what is trained may not."""
        return "bfloat16" if self._options.precision == "bf16" and self._options.lora is not None else "float32"

    # Training --------------------------------------------------------------------------------------------------------

    def train(self, job: Job) -> Weights:
        """Train, from the last whole checkpoint if there is one, and return where the result is."""
        if hasattr(self, "_frozen"):
            del self._frozen
        if not results.place(job, self._options).exists():
            self._train(job)
        return results.weights(job, self._options)

    def _train(self, job: Job) -> None:
        options = self._options
        guards.possible(job, options)
        engine.before_models(options)
        checkpoints = Checkpoints(job.output / "checkpoints")
        arguments = training_arguments(options, checkpoints.directory, job.seed)
        first = arguments.process_index == 0
        say = _say if first else _silent
        model = self._load(job)
        frozen = self._frozen_reference(job)
        torch.manual_seed(job.seed)  # after loading, which draws numbers under one engine and none under another
        model = prepare(model, job.family, options)
        if options.gradient_checkpointing:
            model.gradient_checkpointing_enable({"use_reentrant": False})  # type: ignore[operator]
            model.enable_input_require_grads()  # type: ignore[operator]
        if first:
            self._table(model, job)
        collator = self._collator(job, model)
        kept = guards.usable(job.items, collator.encoder, options.batch_size, say)
        if first:
            checkpoints.sweep()
        trainer = LossTrainer(
            model=Scorer(model, job.family, frozen),
            args=arguments,
            train_dataset=_Items(job, kept),
            data_collator=collator,
            callbacks=[Marks(checkpoints), Metrics(job.metrics)],
        )
        trainer.remove_callback(PrinterCallback)  # its lines are in the metrics file, and the run shows its own
        trainer.loss, trainer.precision = job.loss, options.precision
        trainer.checked = not (options.lora and options.lora.dropout)
        trainer.full_learning_rate = options.lora.full_learning_rate if options.lora else None
        engine.check_running(options, trainer.accelerator.distributed_type, arguments.world_size)
        trainer.accelerator.wait_for_everyone()
        last = checkpoints.last()
        if last is not None:
            say(f"goes on from step {last.name.partition('-')[2]}")
        trainer.train(resume_from_checkpoint=None if last is None else str(last))
        self._save(trainer, job, collator)
        trainer.accelerator.wait_for_everyone()
        if first:
            checkpoints.remove()

    def _load(self, job: Job) -> Any:  # noqa: ANN401 - a transformers model
        return steady(job.family.load(job.weights, device=engine.device(self._options), dtype=self._dtype()))

    def _table(self, model: torch.nn.Module, job: Job) -> None:
        """Say what is trained, and keep it beside the metrics."""
        found = trainable.rows(model, job.family, self._options)
        for line in trainable.table(found):
            _say(line)
        for name in trainable.frozen_in_full(model, job.family, self._options):
            _say(f"{name} stays as it is: it is in no module of its own, which peft would need to train it in full")
        path = job.metrics.with_name("trained.json")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps([asdict(row) for row in found], indent=1) + "\n", encoding="utf-8")

    def _frozen_reference(self, job: Job) -> Frozen | None:
        """Return the reference that runs beside the policy, where the loss asks for divergences."""
        if not getattr(job.loss, "uses_kl", False):
            return None
        if self._options.lora is not None:
            return Frozen(job.family)
        model = self._load(job)
        return Frozen(job.family, model.requires_grad_(False).eval())  # noqa: FBT003

    def _save(self, trainer: LossTrainer, job: Job, collator: Collator) -> None:
        """Write the result. Where the ranks hold a part each, all of them gather it first."""
        whole = engine.gathered(trainer.model_wrapped, self._options, trainer.accelerator)
        state = None if whole is None else {name.removeprefix("model."): value for name, value in whole.items()}
        if trainer.args.process_index == 0:
            model: Any = trainer.accelerator.unwrap_model(trainer.model).model
            results.write(model, state, collator.codec, job, self._options, self._dtype())

    def _collator(self, job: Job, model: Any) -> Collator:  # noqa: ANN401 - any transformers model
        config = getattr(model.config, "text_config", model.config)
        limit = self._options.max_length or getattr(config, "max_position_embeddings", None)
        codec = job.family.codec(job.weights)
        return Collator(Encoder(codec, tuple(job.loss.cells), limit, cut=self._options.over_long == "cut"))


class _Items(Dataset[tuple[Item, Reference | None]]):
    """The items that can be trained on, each with its reference, read from the disk when asked for."""

    def __init__(self, job: Job, kept: Sequence[int]) -> None:
        self._items, self._reference, self._kept = job.items, job.reference, kept

    def __len__(self) -> int:
        return len(self._kept)

    def __getitem__(self, index: int) -> tuple[Item, Reference | None]:
        place = self._kept[index]
        return self._items[place], None if self._reference is None else self._reference[place]


def _to(batch: Batch, device: str) -> Batch:
    return {
        name: {key: one.to(device) for key, one in value.items()} if isinstance(value, dict) else value.to(device)
        for name, value in batch.items()
    }


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - pairsmith shows what a training process prints


def _silent(_: str) -> None:
    """Say nothing: the first process speaks for all."""


__all__ = ["TreeTrainer"]

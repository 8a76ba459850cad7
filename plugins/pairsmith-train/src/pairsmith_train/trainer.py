"""The trainer: transformers' own, given trees."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import Dataset
from transformers import PrinterCallback, Trainer, TrainingArguments
from transformers.utils import logging

from pairsmith.errors import StageError
from pairsmith.interfaces import Job, Loss, Run, Weights
from pairsmith.values import Item
from pairsmith_train import engine, guards, passes
from pairsmith_train.batch import Batch, Collator, Reference, by_cell, stored
from pairsmith_train.callbacks import Marks, Metrics
from pairsmith_train.checkpoints import Checkpoints
from pairsmith_train.encode import Encoder
from pairsmith_train.frozen import Frozen
from pairsmith_train.options import TreeOptions
from pairsmith_train.prepare import prepare, table
from pairsmith_train.scorer import Scorer


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
            for group, packed in collator.passes([(items[index], None) for index in indices]):
                batch = _to(packed, device)
                with torch.inference_mode(), self._autocast(device):
                    cells = by_cell(scorer(batch), batch, job.loss.cells)
                for row, place in enumerate(group):
                    found[indices[place]] = {
                        str(cell): log_probs.tokens[row][log_probs.mask[row]].tolist()
                        for cell, log_probs in cells.items()
                    }
        return found

    def _reference_scorer(self, job: Job) -> tuple[Scorer, Collator]:
        """Load the frozen model once for all parts; :meth:`train` lets it go before it loads its own."""
        if not hasattr(self, "_frozen"):
            model = job.family.load(job.weights, device=engine.device(self._options), dtype=self._dtype())
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
        result = job.output / ("model" if self._self_contained(job) else "adapter")
        if not result.exists():
            self._train(job, result)
        if self._self_contained(job):
            return Weights(path=str(result))
        return Weights(path=job.weights.path, revision=job.weights.revision, adapter=result)

    def _self_contained(self, job: Job) -> bool:
        """Tell whether the result is a model of its own: always, but for an adapter on the base as it was."""
        return self._options.lora is None or job.weights.adapter is not None

    def _train(self, job: Job, result: Path) -> None:
        options = self._options
        if options.parallel in {"zero3", "fsdp2"} and options.lora is not None and job.weights.adapter is not None:
            msg = (
                f"train.parallel = {options.parallel!r} cannot merge the adapter that the training before left: no rank has "
                f"the whole model. Take 'zero2', or train the weights in one of the two"
            )
            raise StageError(msg)
        if options.parallel == "zero3" and options.lora is None and getattr(job.loss, "uses_kl", False):
            msg = (
                "train.parallel = 'zero3' cannot hold the reference model that the loss needs in every step; take 'zero2', "
                "or train an adapter, [train.lora], whose base is the reference"
            )
            raise StageError(msg)
        if options.pack_tokens is not None:
            passes.check_separable(job.loss)
        engine.before_models(options)
        checkpoints = Checkpoints(job.output / "checkpoints")
        arguments = self._arguments(checkpoints.directory, job.seed)
        first = arguments.process_index == 0
        say = _say if first else _silent
        model = job.family.load(job.weights, device=engine.device(options), dtype=self._dtype())
        frozen = self._frozen_reference(job)
        torch.manual_seed(job.seed)  # after loading, which draws numbers under one engine and none under another
        model = prepare(model, job.family, options)
        if options.gradient_checkpointing:
            model.gradient_checkpointing_enable({"use_reentrant": False})  # type: ignore[operator]
            model.enable_input_require_grads()  # type: ignore[operator]
        for line in table(model, job.family):
            say(line)
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
        engine.check_running(options, trainer.accelerator.distributed_type, arguments.world_size)
        trainer.accelerator.wait_for_everyone()
        last = checkpoints.last()
        if last is not None:
            say(f"goes on from step {last.name.partition('-')[2]}")
        trainer.train(resume_from_checkpoint=None if last is None else str(last))
        self._save(trainer, job, collator, result)
        trainer.accelerator.wait_for_everyone()
        if first:
            checkpoints.remove()

    def _frozen_reference(self, job: Job) -> Frozen | None:
        """Return the reference that runs beside the policy, where the loss asks for divergences."""
        if not getattr(job.loss, "uses_kl", False):
            return None
        if self._options.lora is not None:
            return Frozen(job.family)
        model = job.family.load(job.weights, device=engine.device(self._options), dtype=self._dtype())
        return Frozen(job.family, model.requires_grad_(False).eval())  # noqa: FBT003

    def _save(self, trainer: "LossTrainer", job: Job, collator: Collator, result: Path) -> None:
        """Write the result under a temporary name and rename it. Under ZeRO-3 all ranks gather it first."""
        whole = engine.gathered(trainer.model_wrapped, self._options, trainer.accelerator)
        state = None if whole is None else {name.removeprefix("model."): value for name, value in whole.items()}
        if trainer.args.process_index != 0:
            return
        model: Any = trainer.accelerator.unwrap_model(trainer.model).model
        temporary = result.with_name(f".{result.name}.tmp")
        shutil.rmtree(temporary, ignore_errors=True)
        if self._options.lora is not None and self._self_contained(job):
            model, state = model.merge_and_unload(), None
        # transformers 5.23 would put the prefixes of an older format before gathered names twice.
        gathered = {} if state is None else {"state_dict": state, "save_original_format": False}
        model.save_pretrained(temporary, **gathered)
        if self._self_contained(job):
            collator.codec.save(temporary)
        temporary.replace(result)

    def _collator(self, job: Job, model: Any) -> Collator:  # noqa: ANN401 - any transformers model
        config = getattr(model.config, "text_config", model.config)
        limit = self._options.max_length or getattr(config, "max_position_embeddings", None)
        codec = job.family.codec(job.weights)
        encoder = Encoder(codec, tuple(job.loss.cells), limit, cut=self._options.over_long == "cut")
        return Collator(encoder, self._options.pack_tokens)

    def _arguments(self, output: Path, seed: int) -> TrainingArguments:
        options = self._options
        return TrainingArguments(
            output_dir=str(output),
            per_device_train_batch_size=options.micro,
            gradient_accumulation_steps=options.accumulated,
            num_train_epochs=options.epochs,
            learning_rate=options.learning_rate,
            lr_scheduler_type=options.schedule,
            warmup_steps=options.warmup_steps,
            adam_beta1=options.betas[0],
            adam_beta2=options.betas[1],
            weight_decay=options.weight_decay,
            max_grad_norm=options.max_grad_norm,
            bf16=options.precision == "bf16",
            use_cpu=engine.device(options) == "cpu",
            save_strategy="steps",
            save_steps=options.save_steps,
            save_total_limit=options.keep,
            logging_strategy="steps",
            logging_steps=1,
            seed=seed % 2**31,
            data_seed=seed % 2**31,
            remove_unused_columns=False,
            dataloader_num_workers=options.loader_workers,
            dataloader_pin_memory=False,
            dataloader_drop_last=True,
            report_to="none",
            disable_tqdm=True,
            log_level="error",
            **engine.arguments(options),
        )


class LossTrainer(Trainer):  # type: ignore[misc]
    """transformers' trainer with a loss of its own, and steps of several passes. Nothing else is overridden."""

    loss: Loss
    precision: str = "fp32"
    checked: bool = True
    """Whether the first step is still to be checked; dropout makes a policy differ from its own reference."""

    def training_step(self, model: torch.nn.Module, inputs: Batch, num_items_in_batch: Any = None) -> torch.Tensor:  # noqa: ANN401
        """Go forward and backward, in as many passes as the step was packed into."""
        one = super().training_step
        if passes.PASSES not in inputs:
            return one(model, inputs, num_items_in_batch)  # type: ignore[no-any-return]
        before = list(getattr(self.state, "watched", []))
        loss = passes.run(self.accelerator, model, inputs, lambda batch: one(model, batch, num_items_in_batch))
        shares = [float(batch[passes.SHARE]) for batch in inputs[passes.PASSES]]
        watched = self.state.watched[len(before) :][: len(shares)]
        self.state.watched = [*before, passes.weighted(watched, shares)]
        return loss

    def compute_loss(
        self,
        model: torch.nn.Module,
        inputs: Batch,
        return_outputs: bool = False,  # noqa: FBT001, FBT002 - transformers' signature
        num_items_in_batch: Any = None,  # noqa: ANN401, ARG002
    ) -> Any:  # noqa: ANN401
        """Return the mean loss of a batch, and keep what is watched for the next log line."""
        flat = model(inputs)
        policy = by_cell(flat, inputs, self.loss.cells)
        reference = stored(inputs, self.loss.cells) if self.loss.uses_reference else {}
        if self.loss.uses_reference and self.checked and self.state.global_step == 0:
            guards.first_step(self.loss, policy, reference, self.precision)
        self.checked = False
        terms = self.loss(policy, reference)
        self._watch({name: float(value.float().mean()) for name, value in terms.metrics.items()})
        mean = terms.loss.mean() * inputs.get(passes.SHARE, 1.0)
        return (mean, {"log_probs": flat}) if return_outputs else mean

    def _watch(self, metrics: Mapping[str, float]) -> None:
        self.state.watched = [*getattr(self.state, "watched", []), metrics]


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


__all__ = ["LossTrainer", "TreeTrainer"]

"""The trainer: one of TRL's, given a model, batches and a configuration by its public arguments."""

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from datasets import Dataset
from transformers import PrinterCallback, ProcessorMixin
from transformers.utils import logging

from pairsmith.errors import StageError
from pairsmith.interfaces import Codec, Job, Loss, Run, Weights
from pairsmith.resuming import Checkpoints, put
from pairsmith.usable import usable
from pairsmith.values import Item
from pairsmith_trl import engine, installed
from pairsmith_trl.callbacks import Metrics, Naming
from pairsmith_trl.collate import Collator
from pairsmith_trl.encode import Encoder
from pairsmith_trl.losses import Kto, Sft, TrlLoss
from pairsmith_trl.options import TrlOptions
from pairsmith_trl.prepare import adapter, freeze, table


class TrlTrainer:
    """Implements :class:`pairsmith.interfaces.Trainer`."""

    def __init__(self, options: TrlOptions, run: Run) -> None:  # noqa: ARG002 - the signature of every factory
        """Take the options; nothing is loaded yet."""
        # TRL reports every training to its makers unless told not to. The processes that train inherit this.
        os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
        installed.version()
        self._options = options
        logging.set_verbosity_error()
        logging.disable_progress_bar()

    def check(self, loss: Loss) -> None:
        """Refuse, before any work of the run is done, what TRL cannot train."""
        engine.possible(self._options)
        if isinstance(loss, Kto) and loss.estimates and self._options.micro == 1:
            msg = (
                "train.micro_batch_size = 1 leaves 'trl-kto' no other prompt's answer to estimate its reference point "
                "from; take at least 2, or loss.loss_type = 'apo_zero_unpaired'"
            )
            raise StageError(msg)

    def launch(self, worker: Sequence[str]) -> Sequence[str]:
        """Return the command that starts as many processes as the recipe wants."""
        return engine.launch(worker, self._options)

    def reference_settings(self) -> Mapping[str, Any]:
        """Return nothing: TRL computes its own reference in every step, and none is stored."""
        return {}

    def reference(self, job: Job, items: Sequence[Item]) -> Sequence[Mapping[str, Sequence[float]]]:  # noqa: ARG002
        """Refuse: a loss that wants a stored reference is none of TRL's."""
        raise StageError(_not_ours(job.loss))

    def train(self, job: Job) -> Weights:
        """Train, from the last whole checkpoint if there is one, and return where the result is."""
        result = job.output / ("model" if self._self_contained(job) else "adapter")
        if not result.exists():
            checkpoints = Checkpoints(job.output / "checkpoints")
            with checkpoints.with_room():
                self._train(job, result, checkpoints)
        if self._self_contained(job):
            return Weights(path=str(result))
        return Weights(path=job.weights.path, revision=job.weights.revision, adapter=result)

    def _self_contained(self, job: Job) -> bool:
        """Tell whether the result is a model of its own: always, but for an adapter on the base as it was."""
        return self._options.lora is None or job.weights.adapter is not None

    def _train(self, job: Job, result: Path, checkpoints: Checkpoints) -> None:
        options, loss = self._options, job.loss
        if not isinstance(loss, TrlLoss):
            raise StageError(_not_ours(loss))
        self.check(loss)
        codec = job.family.codec(job.weights)
        processor = _processor(codec)
        arguments = self._arguments(loss, checkpoints.unfinished, job.seed)
        first = arguments.process_index == 0
        say = _say if first else _silent
        if first:
            checkpoints.sweep(say)
        arguments.distributed_state.wait_for_everyone()
        last, metrics = checkpoints.last(), Metrics(job.metrics)
        if first:
            metrics.resume(0 if last is None else int(last.name.partition("-")[2]))
        model = self._load(job, job.weights if last is None or options.lora else Weights(path=str(last)))
        freeze(model, job.family, options)
        encoder = Encoder(codec, loss.cells, self._limit(model), options.over_long == "cut")
        kept = usable(job.items, encoder, options.batch_size, say, job.metrics if first else None)
        reference = loss.keeps_reference and options.lora is None
        trainer = _trl(loss.trainer)(
            model=model,
            args=arguments,
            train_dataset=_rows(kept, loss, job.seed),
            data_collator=Collator(job.items, encoder, loss),
            processing_class=processor,
            peft_config=adapter(model, job.family, options),
            callbacks=[Naming(checkpoints, options.keep), metrics],
            **({"ref_model": self._load(job, job.weights).requires_grad_(False)} if reference else {}),  # noqa: FBT003
        )
        trainer.remove_callback(PrinterCallback)  # its lines are in the metrics file, and the run shows its own
        engine.check_running(options, trainer.accelerator.distributed_type, arguments.world_size)
        for line in table(trainer.model, job.family):
            say(line)
        if last is not None:
            say(f"goes on from step {last.name.partition('-')[2]}")
        trainer.train(resume_from_checkpoint=None if last is None else str(last))
        if first:
            self._save(trainer, job, codec, result)
        trainer.accelerator.wait_for_everyone()
        if first:
            checkpoints.remove()

    def _load(self, job: Job, weights: Weights) -> Any:  # noqa: ANN401 - a transformers model
        """Load a model. A checkpoint of full fine-tuning is one: transformers may miss its names when it resumes."""
        coarse = self._options.precision == "bf16" and self._options.lora is not None
        dtype = "bfloat16" if coarse else "float32"  # an adapter's frozen base may be coarse, what is trained may not
        return job.family.load(weights, device=engine.device(self._options), dtype=dtype)

    def _limit(self, model: Any) -> int | None:  # noqa: ANN401
        config = getattr(model.config, "text_config", model.config)
        limit: int | None = self._options.max_length or getattr(config, "max_position_embeddings", None)
        return limit

    def _save(self, trainer: Any, job: Job, codec: Codec, result: Path) -> None:  # noqa: ANN401
        """Write the result under a temporary name and rename it."""
        model: Any = trainer.accelerator.unwrap_model(trainer.model)
        temporary = result.with_name(f".{result.name}.tmp")
        shutil.rmtree(temporary, ignore_errors=True)
        if self._options.lora is not None and self._self_contained(job):
            model = model.merge_and_unload()
        model.save_pretrained(temporary)
        if self._self_contained(job):
            codec.save(temporary)
        put(temporary, result)

    def _arguments(self, loss: TrlLoss, output: Path, seed: int) -> Any:  # noqa: ANN401 - one of TRL's configurations
        options = self._options
        dropout = {} if isinstance(loss, Sft) else {"disable_dropout": not (options.lora and options.lora.dropout)}
        return _trl(loss.config)(
            output_dir=str(output),
            per_device_train_batch_size=options.micro,
            gradient_accumulation_steps=options.accumulated,
            num_train_epochs=options.epochs,
            learning_rate=options.learning_rate,
            lr_scheduler_type=options.scheduled,
            warmup_steps=options.warm_up,
            adam_beta1=options.betas[0],
            adam_beta2=options.betas[1],
            weight_decay=options.weight_decay,
            max_grad_norm=options.max_grad_norm,
            bf16=options.precision == "bf16",
            use_cpu=engine.device(options) == "cpu",
            gradient_checkpointing=options.gradient_checkpointing,
            max_length=None,  # the encoder keeps to the limit, and never cuts an image
            save_strategy="steps",
            save_steps=options.save_steps,
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
            **dropout,
            **loss.given(),
            **engine.arguments(options),
        )


def _trl(name: str) -> Callable[..., Any]:
    import trl

    found: Callable[..., Any] = getattr(trl, name)
    return found


def _rows(kept: Sequence[int], loss: TrlLoss, seed: int) -> Any:  # noqa: ANN401 - a datasets.Dataset
    """Return the numbers of the items, which is all that TRL holds of them.

    The column ``images`` makes TRL leave encoding to the collator. KTO goes through its rows in order, so they are shuffled
    once.
    """
    rows = Dataset.from_dict({"item": list(kept), "images": [[] for _ in kept]})
    return rows.shuffle(seed=seed % 2**31) if isinstance(loss, Kto) else rows


def _processor(codec: Codec) -> Any:  # noqa: ANN401 - a transformers processor
    found = getattr(codec, "processor", None)
    if not isinstance(found, ProcessorMixin):
        msg = "TRL must be given a processor of transformers, and this model family has none; take train.use = 'tree'"
        raise StageError(msg)
    return found


def _not_ours(loss: Loss) -> str:
    return (
        f"'trl' cannot train with the loss {type(loss).__name__}; write loss.use = 'trl-dpo', 'trl-kto' or 'trl-sft', "
        f"or another trainer as train.use"
    )


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - pairsmith shows what a training process prints


def _silent(_: str) -> None:
    """Say nothing: the first process speaks for all."""


__all__ = ["TrlTrainer"]

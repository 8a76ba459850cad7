"""The trainer: transformers' own, given trees."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from attrs import asdict, evolve
from transformers import PrinterCallback, TrainerCallback, TrainingArguments
from transformers.utils import logging

from pairsmith.interfaces import BENCHMARK, Job, Loss, Paused, Run, Weights
from pairsmith.values import Item
from pairsmith_train import engine, guards, pausing, results, trackers, trainable
from pairsmith_train.arguments import training_arguments
from pairsmith_train.batch import Batch, Collator, by_cell
from pairsmith_train.callbacks import Marks, Metrics
from pairsmith_train.card import Facts
from pairsmith_train.checkpoints import Checkpoints
from pairsmith_train.encode import Encoder
from pairsmith_train.frozen import Frozen
from pairsmith_train.held_out import Best, WhenDue, split
from pairsmith_train.options import TreeOptions
from pairsmith_train.prepare import prepare, steady
from pairsmith_train.rows import Items, Placed
from pairsmith_train.scorer import Scorer
from pairsmith_train.steps import LossTrainer
from pairsmith_train.stopped import FILE, Stop
from pairsmith_train.watching import Clock, Tally


class TreeTrainer:
    """Implements :class:`pairsmith.interfaces.Trainer`."""

    def __init__(self, options: TreeOptions, run: Run) -> None:  # noqa: ARG002 - the signature of every factory
        """Take the options; nothing is loaded yet."""
        self._options = options
        logging.set_verbosity_error()
        logging.disable_progress_bar()

    @property
    def pauses(self) -> bool:
        """Whether it can pause: several machines would each have to be started again by hand."""
        return self._options.nodes == 1

    def launch(self, worker: Sequence[str]) -> Sequence[str]:
        """Return the command that starts as many processes as the recipe wants."""
        trackers.check_installed(self._options)
        return engine.launch(worker, self._options)

    def reference_settings(self) -> Mapping[str, Any]:
        """Return what changes reference log-probabilities, other than the model and the pairs."""
        options = self._options
        lengths = {"max_length": options.max_length, "over_long": options.over_long}
        return {"precision": options.precision, "dtype": self._dtype(), **lengths}

    def sums_suffice(self, loss: Loss) -> bool:
        """Tell whether a loss reads no more of the reference than the log-probability of whole answers."""
        return guards.sums_suffice(loss)

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
            model = self._load(job)
            self._frozen = Scorer(model, job.family).eval(), self._collator(job, model)
        return self._frozen

    def _autocast(self, device: str) -> Any:  # noqa: ANN401 - a context manager
        return torch.autocast(device.partition(":")[0], torch.bfloat16, enabled=self._options.precision == "bf16")

    def _dtype(self) -> str:
        """Return the type of the weights: an adapter's frozen base may be coarse, what is trained may not."""
        return "bfloat16" if self._options.precision == "bf16" and self._options.lora is not None else "float32"

    # Training --------------------------------------------------------------------------------------------------------

    def train(self, job: Job) -> Weights | Paused:
        """Train, from the last whole checkpoint if there is one, and return where the result is."""
        if hasattr(self, "_frozen"):
            del self._frozen
        if not results.place(job, self._options).exists():
            checkpoints = Checkpoints(job.output / "checkpoints")
            paused = pausing.paused(job, self._options, checkpoints)
            if paused is None:
                with checkpoints.with_room():
                    paused = self._train(job, checkpoints)
            if paused is not None:
                return paused
        return results.weights(job, self._options)

    def _train(self, job: Job, checkpoints: Checkpoints) -> Paused | None:
        options = self._options
        guards.possible(job, options)
        engine.before_models(options)
        arguments = training_arguments(options, checkpoints.directory, job.seed)
        first = arguments.process_index == 0
        say = _say if first else _silent
        model = self._load(job)
        frozen = self._frozen_reference(job)
        torch.manual_seed(job.seed)  # after loading, which draws numbers under one engine and none under another
        model = self._prepared(model, job)
        trained = trainable.rows(model, job.family, options)
        if first:
            self._table(model, job, trained)
        collator = self._collator(job, model)
        train, held_out = self._places(job, collator, say)
        if first:
            checkpoints.sweep(say)
            pausing.remove(job)
        metrics = Metrics(job.metrics)
        facts = Facts(job=job, options=options, trained_on=len(train), held_out=len(held_out), trained=trained)
        trainer = self._steps(Scorer(model, job.family, frozen), arguments, facts, collator, (train, held_out))
        for callback in self._beside(trainer, facts, collator, checkpoints, metrics):
            trainer.add_callback(callback)
        engine.check_running(options, trainer.accelerator.distributed_type, arguments.world_size)
        trainer.accelerator.wait_for_everyone()
        last = checkpoints.last()
        step = 0 if last is None else int(last.name.partition("-")[2])
        if last is not None:
            say(f"goes on from step {step}")
        if first:
            metrics.resume(step)
        trainer.train(resume_from_checkpoint=None if last is None else str(last))
        trainer.accelerator.wait_for_everyone()
        if job.pause_at == trainer.state.global_step < trainer.state.max_steps:
            return pausing.paused(job, options, checkpoints)
        if trainer.best is not None:
            facts = evolve(facts, step=trainer.best.step)
            say(f"the result is step {trainer.best.step}, whose held-out loss of {trainer.best.loss:.4f} is the lowest")
        self._save(trainer, facts, collator, trainer.best)
        trainer.accelerator.wait_for_everyone()
        if first:
            checkpoints.remove()
            if trainer.best is not None:
                trainer.best.remove()
        return None

    def _steps(
        self,
        scorer: Scorer,
        arguments: TrainingArguments,
        facts: Facts,
        collator: Collator,
        places: tuple[Sequence[int], tuple[int, ...]],
    ) -> LossTrainer:
        """Return what takes the steps, on the places of the items to train on and of those held out."""
        job, options = facts.job, self._options
        train, held_out = places
        trainer = LossTrainer(
            model=scorer,
            args=arguments,
            train_dataset=Items(job.items, job.reference, train),
            data_collator=Placed(collator),
        )
        trainer.remove_callback(PrinterCallback)  # its lines are in the metrics file, and the run shows its own
        trainer.loss, trainer.precision = job.loss, options.precision
        trainer.clock, trainer.tally, trainer.pad_token = Clock(), Tally(), collator.codec.pad_token
        trainer.stop = Stop(
            items=job.items, cells=job.loss.cells, path=job.metrics.with_name(FILE), limit=options.margin_limit
        )
        # What was published came of other hardware and perhaps another precision; a sample of it was compared before.
        trainer.checked = not (options.lora and options.lora.dropout) and not job.published
        trainer.full_learning_rate = options.lora.full_learning_rate if options.lora else None
        if options.held_out is not None:
            trainer.held_out = held_out
            trainer.best = Best(job.output / "best.safetensors") if options.held_out.best else None
            trainer.trained_state = lambda: self._trained(trainer)
        return trainer

    def _beside(
        self, trainer: LossTrainer, facts: Facts, collator: Collator, checkpoints: Checkpoints, metrics: Metrics
    ) -> Iterator[TrainerCallback]:
        """Yield what happens beside the steps. The weights of a pause are written before its checkpoint is marked."""
        job = facts.job
        yield trainer.clock
        if job.pause_at is not None:
            there = evolve(facts, job=pausing.at(job, job.pause_at))
            yield pausing.Pause(job.pause_at, lambda: self._save(trainer, there, collator))
        yield Marks(checkpoints)
        yield metrics
        tracking = trackers.callbacks(self._options, job.metrics.parent)
        yield from tracking
        yield pausing.Told(job.metrics, tracking, BENCHMARK)
        if self._options.held_out is not None:
            yield WhenDue(self._options.held_out)

    def _places(
        self, job: Job, collator: Collator, say: Callable[[str], None]
    ) -> tuple[Sequence[int], tuple[int, ...]]:
        """Return the places of the items that are trained on, and of those held out."""
        options = self._options
        kept = guards.usable(job.items, collator.encoder, options.batch_size, say)
        if options.held_out is None:
            return kept, ()
        found = split(job.items, kept, options.held_out.share, job.seed)
        say(f"{len(found.held_out)} of {len(kept)} items are held out, with all their images")
        guards.enough(len(found.train), len(job.items), options.batch_size)
        return found.train, found.held_out

    def _prepared(self, model: torch.nn.Module, job: Job) -> torch.nn.Module:
        model = prepare(model, job.family, self._options)
        if self._options.gradient_checkpointing:
            model.gradient_checkpointing_enable({"use_reentrant": False})  # type: ignore[operator]
            model.enable_input_require_grads()  # type: ignore[operator]
        return model

    def _load(self, job: Job) -> Any:  # noqa: ANN401 - a transformers model
        return steady(job.family.load(job.weights, device=engine.device(self._options), dtype=self._dtype()))

    def _table(self, model: torch.nn.Module, job: Job, found: Sequence[trainable.Row]) -> None:
        """Say what is trained, and keep it beside the metrics."""
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

    def _trained(self, trainer: LossTrainer) -> Mapping[str, torch.Tensor] | None:
        """Return what is trained, whole, to the first process, and ``None`` to the others. All must call this."""
        whole = engine.gathered(trainer.model_wrapped, self._options, trainer.accelerator, trained=True)
        if trainer.args.process_index != 0:
            return None
        state: Mapping[str, torch.Tensor] = trainer.accelerator.unwrap_model(trainer.model).state_dict()
        return state if whole is None else whole

    def _save(self, trainer: LossTrainer, facts: Facts, collator: Collator, best: Best | None = None) -> None:
        """Write the weights as they are, or the best. Where the ranks hold a part each, all of them gather it first."""
        whole = engine.gathered(trainer.model_wrapped, self._options, trainer.accelerator)
        if trainer.args.process_index != 0:
            return
        scorer: Any = trainer.accelerator.unwrap_model(trainer.model)
        if best is not None:
            if whole is None:
                scorer.load_state_dict(best.load())
            else:
                whole |= best.load()
        state = None if whole is None else {name.removeprefix("model."): value for name, value in whole.items()}
        results.write(scorer.model, state, collator.codec, facts, self._dtype())

    def _collator(self, job: Job, model: Any) -> Collator:  # noqa: ANN401 - any transformers model
        config = getattr(model.config, "text_config", model.config)
        limit = self._options.max_length or getattr(config, "max_position_embeddings", None)
        codec = job.family.codec(job.weights)
        encoder = Encoder(codec, tuple(job.loss.cells), limit, cut=self._options.over_long == "cut")
        return Collator(encoder, self._options.pack_tokens)


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

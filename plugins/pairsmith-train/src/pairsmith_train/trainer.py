"""The trainer: transformers' own, given trees."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import torch
from attrs import evolve
from transformers import PrinterCallback, TrainerCallback, TrainingArguments
from transformers.utils import logging

from pairsmith.interfaces import BENCHMARK, Job, Loss, Paused, Run, Weights
from pairsmith.resuming import Checkpoints
from pairsmith.values import Item
from pairsmith_train import engine, features, fsdp, guards, leaving, pausing, places, results, trackers, trainable
from pairsmith_train.arguments import training_arguments
from pairsmith_train.batch import Collator, by_cell, moved
from pairsmith_train.callbacks import Metrics, Naming
from pairsmith_train.card import Facts
from pairsmith_train.encode import Encoder, Pixels
from pairsmith_train.frozen import Frozen
from pairsmith_train.held_out import Best, WhenDue
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

    def check(self, loss: Loss) -> None:
        """Refuse, before any work of the run is done, what cannot come out right whatever the model and the pairs are."""
        trackers.check_installed(self._options)
        engine.possible(self._options)
        guards.computable(loss, self._options)

    def launch(self, worker: Sequence[str]) -> Sequence[str]:
        """Return the command that starts as many processes as the recipe wants."""
        trackers.check_installed(self._options)
        return engine.launch(worker, self._options)

    def reference_settings(self) -> Mapping[str, Any]:
        """Return what changes reference log-probabilities, other than the model and the pairs."""
        options = self._options
        lengths = {"max_length": options.max_length, "over_long": options.over_long}
        other = {} if options.reference_dtype is None else {"reference_dtype": options.reference_dtype}
        return {"precision": options.precision, "dtype": self._dtype(), **lengths, **other}

    def sums_suffice(self, loss: Loss) -> bool:
        """Tell whether a loss reads no more of the reference than the log-probability of whole answers."""
        return guards.sums_suffice(loss)

    # Reference -------------------------------------------------------------------------------------------------------

    def reference(self, job: Job, items: Sequence[Item]) -> list[Mapping[str, Sequence[float]]]:
        """Return each item's log-probabilities under the frozen model. An item that will be left out gets none."""
        scorer, collator = self._reference_scorer(job)
        self._encode_images(job, items)
        device = engine.device(self._options)
        found: list[Mapping[str, Sequence[float]]] = [{} for _ in items]
        wanted = [index for index, item in enumerate(items) if collator.encoder.fits(item) is None]
        for start in range(0, len(wanted), self._options.micro):
            indices = wanted[start : start + self._options.micro]
            for group, packed in collator.passes([(items[index], None) for index in indices]):
                batch = moved(packed, device, self._options.reference_dtype)
                with torch.inference_mode(), self._autocast(device, self._options.reference_dtype):
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
            guards.possible(job, self._options)
            model = self._load(job, self._options.reference_dtype)
            self._frozen = Scorer(model, job.family).eval(), self._collator(job, model)
        return self._frozen

    def _encode_images(self, job: Job, items: Iterable[Item]) -> None:
        """Keep the features that the frozen model makes of these items' images, where that is asked for."""
        if not self._options.cache_image_features:
            return
        kept = self._features(job)
        missing = kept.missing(features.images_of(items, job.loss.cells))
        if not missing:
            return
        scorer, collator = self._reference_scorer(job)
        family: Any = job.family
        device = engine.device(self._options)

        def encode(pixels: Pixels) -> Mapping[str, torch.Tensor]:
            with self._autocast(device, None):
                there: Mapping[str, torch.Tensor] = family.encode(
                    scorer.model, {name: value.to(device) for name, value in pixels.items()}
                )
            return there

        features.fill(kept, missing, collator.codec, encode)

    def _features(self, job: Job) -> features.FeatureStore:
        device = engine.device(self._options).partition(":")[0]
        return features.store(job, precision=self._options.precision, dtype=self._dtype(), device=device)

    def _autocast(self, device: str, dtype: str | None) -> Any:  # noqa: ANN401 - a context manager
        mixed = self._options.precision == "bf16" and dtype is None
        return torch.autocast(device.partition(":")[0], torch.bfloat16, enabled=mixed)

    def _dtype(self) -> str:
        """Return the type of the weights: an adapter's frozen base may be coarse, what is trained may not."""
        return "bfloat16" if self._options.precision == "bf16" and self._options.lora is not None else "float32"

    # Training --------------------------------------------------------------------------------------------------------

    def train(self, job: Job) -> Weights | Paused:
        """Train, from the last whole checkpoint if there is one, and return where the result is."""
        there = results.place(job, self._options).exists()
        if not there:
            guards.possible(job, self._options)
            rank, world = (int(os.environ.get(name, one)) for name, one in (("RANK", "0"), ("WORLD_SIZE", "1")))
            self._encode_images(job, islice(job.items, rank, None, world))
        if hasattr(self, "_frozen"):
            del self._frozen
        if not there:
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
        engine.before_models(options)
        arguments = training_arguments(options, checkpoints.unfinished, job.seed)
        first = arguments.process_index == 0
        say = _say if first else _silent
        model = self._load(job)
        frozen = self._frozen_reference(job)
        torch.manual_seed(job.seed)  # after loading, which draws numbers under one engine and none under another
        model = self._prepared(model, job)
        trained = trainable.rows(model, job.family, options)
        if first:
            leaving.table(model, job, options, trained, say)
        collator = self._collator(job, model)
        train, held_out = places.choose(job, collator.encoder, options, say, first=first)
        if first:
            checkpoints.sweep(say)
            pausing.remove(job)
        metrics = Metrics(job.metrics)
        facts = Facts(
            job=job, options=options, trained_on=len(train), held_out=places.unseen(held_out, options), trained=trained
        )
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
        with trackers.environment(options, job.metrics.parent):
            trainer.train(resume_from_checkpoint=None if last is None else str(last))
        trainer.accelerator.wait_for_everyone()
        if job.pause_at == trainer.state.global_step < trainer.state.max_steps:
            return pausing.paused(job, options, checkpoints)
        if trainer.best is not None:
            facts = evolve(facts, step=trainer.best.step)
            say(f"the result is step {trainer.best.step}, whose held-out loss of {trainer.best.loss:.4f} is the lowest")
        leaving.save(trainer, facts, collator.codec, self._dtype(), trainer.best)
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
        split: tuple[Sequence[int], tuple[int, ...]],
    ) -> LossTrainer:
        """Return what takes the steps, on the places of the items to train on and of those held out."""
        job, options = facts.job, self._options
        train, held_out = split
        if options.parallel == "fsdp2":
            fsdp.check_layers(scorer)
        trainer = LossTrainer(
            model=scorer,
            args=arguments,
            train_dataset=Items(job.items, job.reference, train),
            data_collator=Placed(collator),
        )
        trainer.remove_callback(PrinterCallback)  # its lines are in the metrics file, and the run shows its own
        trainer.loss, trainer.precision = job.loss, options.reference_dtype or options.precision
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
            trainer.trained_state = lambda: leaving.trained(trainer, options)
        return trainer

    def _beside(
        self, trainer: LossTrainer, facts: Facts, collator: Collator, checkpoints: Checkpoints, metrics: Metrics
    ) -> Iterator[TrainerCallback]:
        """Yield what happens beside the steps.

        Checkpoints get their names last: the weights of a pause are there before its checkpoint counts, and a tracker that
        uploads checkpoints finds them where transformers wrote them.
        """
        job = facts.job
        yield trainer.clock
        if self._options.parallel == "fsdp2":
            yield fsdp.StateForAll()
        if job.pause_at is not None:
            there = evolve(facts, job=pausing.at(job, job.pause_at))
            yield pausing.Pause(job.pause_at, lambda: leaving.save(trainer, there, collator.codec, self._dtype()))
        yield metrics
        tracking = trackers.callbacks(self._options, job.metrics.parent)
        yield from tracking
        yield pausing.Told(job.metrics, tracking, BENCHMARK)
        if self._options.held_out is not None:
            yield WhenDue(self._options.held_out)
        yield Naming(checkpoints, self._options.keep)

    def _prepared(self, model: torch.nn.Module, job: Job) -> torch.nn.Module:
        model = prepare(model, job.family, self._options)
        if self._options.gradient_checkpointing:
            model.gradient_checkpointing_enable({"use_reentrant": False})  # type: ignore[operator]
            model.enable_input_require_grads()  # type: ignore[operator]
        return model

    def _load(self, job: Job, dtype: str | None = None) -> Any:  # noqa: ANN401 - a transformers model
        return steady(job.family.load(job.weights, device=engine.device(self._options), dtype=dtype or self._dtype()))

    def _frozen_reference(self, job: Job) -> Frozen | None:
        """Return the reference that runs beside the policy, where the loss asks for divergences."""
        if not getattr(job.loss, "uses_kl", False):
            return None
        if self._options.lora is not None:
            return Frozen(job.family)
        model = self._load(job)
        return Frozen(job.family, model.requires_grad_(False).eval())  # noqa: FBT003

    def _collator(self, job: Job, model: Any) -> Collator:  # noqa: ANN401 - any transformers model
        config = getattr(model.config, "text_config", model.config)
        limit = self._options.max_length or getattr(config, "max_position_embeddings", None)
        codec = job.family.codec(job.weights)
        encoder = Encoder(codec, tuple(job.loss.cells), limit, cut=self._options.over_long == "cut")
        kept = self._features(job) if self._options.cache_image_features else None
        return Collator(encoder, self._options.pack_tokens, kept)


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - pairsmith shows what a training process prints


def _silent(_: str) -> None:
    """Say nothing: the first process speaks for all."""


__all__ = ["TreeTrainer"]

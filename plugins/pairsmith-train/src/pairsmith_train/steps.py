"""The steps of a training: transformers' trainer with a loss of its own."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from transformers import Trainer

from pairsmith.interfaces import Loss
from pairsmith_train import fsdp, guards, passes
from pairsmith_train.batch import Batch, by_cell, stored
from pairsmith_train.held_out import PREFIX, Best
from pairsmith_train.rows import ROWS
from pairsmith_train.stopped import Stop
from pairsmith_train.trainable import COPY
from pairsmith_train.watching import Clock, Tally


class LossTrainer(Trainer):  # type: ignore[misc]
    """transformers' trainer with a loss of its own, and a learning rate for what is trained in full beside an adapter."""

    loss: Loss
    precision: str = "fp32"
    checked: bool = True
    """Whether the first step is still to be checked; dropout makes a policy differ from its own reference."""
    full_learning_rate: float | None = None
    stop: Stop
    clock: Clock
    pad_token: int = -1
    tally: Tally
    control: Any
    held_out: tuple[int, ...] = ()
    best: Best | None = None
    trained_state: Callable[[], Mapping[str, torch.Tensor] | None]

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:  # noqa: ANN401 - transformers' signature
        """Return transformers' optimizer, with a group of their own for the modules that are trained in full."""
        fresh = self.optimizer is None
        optimizer: torch.optim.Optimizer = super().create_optimizer(model)
        if fresh and self.full_learning_rate is not None:
            named = (self.model if model is None else model).named_parameters()
            regroup(optimizer, {id(value) for name, value in named if COPY in name}, self.full_learning_rate)
        return optimizer

    def training_step(self, model: torch.nn.Module, inputs: Batch, num_items_in_batch: Any = None) -> torch.Tensor:  # noqa: ANN401
        """Go forward and backward, in as many passes as the step was packed into."""
        one = super().training_step
        if passes.PASSES not in inputs:
            return one(model, inputs, num_items_in_batch)  # type: ignore[no-any-return]
        return passes.run(self.accelerator, model, inputs, lambda batch: one(model, batch, num_items_in_batch))

    def compute_loss(
        self,
        model: torch.nn.Module,
        inputs: Batch,
        return_outputs: bool = False,  # noqa: FBT001, FBT002 - transformers' signature
        num_items_in_batch: Any = None,  # noqa: ANN401, ARG002
    ) -> Any:  # noqa: ANN401
        """Return the mean loss of a batch, and keep what is watched for the next log line."""
        places, share = inputs[ROWS].tolist(), inputs.get(passes.SHARE, 1.0)
        flat = model(inputs)
        policy = by_cell(flat, inputs, self.loss.cells)
        reference = stored(inputs, self.loss.cells) if self.loss.uses_reference else {}
        terms = self.loss(policy, reference)
        self.stop.check(self.state.global_step + 1, places, terms, policy, reference)
        if self.loss.uses_reference and self.checked and self.state.global_step == 0:
            guards.first_step(self.loss, policy, reference, self.precision)
        self.checked = False
        numbers = {name: float(value.float().mean()) for name, value in terms.metrics.items()}
        if share:
            self.tally.add(numbers, float(share), int((inputs["tokens"] != self.pad_token).sum()), places)
        mean = terms.loss.mean() * share
        return (mean, {"log_probs": flat}) if return_outputs else mean

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:  # noqa: ANN401 - transformers' signature
        """Return the means over the pairs held out, and keep the weights if they are the best so far.

        Every process runs the same number of passes, or one would wait for another for ever. Nothing is drawn at random.
        """
        self.model_wrapped.eval()
        sums: dict[str, float] = {}
        for places, counted in shares(
            self.held_out, self.args.train_batch_size, self.args.process_index, self.args.world_size
        ):
            step = self.data_collator([self.train_dataset.row(place) for place in places])
            mine = step.get(passes.PASSES, (step,))
            for number in range(passes.most(self.accelerator, len(mine))):
                counts = bool(counted) and number < len(mine)
                batch = mine[number if number < len(mine) else 0]
                for name, value in self._held_out_pass(batch).items():
                    sums[name] = sums.get(name, 0.0) + value * counts * len(batch[ROWS])
        fsdp.shared_out(self.model_wrapped)
        self.model_wrapped.train()
        total = self.accelerator.reduce(
            torch.tensor(list(sums.values()), dtype=torch.float64, device=self.accelerator.device), reduction="sum"
        )
        found = {
            f"{PREFIX}{name}": value / len(self.held_out) for name, value in zip(sums, total.tolist(), strict=True)
        }
        self.log(dict(found))
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, found)
        if self.best is not None:
            self.best.offer(self.state.global_step, found[f"{PREFIX}loss"], self.trained_state)
        return found

    def _held_out_pass(self, prepared: Batch) -> dict[str, float]:
        batch = self._prepare_inputs(prepared)
        with torch.no_grad(), self.compute_loss_context_manager():
            policy = by_cell(self.model_wrapped(batch), batch, self.loss.cells)
            terms = self.loss(policy, stored(batch, self.loss.cells) if self.loss.uses_reference else {})
        return {name: float(value.float().mean()) for name, value in {"loss": terms.loss, **terms.metrics}.items()}

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Add to a step's numbers what was watched; stop where its gradient is no number."""
        if "loss" in logs:
            means, tokens = self.tally.over_all(self.accelerator)
            self.stop.check_gradient(self.state.global_step, self.tally.rows, logs.get("grad_norm"))
            self.tally = Tally()
            seconds = max(self.clock.seconds, 1e-9)
            pairs = self.args.train_batch_size * self.args.gradient_accumulation_steps * self.args.world_size
            logs |= {**means, "tokens/s": round(tokens / seconds, 1), "pairs/s": round(pairs / seconds, 3)}
        super().log(logs, start_time)


def regroup(optimizer: torch.optim.Optimizer, chosen: set[int], rate: float) -> None:
    """Move parameters, known by ``id``, to groups with a learning rate of their own, behind the others."""
    groups = list(optimizer.param_groups)
    optimizer.param_groups.clear()
    kept, moved = [], []
    for group in groups:
        own = [value for value in group["params"] if id(value) in chosen]
        rest = [value for value in group["params"] if id(value) not in chosen]
        if own:
            moved.append({**group, "params": own, "lr": rate})
        if rest or not own:
            kept.append({**group, "params": rest})
    optimizer.param_groups.extend([*kept, *moved])


def shares(places: Sequence[int], size: int, rank: int, world: int) -> Iterator[tuple[Sequence[int], int]]:
    """Yield one process's batches, each with the items that count: none in a batch that only keeps step with the others.

    >>> [list(shares(range(5), 2, rank, 2)) for rank in (0, 1)]
    [[(range(0, 2), 2), (range(4, 5), 1)], [(range(2, 4), 2), (range(0, 1), 0)]]
    """
    for start in range(0, len(places), size * world):
        mine = places[start + rank * size : start + (rank + 1) * size]
        yield (mine, len(mine)) if len(mine) else (places[:1], 0)

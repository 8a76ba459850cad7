"""What a training leaves: the table of what is trained, the weights it keeps on the way, and its result."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from attrs import asdict

from pairsmith.interfaces import Codec, Job
from pairsmith_train import engine, results, trainable
from pairsmith_train.card import Facts
from pairsmith_train.held_out import Best
from pairsmith_train.options import TreeOptions
from pairsmith_train.steps import LossTrainer


def table(
    model: torch.nn.Module,
    job: Job,
    options: TreeOptions,
    found: Sequence[trainable.Row],
    say: Callable[[str], None],
) -> None:
    """Say what is trained, and keep it beside the metrics."""
    for line in trainable.table(found):
        say(line)
    for name in trainable.frozen_in_full(model, job.family, options):
        say(f"{name} stays as it is: it is in no module of its own, which peft would need to train it in full")
    path = job.metrics.with_name("trained.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([asdict(row) for row in found], indent=1) + "\n", encoding="utf-8")


def trained(trainer: LossTrainer, options: TreeOptions) -> Mapping[str, torch.Tensor] | None:
    """Return what is trained, whole, to the first process, and ``None`` to the others. All must call this."""
    whole = engine.gathered(trainer.model_wrapped, options, trainer.accelerator, trained=True)
    if trainer.args.process_index != 0:
        return None
    state: Mapping[str, torch.Tensor] = trainer.accelerator.unwrap_model(trainer.model).state_dict()
    return state if whole is None else whole


def save(trainer: LossTrainer, facts: Facts, codec: Codec, dtype: str, best: Best | None = None) -> None:
    """Write the weights as they are, or the best. Where the ranks hold a part each, all of them gather it first."""
    whole = engine.gathered(trainer.model_wrapped, facts.options, trainer.accelerator)
    if trainer.args.process_index != 0:
        return
    scorer: Any = trainer.accelerator.unwrap_model(trainer.model)
    if best is not None:
        if whole is None:
            scorer.load_state_dict(best.load())
        else:
            whole |= best.load()
    state = None if whole is None else {name.removeprefix("model."): value for name, value in whole.items()}
    results.write(scorer.model, state, codec, facts, dtype)

"""What a training leaves: an adapter, a model, or both, each whole or absent."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from pairsmith.interfaces import Codec, Job, Weights
from pairsmith.resuming import put
from pairsmith_train import adapters
from pairsmith_train.card import Facts, card
from pairsmith_train.options import TreeOptions

MODEL, ADAPTER, CARD = "model", "adapter", "README.md"


def self_contained(options: TreeOptions) -> bool:
    """Tell whether the result is a model of its own, and not an adapter of the base."""
    return options.lora is None or options.lora.merge


def place(job: Job, options: TreeOptions) -> Path:
    """Return where the result is, or will be."""
    return job.output / (MODEL if self_contained(options) else ADAPTER)


def weights(job: Job, options: TreeOptions) -> Weights:
    """Return the trained model."""
    if self_contained(options):
        return Weights(path=str(job.output / MODEL))
    return Weights(path=job.weights.path, revision=job.weights.revision, adapter=job.output / ADAPTER)


def write(
    model: Any,  # noqa: ANN401 - a transformers model, or peft's around it
    state: Mapping[str, Any] | None,
    codec: Codec,
    facts: Facts,
    dtype: str,
) -> None:
    """Write the result, each with its card. ``state`` are the weights where no rank's model holds all of them.

    A merged model is made from the files of the base and of the adapter, as a user would make it: so it comes out the
    same whatever engine trained the adapter. The adapter is kept beside it, unless it is on top of another one.
    """
    job, options = facts.job, facts.options
    job.output.mkdir(parents=True, exist_ok=True)
    if options.lora is None:
        _model(model, state, codec, facts)
        return
    temporary = _fresh(job.output / ADAPTER)
    _save(model, state, codec, temporary)
    card(facts, adapter=True).save(temporary / CARD)
    before = job.weights.adapter
    if options.lora.merge:
        _model(_merged(job, temporary, dtype), None, codec, facts)
    elif before is not None:
        adapters.stack(before, temporary)
    if options.lora.merge and before is not None:
        shutil.rmtree(temporary)
    else:
        put(temporary, job.output / ADAPTER)


def _model(model: Any, state: Mapping[str, Any] | None, codec: Codec, facts: Facts) -> None:  # noqa: ANN401
    result = facts.job.output / MODEL
    temporary = _fresh(result)
    _save(model, state, codec, temporary)
    card(facts, adapter=False).save(temporary / CARD)
    put(temporary, result)


def _save(model: Any, state: Mapping[str, Any] | None, codec: Codec, directory: Path) -> None:  # noqa: ANN401
    """Write weights, configuration, processor and how to generate."""
    # transformers 5.23 would put the prefixes of an older format before gathered names twice.
    gathered = {} if state is None else {"state_dict": dict(state), "save_original_format": False}
    model.save_pretrained(directory, **gathered)
    generation = getattr(model, "generation_config", None)
    if generation is not None:
        generation.save_pretrained(directory)
    codec.save(directory)


def _merged(job: Job, adapter: Path, dtype: str) -> Any:  # noqa: ANN401
    from peft import PeftModel
    from transformers.integrations.deepspeed import unset_hf_deepspeed_config

    unset_hf_deepspeed_config()  # or ZeRO-3 would share this model out among processes that do not take part
    # Of a model in 4 bit the adapter goes into the weights before they were rounded: rounded ones would lose it.
    family = job.family.whole() if hasattr(job.family, "whole") else job.family
    base: Any = family.load(job.weights, device="cpu", dtype=dtype)
    model = PeftModel.from_pretrained(base, str(adapter)).merge_and_unload()
    return model.to(getattr(torch, dtype))  # what was trained in full was so in float32


def _fresh(result: Path) -> Path:
    temporary = result.with_name(f".{result.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    return temporary

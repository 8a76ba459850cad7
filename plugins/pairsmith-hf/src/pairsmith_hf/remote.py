"""Qwen-VL-Chat's own Python code, written for transformers 4.31: loaded and tried, or one sentence why that cannot be.

The model is made in memory and filled from safetensors here. transformers 5 makes it on no device first, and what old code
computes when a model is made, as the angles of its positions, would be lost without a word.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import transformers
from huggingface_hub import snapshot_download
from safetensors.torch import load_file
from transformers import AutoConfig, AutoTokenizer
from transformers.dynamic_module_utils import get_class_from_dynamic_module
from transformers.initialization import no_init_weights
from transformers.models.auto.auto_factory import add_generation_mixin_to_remote_model

from pairsmith.errors import PairsmithError, StageError
from pairsmith.interfaces import Weights
from pairsmith_hf import checkpoint, foreign

_LOG = logging.getLogger(__name__)
_AUTO = "AutoModelForCausalLM"
_FILES = "model*.safetensors"


@contextmanager
def explained(weights: Weights, what: str) -> Iterator[None]:
    """Word whatever the code of a model raises while it does ``what``, and name the model to take in its place."""
    try:
        yield
    except PairsmithError:
        raise
    except Exception as error:
        said = (str(error).strip().splitlines() or ["no reason given"])[0].rstrip(".:")
        msg = (
            f"[model] path = {weights.path!r}: the code that comes with it cannot {what} under transformers "
            f"{transformers.__version__} ({type(error).__name__}: {said}); {foreign.INSTEAD}"
        )
        raise StageError(msg) from error


def tokenizer(weights: Weights) -> Any:  # noqa: ANN401 - the code's own class
    """Load the tokenizer with the code that comes with it."""
    with explained(weights, "make its tokenizer"):
        return AutoTokenizer.from_pretrained(weights.path, revision=weights.revision, trust_remote_code=True)


def model(weights: Weights, dtype: str) -> Any:  # noqa: ANN401 - the code's own class
    """Load the model with the code that comes with it, on the CPU. Pickled weights are made safetensors first."""
    with explained(weights, "make the model"):
        config = AutoConfig.from_pretrained(weights.path, revision=weights.revision, trust_remote_code=True)
        kind = _kind(config.auto_map[_AUTO], weights)
        with no_init_weights():
            made = kind._from_config(config, dtype=getattr(torch, dtype))  # noqa: SLF001 - what from_config calls
    files = _files(weights)
    with explained(weights, "take its weights"):
        _fill(made, files, weights)
    return made


def _kind(reference: str, weights: Weights) -> Any:  # noqa: ANN401
    """Return the model's class. ``AutoModelForCausalLM`` would lose ``generate`` when it is asked for a second time."""
    kind = get_class_from_dynamic_module(reference, weights.path, revision=weights.revision)
    kind.register_for_auto_class(_AUTO)  # so that a saved model brings the code with it
    return add_generation_mixin_to_remote_model(kind)


def _files(weights: Weights) -> Sequence[Path]:
    with checkpoint.explained(weights):
        path = checkpoint.located(weights)
        folder = (
            Path(path)
            if Path(path).is_dir()
            else Path(snapshot_download(path, revision=weights.revision, allow_patterns=[_FILES]))
        )
    files = sorted(folder.glob(_FILES))
    if not files:
        msg = (
            f"[model] path = {weights.path!r} has neither safetensors nor a pytorch_model.bin or its index; get them, or "
            f"{foreign.INSTEAD}"
        )
        raise StageError(msg)
    return files


def _fill(made: torch.nn.Module, files: Sequence[Path], weights: Weights) -> None:
    """Put the weights into the model. Raises where one of the model's is in no file: it would stay random."""
    names, found = set(made.state_dict()), set[str]()
    for file in files:
        part = load_file(file)
        made.load_state_dict(part, strict=False)
        found |= set(part)
    missing, more = sorted(names - found), sorted(found - names)
    if missing:
        msg = f"no file has {missing[0]!r} and {len(missing) - 1} more of the model's weights"
        raise KeyError(msg)
    if more:
        _LOG.warning(
            "[model] %s has %d weights that its own code does not read, %s first", weights.path, len(more), more[0]
        )

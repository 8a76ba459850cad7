"""What identifies the recipe's model, and one sentence where it cannot be had: :mod:`pairsmith.checkpoints`, for weights."""

from contextlib import AbstractContextManager
from hashlib import sha256
from pathlib import Path

import torch
from huggingface_hub import hf_hub_download
from huggingface_hub.errors import EntryNotFoundError
from safetensors import SafetensorError
from safetensors.torch import save_file
from transformers import PreTrainedConfig
from transformers.utils import cached_file, logging

from pairsmith import checkpoints
from pairsmith.errors import StageError
from pairsmith.interfaces import Weights
from pairsmith.safe_weights import SafeWeights
from pairsmith_hf import foreign

# The run shows its own progress; a bar for every file loaded, and advice meant for programmers, would bury it.
logging.disable_progress_bar()
logging.set_verbosity_error()

ALSO = (EntryNotFoundError, SafetensorError)
"""What the libraries raise for files that are absent or broken, beside the usual errors."""

SAFE = SafeWeights(load=torch.load, save=save_file, fetch=cached_file)
"""What reads weights that were published as pickles."""


def fingerprint(weights: Weights) -> str:
    """Return a hash of a directory's weights, configuration, tokenizer and template; a hub id's commit.

    A file is read once per process, unless its size or time changes. An adapter counts as well.
    """
    found = [checkpoints.fingerprint(weights.path, None if Path(weights.path).is_dir() else _commit(weights))]
    if weights.adapter is not None:
        found.append(checkpoints.fingerprint(str(weights.adapter)))
    return sha256("\n".join(found).encode()).hexdigest()


def _commit(weights: Weights) -> str:
    with explained(weights):
        config = hf_hub_download(weights.path, "config.json", revision=weights.revision)
    return Path(config).parent.name  # a snapshot's folder is named by its commit


def located(weights: Weights) -> str:
    """Return where a model's safetensors are: its own path, or a folder of what was made of its pickles."""
    return SAFE.located(weights.path, weights.revision, "[model] path")


def refuse_foreign(weights: Weights) -> None:
    """Raise where a model is of a make that transformers would misread, and name what to take in its place."""
    with explained(weights):
        config, _ = PreTrainedConfig.get_config_dict(weights.path, revision=weights.revision)
    why = foreign.by_name(weights.path) or foreign.by_configuration(config)
    if why is not None:
        msg = f"[model] path = {weights.path!r} {why}"
        raise StageError(msg)


def explained(weights: Weights) -> AbstractContextManager[None]:
    """Word what goes wrong when a model is loaded."""
    return checkpoints.explained("[model] path", weights.path, ALSO)

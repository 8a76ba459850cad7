"""What identifies the recipe's model, and one sentence where it cannot be had: :mod:`pairsmith.checkpoints`, for weights."""

from contextlib import AbstractContextManager
from hashlib import sha256
from pathlib import Path

from huggingface_hub import hf_hub_download
from huggingface_hub.errors import EntryNotFoundError
from safetensors import SafetensorError
from transformers.utils import logging

from pairsmith import checkpoints
from pairsmith.interfaces import Weights

# The run shows its own progress; a bar for every file loaded, and advice meant for programmers, would bury it.
logging.disable_progress_bar()
logging.set_verbosity_error()

ALSO = (EntryNotFoundError, SafetensorError)
"""What the libraries raise for files that are absent or broken, beside the usual errors."""


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


def explained(weights: Weights) -> AbstractContextManager[None]:
    """Word what goes wrong when a model is loaded."""
    return checkpoints.explained("[model] path", weights.path, ALSO)

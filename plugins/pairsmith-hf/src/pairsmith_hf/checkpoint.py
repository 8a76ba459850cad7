"""Where a model's files are and what identifies them; one sentence where they are not there."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import file_digest, sha256
from pathlib import Path

from huggingface_hub import hf_hub_download
from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, LocalEntryNotFoundError
from transformers.utils import logging

from pairsmith.errors import StageError
from pairsmith.interfaces import Weights

# The run shows its own progress; a bar for every file loaded, and advice meant for programmers, would bury it.
logging.disable_progress_bar()
logging.set_verbosity_error()

_IDENTIFYING = (".safetensors", ".json", ".jinja", ".model", ".txt", ".py")
_digests: dict[tuple[Path, int, int], str] = {}


def fingerprint(weights: Weights) -> str:
    """Return a hash of a directory's weights, configuration, tokenizer and template; a hub id's commit.

    A file is read once per process, unless its size or time changes. An adapter counts as well.
    """
    found = [_of_directory(Path(weights.path)) if Path(weights.path).is_dir() else _of_hub(weights)]
    if weights.adapter is not None:
        found.append(_of_directory(weights.adapter))
    return sha256("\n".join(found).encode()).hexdigest()


def _of_directory(directory: Path) -> str:
    files = sorted(path for path in directory.iterdir() if path.suffix in _IDENTIFYING and path.is_file())
    return "\n".join(f"{path.name} {_digest(path)}" for path in files if path.name != "README.md")


def _digest(path: Path) -> str:
    status = path.stat()
    key = (path, status.st_size, status.st_mtime_ns)
    if key not in _digests:
        with path.open("rb") as file:
            _digests[key] = file_digest(file, "sha256").hexdigest()
    return _digests[key]


def _of_hub(weights: Weights) -> str:
    with explained(weights):
        config = hf_hub_download(weights.path, "config.json", revision=weights.revision)
    return f"{weights.path} {Path(config).parent.name}"  # a snapshot's folder is named by its commit


@contextmanager
def explained(weights: Weights) -> Iterator[None]:
    """Word what goes wrong when a model is loaded."""
    try:
        yield
    except (OSError, ValueError, LocalEntryNotFoundError, EntryNotFoundError, HfHubHTTPError) as error:
        raise StageError(_sentence(weights, error)) from error


def _sentence(weights: Weights, error: Exception) -> str:
    path = Path(weights.path)
    if path.is_dir():
        there = ", ".join(sorted(file.name for file in path.iterdir())[:12]) or "nothing"
        return f"[model] path = {weights.path!r} cannot be loaded: {_first(error)} (the directory holds {there})"
    if weights.path.startswith((".", "/", "~")) or weights.path.count("/") > 1:
        return f"[model] path = {weights.path!r} is no directory; give one that holds config.json and *.safetensors"
    if os.environ.get("HF_HUB_OFFLINE", "0") not in {"", "0"}:
        return (
            f"[model] path = {weights.path!r} is neither a directory nor in the hub's local cache, and HF_HUB_OFFLINE is "
            f"set; unset it, or give a directory"
        )
    return (
        f"[model] path = {weights.path!r} could not be had from the hub: {_first(error)}. Check the name and the network; "
        f"a gated model needs HF_TOKEN in the environment"
    )


def _first(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]

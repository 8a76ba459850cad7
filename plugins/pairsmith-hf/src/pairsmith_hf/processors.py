"""Processors, where torchvision is installed and where it is not.

Some of transformers' processors also hold a video processor, and those exist for torchvision only: without it
``AutoProcessor`` cannot load them at all. Images need none of that, so here such a processor is put together without
its video half: same class name, same methods, same files.
"""

import inspect
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import transformers
from huggingface_hub import hf_hub_download
from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError
from transformers import AutoImageProcessor, AutoProcessor, AutoTokenizer
from transformers.utils import is_torchvision_available

from pairsmith.errors import StageError
from pairsmith.interfaces import Weights
from pairsmith_hf import checkpoint

_VIDEO = "video_processor"
_PROCESSOR_FILE = "processor_config.json"
_IMAGE_FILE = "preprocessor_config.json"


def load(weights: Weights, *, trust_remote_code: bool) -> Any:  # noqa: ANN401 - each model has its own class
    """Load the processor of a model, with its chat template.

    Raises:
        StageError: if it is not there, has no chat template, or needs a library that is missing.
    """
    with checkpoint.explained(weights):
        try:
            processor = _load(weights, {"revision": weights.revision, "trust_remote_code": trust_remote_code})
        except ImportError as error:
            raise StageError(_missing(weights, error)) from error
    if template(processor) is None:
        msg = f"[model] path = {weights.path!r} has no chat template; put chat_template.jinja into the directory"
        raise StageError(msg)
    return processor


def template(processor: Any) -> str | None:  # noqa: ANN401
    """Return the chat template: the processor's own, or its tokenizer's."""
    found = getattr(processor, "chat_template", None) or getattr(processor.tokenizer, "chat_template", None)
    chosen = found.get("default") if isinstance(found, Mapping) else found
    return None if chosen is None else str(chosen)


def save(processor: Any, weights: Weights, directory: Path) -> None:  # noqa: ANN401
    """Write a processor next to a model's weights, so that ``AutoProcessor`` reads it where torchvision is installed.

    The video half that was left out is written with the settings that the model came with.
    """
    processor.save_pretrained(directory)
    if not issubclass(type(processor), _WithoutVideo):
        return
    settings = _settings(weights, _PROCESSOR_FILE).get(_VIDEO)
    settings = settings or _settings(weights, "video_preprocessor_config.json") or _settings(weights, _IMAGE_FILE)
    written = directory / _PROCESSOR_FILE
    document = json.loads(written.read_text(encoding="utf-8"))
    written.write_text(json.dumps({**document, _VIDEO: settings}, indent=2) + "\n", encoding="utf-8")


class _WithoutVideo:
    """Marks a processor class whose video half is left out."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Say how to make it again in another process, where the class has no name to be found by."""
        return _again, (type(self).__mro__[2], self.__dict__)


@cache
def image_only(whole: Any) -> Any:  # noqa: ANN401 - a class of transformers
    """Return a processor class without its video half, and any other class as it is.

    transformers asks a processor class which parts it has; the answer is all that changes.
    """
    parts: list[str] = whole.get_attributes() if hasattr(whole, "get_attributes") else []
    if _VIDEO not in parts or is_torchvision_available():
        return whole
    kept = [part for part in parts if part != _VIDEO]
    changed = {"get_attributes": classmethod(lambda _: kept), "__module__": whole.__module__}
    return type(whole.__name__, (_WithoutVideo, whole), changed)


def _again(whole: Any, state: Mapping[str, Any]) -> Any:  # noqa: ANN401
    made: Any = object.__new__(image_only(whole))
    made.__dict__.update(state)
    return made


def _load(weights: Weights, chosen: Mapping[str, Any]) -> Any:  # noqa: ANN401
    whole = _class_of(weights)
    reduced = None if whole is None else image_only(whole)
    if reduced is None or reduced is whole:
        return AutoProcessor.from_pretrained(weights.path, **chosen)
    document, _ = reduced.get_processor_dict(weights.path, revision=weights.revision)
    accepted = set(inspect.signature(reduced.__init__).parameters) - {"self", "kwargs"}
    given = {name: value for name, value in document.items() if name in accepted}
    made = {
        "image_processor": AutoImageProcessor.from_pretrained(weights.path, **chosen),
        "tokenizer": AutoTokenizer.from_pretrained(weights.path, **chosen),
        _VIDEO: None,
    }
    return reduced(**{**given, **made})


def _class_of(weights: Weights) -> Any:  # noqa: ANN401
    """Return transformers' own processor class that a model names, if it names one."""
    for file in (_PROCESSOR_FILE, _IMAGE_FILE, "tokenizer_config.json"):
        name = _settings(weights, file).get("processor_class")
        if name:
            return getattr(transformers, str(name), None)
    return None


def _settings(weights: Weights, file: str) -> dict[str, Any]:
    """Return one of a model's JSON files, empty where it has none."""
    if Path(weights.path).is_dir():
        path = Path(weights.path) / file
    else:
        try:
            path = Path(hf_hub_download(weights.path, file, revision=weights.revision))
        except (EntryNotFoundError, LocalEntryNotFoundError):
            return {}
    read: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return read


def _missing(weights: Weights, error: ImportError) -> str:
    said = " ".join(str(error).split())
    if "torchvision" in said.lower():
        return (
            f"[model] path = {weights.path!r} needs torchvision to read images; install the torchvision that belongs to "
            f"your torch, or take a model that does not need it"
        )
    return f"[model] path = {weights.path!r} needs a library that is not installed: {said}"

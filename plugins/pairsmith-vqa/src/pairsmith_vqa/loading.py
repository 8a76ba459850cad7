"""Loads models: safetensors, or what was made of pickled weights, on the device and in the type that the options say."""

from collections.abc import Callable
from typing import Any

import torch
from attrs import define, field
from safetensors.torch import save_file
from transformers import AutoConfig, AutoProcessor, AutoTokenizer
from transformers.utils import cached_file, logging

from pairsmith.checkpoints import explained, fingerprint
from pairsmith.safe_weights import SafeWeights
from pairsmith_vqa.options import VqaOptions

logging.disable_progress_bar()
logging.set_verbosity_error()

WEIGHTS = SafeWeights(load=torch.load, save=save_file, fetch=cached_file)
Load = Callable[..., Any]


@define
class Checkpoint:
    """A model directory or hub id. The configuration is read at once, the rest when it is first asked for."""

    option: str
    path: str
    revision: str | None
    options: VqaOptions
    config: Any = field(init=False)
    _reader: list[Any] = field(init=False, factory=list)
    _model: list[Any] = field(init=False, factory=list)

    def __attrs_post_init__(self) -> None:
        """Read the configuration."""
        with explained(self._where, self.path):
            self.config = AutoConfig.from_pretrained(self.path, **self._loading)

    @property
    def device(self) -> str:
        """Where the model is."""
        if self.options.device != "auto":
            return self.options.device
        return "cuda" if torch.cuda.is_available() else "cpu"

    @property
    def dtype(self) -> str:
        """The type of the weights."""
        if self.options.dtype != "auto":
            return self.options.dtype
        return "float32" if self.device == "cpu" else "bfloat16"

    def identity(self) -> dict[str, Any]:
        """Return what raw answers depend on."""
        commit = getattr(self.config, "_commit_hash", None)
        return {"model": fingerprint(self.path, commit), "dtype": self.dtype}

    def reader(self, *, text_only: bool = False) -> Any:  # noqa: ANN401 - a processor or a tokenizer
        """Return the processor, or the tokenizer."""
        if not self._reader:
            with explained(self._where, self.path):
                kind = AutoTokenizer if text_only else AutoProcessor
                self._reader.append(kind.from_pretrained(self.path, **self._loading))
        return self._reader[0]

    def model(self, load: Load) -> Any:  # noqa: ANN401 - any model
        """Return the model, loaded by ``load``, a ``from_pretrained``."""
        if not self._model:
            with explained(self._where, self.path):
                path = WEIGHTS.located(self.path, self.revision, self._where)
                model = load(path, dtype=getattr(torch, self.dtype), use_safetensors=True, **self._loading)
            self._model.append(model.to(self.device).eval())
        return self._model[0]

    def unload(self) -> None:
        """Let the weights go."""
        self._model.clear()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def on_device(self, batch: Any) -> dict[str, Any]:  # noqa: ANN401 - a processor's output
        """Return model inputs on the device, floating-point ones in the model's type."""
        kind = getattr(torch, self.dtype)
        return {
            name: tensor.to(self.device, kind) if tensor.is_floating_point() else tensor.to(self.device)
            for name, tensor in batch.items()
        }

    @property
    def _where(self) -> str:
        return f"[[judges]] use = 'vqa': {self.option}"

    @property
    def _loading(self) -> dict[str, Any]:
        return {"revision": self.revision, "trust_remote_code": self.options.trust_remote_code}

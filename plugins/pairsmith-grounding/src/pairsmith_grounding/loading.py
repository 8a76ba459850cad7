"""Loads detectors: safetensors, or what was made of pickled weights, on the device and in the type that the options say."""

from typing import Any

import torch
from attrs import define, field
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForZeroShotObjectDetection, AutoProcessor
from transformers.utils import cached_file, logging

from pairsmith.checkpoints import explained, fingerprint
from pairsmith.errors import StageError
from pairsmith.safe_weights import SafeWeights
from pairsmith_grounding.options import DetectorOptions

logging.disable_progress_bar()
logging.set_verbosity_error()

WEIGHTS = SafeWeights(load=torch.load, save=save_file, fetch=cached_file)


@define
class Checkpoint:
    """A model directory or hub id. The configuration is read at once, the weights when they are first asked for."""

    name: str
    options: DetectorOptions
    kinds: tuple[str, ...]
    config: Any = field(init=False)
    _loaded: list[tuple[Any, Any]] = field(init=False, factory=list)

    def __attrs_post_init__(self) -> None:
        """Read the configuration, and refuse another kind of model."""
        with explained(self._where, self.options.model):
            self.config = AutoConfig.from_pretrained(self.options.model, **self._loading)
        if self.config.model_type not in self.kinds:
            msg = (
                f"{self._where} = {self.options.model!r} is a {self.config.model_type!r}, not {' or '.join(self.kinds)}"
            )
            raise StageError(msg)

    @property
    def device(self) -> str:
        """Where the model is."""
        if self.options.device != "auto":
            return self.options.device
        return "cuda" if torch.cuda.is_available() else "cpu"

    @property
    def dtype(self) -> str:
        """The type of the weights."""
        return "float32" if self.options.dtype == "auto" else self.options.dtype

    def identity(self) -> dict[str, Any]:
        """Return what raw answers depend on."""
        commit = getattr(self.config, "_commit_hash", None)
        return {"model": fingerprint(self.options.model, commit), "dtype": self.dtype}

    def load(self) -> tuple[Any, Any]:
        """Return the processor and the model."""
        if not self._loaded:
            with explained(self._where, self.options.model):
                processor = AutoProcessor.from_pretrained(self.options.model, **self._loading)
                model = AutoModelForZeroShotObjectDetection.from_pretrained(
                    WEIGHTS.located(self.options.model, self.options.revision, self._where),
                    dtype=getattr(torch, self.dtype),
                    use_safetensors=True,
                    **self._loading,
                )
            self._loaded.append((processor, model.to(self.device).eval()))
        return self._loaded[0]

    def unload(self) -> None:
        """Let the weights go."""
        self._loaded.clear()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def on_device(self, batch: Any) -> dict[str, Any]:  # noqa: ANN401 - a processor's output
        """Return model inputs on the device, floating-point ones in the model's type."""
        kind = getattr(torch, self.dtype)
        return {
            name: tensor.to(self.device, kind) if tensor.is_floating_point() else tensor.to(self.device)
            for name, tensor in batch.items()
            if hasattr(tensor, "is_floating_point")
        }

    @property
    def _where(self) -> str:
        return f"[[judges]] use = {self.name!r}: model"

    @property
    def _loading(self) -> dict[str, Any]:
        return {"revision": self.options.revision, "trust_remote_code": self.options.trust_remote_code}

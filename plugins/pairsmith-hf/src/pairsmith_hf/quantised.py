"""Weights in 8 or 4 bits, where bitsandbytes is installed (LLM.int8, arXiv 2208.07339; NF4, arXiv 2305.14314)."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import torch
from transformers import BitsAndBytesConfig

from pairsmith.errors import StageError
from pairsmith_hf.options import Quantization

_LOG = logging.getLogger(__name__)


def settings(quantization: Quantization, *, device: str, dtype: str) -> dict[str, Any]:
    """Return what ``from_pretrained`` is told: nothing for whole weights.

    Every linear module but the head is quantised; 4 bits are NF4 with their constants quantised too, or the library's own
    default, FP4 with whole constants (PDS-DPO), computed in ``dtype``.

    Raises :class:`StageError` where bitsandbytes is not installed.
    """
    if quantization == "none":
        return {}
    if find_spec("bitsandbytes") is None:
        msg = (
            f"[model] quantization = {quantization!r} needs bitsandbytes, which is not installed: pip install "
            f"'pairsmith-hf[quantised]', or set quantization = 'none'"
        )
        raise StageError(msg)
    if not device.startswith("cuda"):
        _LOG.warning("[model] quantization = %r without a GPU saves memory and costs time", quantization)
    nf4 = quantization == "4bit"
    config = (
        BitsAndBytesConfig(load_in_8bit=True)
        if quantization == "8bit"
        else BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4" if nf4 else "fp4",
            bnb_4bit_use_double_quant=nf4,
            bnb_4bit_compute_dtype=getattr(torch, dtype),
        )
    )
    return {"quantization_config": config, "device_map": {"": device}}


@contextmanager
def explained(quantization: Quantization, device: str) -> Iterator[None]:
    """Word what bitsandbytes says where it is too old, or cannot work on this device."""
    try:
        yield
    except (ImportError, RuntimeError) as error:
        if quantization == "none":
            raise
        said = " ".join(str(error).split())
        msg = f"[model] quantization = {quantization!r} cannot be had on {device!r}: {said}; set quantization = 'none'"
        raise StageError(msg) from error

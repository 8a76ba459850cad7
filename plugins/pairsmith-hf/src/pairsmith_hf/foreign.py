"""Models that transformers does not read, by name and by configuration, and which to take in their place.

Imports no model library. transformers would take the configuration of an original LLaVA for its own LLaVA's and fill every
weight that it does not find with random numbers, so this is asked before anything is loaded.
"""

from collections.abc import Mapping
from typing import Any

TWINS: Mapping[str, tuple[str, str]] = {
    "liuhaotian/llava-v1.5-7b": ("llava", "llava-hf/llava-1.5-7b-hf"),
    "liuhaotian/llava-v1.5-13b": ("llava", "llava-hf/llava-1.5-13b-hf"),
    "liuhaotian/llava-v1.6-vicuna-7b": ("llava-next", "llava-hf/llava-v1.6-vicuna-7b-hf"),
    "liuhaotian/llava-v1.6-vicuna-13b": ("llava-next", "llava-hf/llava-v1.6-vicuna-13b-hf"),
    "liuhaotian/llava-v1.6-mistral-7b": ("llava-next", "llava-hf/llava-v1.6-mistral-7b-hf"),
    "liuhaotian/llava-v1.6-34b": ("llava-next", "llava-hf/llava-v1.6-34b-hf"),
}
"""Checkpoints in the format of LLaVA's own code: the family that reads the same weights, and where they are."""

_LLAVA = "is in the format of LLaVA's own code, which transformers does not read"
INSTEAD = "take Qwen/Qwen2.5-VL-7B-Instruct with use = 'qwen2-5-vl'"
"""What to do where Qwen-VL-Chat cannot be had."""
_QWEN = (
    "is a Qwen-VL, which needs Python code of its own; take Qwen2.5-VL: use = 'qwen2-5-vl', "
    "path = 'Qwen/Qwen2.5-VL-7B-Instruct'"
)
_CHAT = f"{_QWEN}, or let that code run: use = 'qwen-vl-chat', trust_remote_code = true"


def by_name(path: str) -> str | None:
    """Return why a hub id cannot be read and what can, for the end of a sentence; ``None`` where nothing is known.

    >>> by_name("liuhaotian/llava-v1.5-7b").partition("; ")[2]
    "take its twin: use = 'llava', path = 'llava-hf/llava-1.5-7b-hf'"
    """
    name = path.strip("/").casefold()
    if name in TWINS:
        family, twin = TWINS[name]
        return f"{_LLAVA}; take its twin: use = {family!r}, path = {twin!r}"
    if name.startswith("liuhaotian/llava"):
        return f"{_LLAVA}, and has no twin that is known here; look among 'llava-hf/...'"
    if name == "qwen/qwen-vl-chat":
        return _CHAT
    return _QWEN if name in {"qwen/qwen-vl", "qwen/qwen-vl-chat-int4"} else None


def by_name_but_chat(path: str) -> str | None:
    """Return the same for the family that reads Qwen-VL-Chat.

    >>> by_name_but_chat("Qwen/Qwen-VL-Chat") is None, by_name_but_chat("Qwen/Qwen-VL") is None
    (True, False)
    """
    why = by_name(path)
    return None if why == _CHAT else why


def by_configuration(config: Mapping[str, Any]) -> str | None:
    """Return the same of what a ``config.json`` says, as of a model that was trained from one of these."""
    if "mm_vision_tower" in config and "vision_config" not in config:
        return f"{_LLAVA}; convert it, or train from its twin, as 'llava-hf/llava-1.5-7b-hf' is of 'liuhaotian/llava-v1.5-7b'"
    if config.get("model_type") == "qwen" and "visual" in config:
        return _CHAT
    return None

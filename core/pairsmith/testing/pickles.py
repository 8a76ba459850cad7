"""A model's weights as pickles, harmless and hostile, for components that load models. Needs torch and safetensors."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

HARMLESS, INDEX = "pytorch_model.bin", "pytorch_model.bin.index.json"


def pickled(folder: str | Path, target: Path, *, shards: int = 1) -> Path:
    """Copy the model of ``folder``, its ``model.safetensors`` made a pickle, or several and their index."""
    tensors = pytest.importorskip("safetensors.torch").load_file(Path(folder) / "model.safetensors")
    torch = pytest.importorskip("torch")
    shutil.copytree(folder, target, ignore=shutil.ignore_patterns("*.safetensors"))
    if shards == 1:
        torch.save(tensors, target / HARMLESS)
        return target
    files = {name: f"pytorch_model-{n % shards + 1:05d}-of-{shards:05d}.bin" for n, name in enumerate(tensors)}
    for file in set(files.values()):
        torch.save({name: tensors[name] for name in tensors if files[name] == file}, target / file)
    (target / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": files}))
    return target


def hostile(folder: str | Path, target: Path, mark: Path) -> Path:
    """Copy the model of ``folder`` with weights that would make the folder ``mark`` if they were unpickled."""
    shutil.copytree(folder, target, ignore=shutil.ignore_patterns("*.safetensors"))
    pytest.importorskip("torch").save({"weight": _Hostile(mark)}, target / HARMLESS)
    return target


class _Hostile:
    def __init__(self, mark: Path) -> None:
        self._mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self._mark),)

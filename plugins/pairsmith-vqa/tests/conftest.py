"""Tiny models of every kind, and pictures of two sizes."""

import importlib.util
from pathlib import Path

import pytest

KINDS = ("vilt", "blip", "blip-2-t5", "blip-2-opt", "llava")


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Directories of tiny models by their kind, and one of a grammar gate."""
    spec = importlib.util.spec_from_file_location("vqa_models", Path(__file__).parent / "models.py")
    assert spec
    assert spec.loader
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    folder = tmp_path_factory.mktemp("models")
    return {
        "vilt": made.vilt(folder / "vilt"),
        "blip": made.blip(folder / "blip"),
        "blip-2-t5": made.blip_2(folder / "blip-2-t5", "t5"),
        "blip-2-opt": made.blip_2(folder / "blip-2-opt", "opt"),
        "llava": made.llava(folder / "llava"),
        "cola": made.cola(folder / "cola"),
    }


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three pictures of noise, of two sizes."""
    import numpy as np
    from PIL import Image

    folder = tmp_path_factory.mktemp("pictures")
    paths = []
    for number, shape in enumerate([(48, 40, 3), (40, 64, 3), (48, 40, 3)]):
        paths.append(folder / f"{number}.png")
        Image.fromarray(np.random.default_rng(number).integers(0, 256, shape, dtype=np.uint8)).save(paths[-1])
    return paths


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep converted weights in the test's folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

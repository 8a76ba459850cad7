"""Published annotations where they are, and tiny detectors with random weights."""

import importlib.util
import json
import os
from pathlib import Path
from typing import Any

import pytest


def shared() -> Path:
    """Return the folder of published data, beside the repository unless the environment says otherwise."""
    named = os.environ.get("PAIRSMITH_SHARED")
    return Path(named) if named else Path(__file__).resolve().parents[4] / "shared"


@pytest.fixture(scope="session")
def amber() -> list[dict[str, Any]]:
    """AMBER's own annotations, as published."""
    path = shared() / "data" / "amber" / "annotations.json"
    if not path.exists():
        pytest.skip("the published annotations are not here")
    return [row for row in json.loads(path.read_text()) if row["type"] == "generative"]


@pytest.fixture(scope="session")
def detectors(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Directories of tiny models, by the name of the judge (``owlv2`` is one that ``owl-vit`` takes)."""
    spec = importlib.util.spec_from_file_location("grounding_models", Path(__file__).parent / "models.py")
    assert spec
    assert spec.loader
    models = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(models)
    folder = tmp_path_factory.mktemp("detectors")
    return {
        "owl-vit": models.owl_vit(folder / "owlvit"),
        "owlv2": models.owl_vit(folder / "owlv2", "Owlv2"),
        "grounding-dino": models.grounding_dino(folder / "dino"),
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

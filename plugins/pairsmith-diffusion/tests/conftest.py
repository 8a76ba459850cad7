"""Tiny models, made once for all tests of this plugin."""

import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))  # `tiny` is no package's

from pairsmith.interfaces import Run
from pairsmith.testing import make_run


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep converted weights in the test's folder, and one thread."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def pipelines(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A directory of each kind of pipeline."""
    import tiny

    folder = tmp_path_factory.mktemp("pipelines")
    made = {}
    for name, make in tiny.PIPELINES.items():
        torch.manual_seed(0)
        make().save_pretrained(folder / name)
        made[name] = folder / name
    return made


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run in a folder of its own."""
    return make_run(tmp_path / "run", seed=3)

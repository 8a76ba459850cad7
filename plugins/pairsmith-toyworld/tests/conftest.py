from pathlib import Path

import pytest

from pairsmith.images import DirectoryImageStore
from pairsmith.interfaces import Run
from pairsmith_toyworld.scene import Scene, Thing, Word


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(directory=tmp_path, images=DirectoryImageStore(tmp_path / "images"), seed=5)


@pytest.fixture
def with_word() -> Scene:
    """A large red circle at the top left, a small yellow star at the right, GO below. Red makes one expect a blue square."""
    return Scene(
        things=(Thing("large", "red", "circle", 0, 0.17, 0.17), Thing("small", "yellow", "star", 5, 0.83, 0.50)),
        word=Word("GO", "bottom", 7, 0.50, 0.83),
        grey=40,
        noise=1,
    )


@pytest.fixture
def with_companion() -> Scene:
    """A small green ring, below it the large yellow star that green makes one expect, a large cyan cross; no word."""
    return Scene(
        things=(
            Thing("small", "green", "ring", 1, 0.50, 0.17),
            Thing("large", "yellow", "star", 4, 0.50, 0.50),
            Thing("large", "cyan", "cross", 6, 0.17, 0.83),
        ),
        word=None,
        grey=60,
        noise=2,
    )


@pytest.fixture
def lone_ring() -> Scene:
    return Scene(things=(Thing("small", "white", "ring", 8, 0.83, 0.83),), word=None, grey=30, noise=3)

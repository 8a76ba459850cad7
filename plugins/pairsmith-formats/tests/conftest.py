"""A run for components that need none of it."""

from pathlib import Path
from unittest.mock import Mock

import pytest

from pairsmith.interfaces import Run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run in a folder of its own."""
    return Run(directory=tmp_path, images=Mock())

"""A local model as a judge in a run: what fails is counted, and ends a run that does not allow it."""

from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from pairsmith.errors import StageError
from pairsmith.progress import progress
from pairsmith.recipe import Document
from pairsmith.start import start
from pairsmith.testing.pictures import noise
from pairsmith.view import DirectoryView

TABLE = {"use": "random-llava", "image_size": 16, "patch_size": 8, "vocabulary": 300, "std": 0.3}


def test_a_random_model_fails_every_sample_and_the_run_says_so(tmp_path: Path) -> None:
    """The real model, loading and reading: what it says is noise, and noise is never taken for a grade."""
    for n in range(2):
        noise(tmp_path / f"{n}.png", 20, 20, n)
    tables = {
        "schema": 1,
        "summary": "s",
        "images": {"use": "folder", "path": str(tmp_path), "prompt": "What is this?"},
        "responses": {"use": "hf", "model": TABLE, "n": 2, "max_new_tokens": 3},
        "judges": [{"use": "vlm", "model": {**TABLE, "seed": 1}, "max_new_tokens": 4, "reasks": 0}],
    }

    def judged(**more: Any) -> Path:
        document = Document(name="r", tables={**tables, **more})
        return start(document, out=tmp_path / f"run{len(more)}", until="verdicts", progress=progress(StringIO()))

    with pytest.raises(StageError, match=r"verdicts-1-vlm.*2 .*none of 1 replies"):
        judged()
    run = judged(max_failures=2)
    view = DirectoryView(run)
    assert view.stages()["verdicts-1-vlm"]["facts"] == {"replies": 2, "asked again": 0, "failed": 2}

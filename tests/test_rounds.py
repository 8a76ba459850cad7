"""``toyworld-rounds`` with a handful of pictures: a real model answers, is judged and trained, and answers again."""

from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from pairsmith import worker
from pairsmith.progress import progress
from pairsmith.start import start
from pairsmith.training import Trainings
from pairsmith.view import DirectoryView

RECIPE = 'extends = "toyworld-rounds"\nwithout = ["control"]\n'
SMALL = (
    "rounds.n=2",
    "images.samples=6",
    "part_size=6",
    "responses.n=2",
    "train.epochs=1",
    "train.batch_size=2",
    "train.learning_rate=1e-3",
    "train.warmup_steps=0",
    "benchmarks[0].scenes=1",
)


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Train where the test runs, through the very function that the training process calls: it spares its imports."""

    def launch(self: Trainings, command: list[str], stage: Any, reference: Any, items: Any) -> None:
        worker.run_stage(self.directory.path, stage.name)

    monkeypatch.setattr(Trainings, "_launch", launch)


@pytest.mark.timeout(600)  # seconds of processor time are few; where others compute too they take long
def test_a_model_that_was_trained_answers_and_is_trained_further(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(RECIPE)
    run = start(tmp_path / "mine.toml", settings=SMALL, out=tmp_path / "run", progress=progress(StringIO()))
    view = DirectoryView(run)
    stages = view.stages()
    assert all(state["done"] for state in stages.values())
    assert [stages[name]["counts"]["steps"] > 0 for name in ("train", "round-2")] == [True] * 2
    assert [one["model"] for one in view.evaluations()] == ["base", "round-1", "trained"]
    orders = [(run / "stages" / name / "job.json").read_text() for name in ("train", "round-2")]
    assert ['"stages/train/output/model"' in order for order in orders] == [False, True]
    page = (run / "report.html").read_text(encoding="utf-8")
    assert page.index(">base</th>") < page.index(">round-1</th>") < page.index(">trained</th>")

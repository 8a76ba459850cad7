"""A real training in processes of its own that pauses for benchmarks, beside components that were passed in Python."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from pairsmith.interfaces import Scores
from pairsmith.progress import progress
from pairsmith.recipe import Document
from pairsmith.start import start
from pairsmith.testing.pictures import noise
from pairsmith.values import Pair, Response, Sample, user
from pairsmith.view import DirectoryView


@frozen
class Pictures:
    """Eight questions about pictures of nothing, each with a right and a wrong answer."""

    folder: Path
    number: int = 8

    def samples(self, start: int = 0):
        for k in range(start, self.number):
            given = tuple(
                Response(id=f"s{k}/{n}", sample_id=f"s{k}", text=text)
                for n, text in enumerate((f"red {k}", f"blue {k}"))
            )
            picture = noise(self.folder / f"{k}.png", 32, 32, k)
            yield Sample(id=f"s{k}", images=(picture,), prompt=user("What is it?"), given=given)


@frozen
class FirstIsRight:
    def select(self, judged, *, seed):
        right, wrong = judged.responses
        return [Pair(id=judged.sample.id, sample=judged.sample, chosen=right, rejected=wrong)]


@frozen
class Reddish:
    """How often an answer says red, per cent."""

    folder: Path
    source = "none"

    def samples(self):
        return Pictures(self.folder, 2).samples()

    def score(self, samples, responses):
        return Scores(metrics={"red": 100 * sum("red" in one.text for one in responses) / len(responses)})


@pytest.mark.slow
def test_a_training_is_scored_on_its_way_and_its_report_shows_it(tmp_path: Path) -> None:
    tables: dict[str, Any] = {
        "schema": 1,
        "model": {
            "use": "random-llava", "image_size": 16, "patch_size": 8, "vocabulary": 300, "std": 0.3, "hidden_size": 32,
        },
        "images": {"use": Pictures(tmp_path)},
        "image_check": {"use": "none"},
        "pairs": {"use": FirstIsRight()},
        "loss": {"use": "dpo"},
        "train": {"use": "tree", "epochs": 2, "batch_size": 4, "learning_rate": 1e-2, "device": "cpu",
                  "lora": {"r": 2}},
        "during_training": {"every": 2, "from_step": 2},
        "benchmarks": [{"use": Reddish(tmp_path)}],
        "evaluation": {"use": "hf", "max_new_tokens": 4},
        "reports": [{"use": "html"}],
    }  # fmt: skip
    said = StringIO()
    run = start(Document(name="scored", tables=tables), out=tmp_path / "run", progress=progress(said))
    rows = DirectoryView(run).metrics()
    assert [row["step"] for row in rows] == [1, 2, 3, 4]
    assert [row["step"] for row in rows if "benchmark/reddish/red" in row] == [2], "the fourth step is the last"
    told = (run / "stages" / "train" / "log.txt").read_text()
    assert told.count("goes on from step 2") == 1
    assert "train: step 2: reddish/red" in said.getvalue()
    assert json.loads((run / "stages" / "train-step-2-reddish" / "scores.json").read_text())["items"] == 2
    assert "reddish, red" in (run / "report.html").read_text()
    assert not list((run / "stages" / "train" / "output").glob("step-*"))

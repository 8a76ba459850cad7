"""What cannot come out right is said before any work of a run is done."""

from pathlib import Path
from typing import Any

import pytest
from attrs import define, field

from doubles import Generator, Loss, Trainer
from pairsmith.errors import StageError
from pairsmith.values import Cell
from test_pipeline import go, trained

__all__ = ["trained"]  # a fixture


class Conditional(Loss):
    cells = (Cell("chosen"), Cell("chosen", image="corrupted"))


@define
class Choosy(Trainer):
    """Knows beforehand what it cannot do."""

    asked: list[object] = field(factory=list, init=False)
    fails: bool = field(default=True, init=False)

    def check(self, loss: object) -> None:
        self.asked.append(loss)
        if self.fails:
            msg = "train.processes = 8 and there are 2 devices"
            raise StageError(msg)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"loss": {"use": Conditional()}}, r"needs a corrupted image; add a table \[corruptions.image\]"),
        ({"during_training": {"every": 1}}, r"'trainer' cannot pause for benchmarks"),
        ({"train": {"use": Choosy()}}, "^train.processes = 8 and there are 2 devices$"),
    ],
    ids=["corruption", "pause", "machine"],
)
def test_nothing_is_read_or_answered_before(
    tmp_path: Path, trained: dict[str, Any], change: dict[str, Any], said: str
) -> None:
    del trained["corruptions"]
    used = {**trained, **change, "responses": {"use": Generator()}}
    with pytest.raises(StageError, match=said):
        go(tmp_path, used)
    assert used["images"]["use"].asked == []
    assert used["responses"]["use"].calls == 0


def test_every_training_is_looked_at(tmp_path: Path, trained: dict[str, Any]) -> None:
    del trained["train"], trained["control"], trained["loss"]
    stages = [("sft", Loss(), Choosy()), ("preferences", Conditional(), Choosy())]
    stages[0][2].fails = False
    trained["stages"] = [{"name": name, "loss": {"use": loss}, "train": {"use": use}} for name, loss, use in stages]
    del trained["corruptions"]
    with pytest.raises(StageError, match="needs a corrupted image"):
        go(tmp_path, trained)
    assert trained["images"]["use"].asked == []
    assert [use.asked for _, _, use in stages] == [[stages[0][1]], []]


def test_whoever_stops_before_training_or_is_done_with_it_is_not_asked(tmp_path: Path, trained: dict[str, Any]) -> None:
    choosy = Choosy()
    trained["train"] = {"use": choosy}
    go(tmp_path, trained, until="corruptions")
    assert choosy.asked == []
    choosy.fails = False
    go(tmp_path, trained)
    assert choosy.asked == [trained["loss"]["use"]]
    go(tmp_path, trained)
    assert len(choosy.asked) == 1

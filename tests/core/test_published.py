"""``[reference]``: what was published with the answers is the reference stage, once a sample of it was compared."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from attrs import define, evolve

from doubles import Family, Loss, Selector, Source, Trainer
from pairsmith.directory import RunDirectory
from pairsmith.errors import RecipeError, StageError
from pairsmith.interfaces import Weights
from pairsmith.values import Response, Sample
from test_pipeline import go, tables

CELLS = ("chosen|image=original|context=original", "rejected|image=original|context=original")


@define
class Published(Source):
    """Samples whose answers came with their sums: two tokens of -1 each, or what ``wrong`` says."""

    wrong: float = -2.0

    def samples(self, start: int = 0) -> Iterator[Sample]:
        for sample in super().samples(start):
            given = tuple(
                Response(id=f"{sample.id}/{k}", sample_id=sample.id, text=f"{k}", parameters={"logp": logp})
                for k, logp in enumerate((-2.0, self.wrong))
            )
            yield evolve(sample, given=given)


class Tokens(Family):
    """Two tokens an answer."""

    def codec(self, _: Weights) -> Any:
        return SimpleNamespace(response=lambda _turns, _text: (1, 2))


@define
class Sums(Trainer):
    suffice: bool = True

    def sums_suffice(self, _: object) -> bool:
        return self.suffice

    def reference(self, job: Any, items: Any) -> Any:
        return [{name: values * 2 for name, values in row.items()} for row in super().reference(job, items)]


def published(folder: Path, source: Published | None = None, **more: Any) -> dict[str, Any]:
    made = tables(
        folder,
        images={"use": source or Published(folder / "pictures")},
        model={"use": Tokens(folder / "base")},
        loss={"use": Loss()},
        train={"use": Sums()},
        reference={"parameter": "logp", "check": 3},
        **more,
    )
    return {name: table for name, table in made.items() if name not in {"responses", "claims", "judges"}}


def rows(run: Path) -> list[Any]:
    return list(RunDirectory(run).stage("reference").rows())


def test_it_stands_in_for_the_reference_and_a_sample_is_compared(tmp_path: Path) -> None:
    used = published(tmp_path)
    run = go(tmp_path, used)
    assert [row["cells"] for row in rows(run)] == [{cell: [-1.0, -1.0] for cell in CELLS}] * 10
    assert used["train"]["use"].referred == 3, "more than the sample was computed"
    computed = {name: table for name, table in published(tmp_path).items() if name != "reference"}
    other = go(tmp_path, computed, out=tmp_path / "runs" / "two")
    assert rows(other) == rows(run)
    assert computed["train"]["use"].referred == 10
    keys = [RunDirectory(one).stage("reference").key() for one in (run, other)]
    assert keys[0] != keys[1], "what was published is not kept as what was computed"


def test_numbers_of_another_model_are_one_sentence_and_nothing_of_them_is_kept(tmp_path: Path) -> None:
    wrong = published(tmp_path, Published(tmp_path / "pictures", wrong=-2.5))
    said = (
        r"reference: 'p-s\d', its rejected answer: published -2.500, computed -2.000 nats over 2 tokens: 0.25 a token apart, "
        r"and reference.tolerance is 0.02. Another model"
    )
    for _ in range(2):
        with pytest.raises(StageError, match=said):
            go(tmp_path, wrong)
        assert rows(tmp_path / "runs" / "one") == []
    assert wrong["train"]["use"].trained == []


def test_sums_are_refused_where_tokens_are_read(tmp_path: Path) -> None:
    used = published(tmp_path)
    used["train"] = {"use": Sums(suffice=False)}
    with pytest.raises(
        StageError, match="holds the sum over an answer, and this loss reads the log-probability of each"
    ):
        go(tmp_path, used)


@pytest.mark.parametrize(("table", "said"), [
    ({}, "reference.parameter: is required"),
    ({"parameter": "logp", "check": 0}, "reference.check: .*must be >= 1"),
    ({"parameter": "logp", "tolerence": 1.0}, "did you mean 'tolerance'"),
])  # fmt: skip
def test_the_table_is_read_strictly(tmp_path: Path, table: dict[str, Any], said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        go(tmp_path, {**published(tmp_path), "reference": table, "pairs": {"use": Selector()}})

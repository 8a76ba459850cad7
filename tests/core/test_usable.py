"""What cannot be trained on is named: some of it at once, all of it in a file."""

import json
from pathlib import Path

import pytest
from attrs import frozen

from pairsmith.errors import StageError
from pairsmith.usable import usable
from pairsmith.values import Item, Pair, Response, Sample, user


@frozen
class Words:
    """Tokens are words."""

    limit: int | None
    cut: bool = False

    def fits(self, item: Item) -> str | None:
        number = len(item.value.chosen.text.split())
        if not number:
            return "its chosen answer has no token"
        long = self.limit is not None and number > self.limit and not self.cut
        return f"its chosen answer ends at token {number}, over {self.limit}" if long else None

    def is_cut(self, item: Item) -> bool:
        return self.limit is not None and len(item.value.chosen.text.split()) > self.limit


def items(*lengths: int) -> list[Item]:
    sample = Sample(id="s", images=(), prompt=user("Count."))

    def said(text: str) -> Response:
        return Response(id="r", sample_id="s", text=text)

    return [
        Item(value=Pair(id=f"p{k}", sample=sample, chosen=said(" ".join("x" * n)), rejected=said("no")))
        for k, n in enumerate(lengths)
    ]


def test_what_is_left_out_or_cut_is_named(tmp_path: Path) -> None:
    said: list[str] = []
    metrics = tmp_path / "train" / "metrics.jsonl"
    file = metrics.with_name("left-out.jsonl")
    assert usable(items(2, 9, 3, *[8] * 6), Words(4), 2, said.append, metrics) == [0, 2]
    assert said[0] == "left out p1: its chosen answer ends at token 9, over 4"
    assert said[5:] == [f"left out 7 items in all; all are in {str(file)!r}"]
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert [row["id"] for row in rows] == ["p1", *(f"p{k}" for k in range(3, 9))]
    assert rows[1]["left_out"] == "its chosen answer ends at token 8, over 4"
    said.clear()
    assert usable(items(2, 9, 0), Words(4, cut=True), 2, said.append, metrics) == [0, 1]
    assert said == [
        "left out p2: its chosen answer has no token",
        f"cut the answers of 1 items at 4 tokens; all are in {str(file)!r}",
    ]
    assert [json.loads(line) for line in file.read_text().splitlines()] == [
        {"id": "p2", "left_out": "its chosen answer has no token"},
        {"id": "p1", "cut": 4},
    ]


def test_too_little_is_refused() -> None:
    with pytest.raises(
        StageError, match=r"1 of 2 items can be trained on, fewer than one step of train.batch_size = 2"
    ):
        usable(items(1, 0), Words(None), 2, lambda _: None)

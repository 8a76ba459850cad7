"""Answers made elsewhere: what does not fit is named and counted."""

import json
from pathlib import Path
from typing import Any

import pytest

from pairsmith.errors import PairsmithError, UsageError
from pairsmith.matching import match, read_answers


def write(path: Path, *rows: Any) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_every_problem_is_named_and_counted() -> None:
    answers = [("a", "Yes"), ("b", "\n "), ("c", "No"), ("c", "No"), ("z", "?"), ("y", "!")]
    found = match(["a", "b", "c", "d", "e"], answers, "file")
    assert found.texts == {"a": "Yes"}
    assert found.counts() == {"scored": 1, "empty": 1, "missing": 2, "double": 1, "unknown": 2}
    assert found.problems == {"d": "missing", "e": "missing", "c": "double", "b": "empty"}
    assert list(found.sentences()) == [
        "2 items have no answer and are not scored, such as 'd', 'e'",
        "1 items have two answers or more, and none of those is scored, such as 'c'",
        "1 answers are empty and not scored, such as 'b'",
        "2 answers are to items that the benchmark does not have, such as 'z', 'y'",
    ]


def test_where_all_is_well_nothing_is_said() -> None:
    found = match(["a"], [("a", "Yes")], "file")
    assert list(found.sentences()) == []
    assert found.counts() == {"scored": 1, "empty": 0}


@pytest.mark.parametrize("answers", [[], [("x", "Yes"), ("y", "No")]])
def test_answers_to_something_else_are_refused(answers: list[tuple[str, str]]) -> None:
    with pytest.raises(UsageError, match=f"file: none of its {len(answers)} answers is to one of the 2 items"):
        match(["a", "b"], answers, "file")


def test_rows_of_any_spelling_are_read(tmp_path: Path) -> None:
    rows = [
        {"id": "a", "answer": "1"},
        {"id": 7, "response": "2"},
        {"id": "c", "text": "3"},
        {"id": "d", "answer": None},
    ]
    assert read_answers(write(tmp_path / "a.jsonl", *rows)) == [("a", "1"), ("7", "2"), ("c", "3")]


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({"answer": "x"}, r"row 1 \(line 1\) must have an item's 'id' and the 'answer'"),
        ({"id": True, "answer": "x"}, "must have an item's 'id'"),
        ({"id": "a"}, "must have an item's 'id' and the 'answer'"),
        ({"id": "a", "answer": 3}, "'answer' must be a text: 3"),
        (["a"], "is not a JSON object"),
    ],
)
def test_a_row_that_is_no_answer_is_refused(tmp_path: Path, row: Any, problem: str) -> None:
    with pytest.raises(PairsmithError, match=problem):
        read_answers(write(tmp_path / "a.jsonl", row))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a file"):
        read_answers(tmp_path / "none.jsonl")

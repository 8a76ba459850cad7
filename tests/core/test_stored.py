"""Answers from a file, joined by id."""

import json
import tracemalloc
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from pairsmith.builtin.stored import Stored
from pairsmith.builtin.stored_options import StoredOptions, stored_inputs
from pairsmith.errors import StageError
from pairsmith.interfaces import Run
from pairsmith.values import Response, Sample, user


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "answers.jsonl"


def samples(*names: str) -> list[Sample]:
    return [Sample(id=name, prompt=user("What?")) for name in names]


def stored(path: Path, *rows: Any, **options: Any) -> Stored:
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return Stored(StoredOptions(path=path, **options), Run(directory=path.parent, images=Mock()))


def texts(answers: list[list[Response]]) -> list[list[str]]:
    return [[answer.text for answer in some] for some in answers]


def test_answers_find_their_sample_in_any_order(path: Path) -> None:
    generator = stored(
        path, {"id": "b", "response": "B"}, {"id": "a", "text": "A"}, {"id": "c", "responses": ["C1", "C2"]}
    )
    assert texts(generator.respond(samples("a", "b", "c"), seed=0)) == [["A"], ["B"], ["C1", "C2"]]
    assert texts(generator.respond(samples("c"), seed=1)) == [["C1", "C2"]]
    assert generator.respond([], seed=0) == []


def test_rows_of_one_id_add_up_in_the_files_order(path: Path) -> None:
    rows = [{"id": "a", "response": text, "model": model} for text, model in (("1", "x"), ("2", "y"))]
    (answers,) = stored(path, rows[0], {"id": "b", "text": "-"}, rows[1]).respond(samples("a"), seed=0)
    assert [(one.text, one.model) for one in answers] == [("1", "x"), ("2", "y")]
    assert len({one.id for one in answers}) == 2


def test_what_is_known_of_an_answer_is_taken_over(path: Path) -> None:
    row = {
        "id": 7,
        "model": "llava",
        "responses": ["plain", {"text": "own", "model": "qwen", "seed": 3, "parameters": {"t": 1}, "label": "chosen"}],
    }
    (answers,) = stored(path, row).respond(samples("7"), seed=0)
    assert answers == [
        Response(id="7/answers/0", sample_id="7", text="plain", model="llava"),
        Response(
            id="7/answers/1",
            sample_id="7",
            text="own",
            model="qwen",
            seed=3,
            parameters={"t": 1},
            label="chosen",
        ),
    ]


def test_the_id_may_be_called_otherwise(path: Path) -> None:
    assert texts(stored(path, {"key": "a", "text": "A"}, id_field="key").respond(samples("a"), seed=0)) == [["A"]]


def test_samples_without_an_answer_get_none_and_are_counted(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    generator = stored(path, {"id": "a", "text": "A"})
    assert texts(generator.respond(samples("a", "b", "c"), seed=0)) == [["A"], [], []]
    assert "has no answer to 2 of 3 samples, e.g. 'b'" in caplog.text


def test_ids_that_do_not_fit_stop_the_run_with_counts_and_examples(path: Path) -> None:
    rows = [{"id": f"image-{n}", "text": ""} for n in range(9)]
    with pytest.raises(StageError) as error:
        stored(path, *rows).respond(samples("1", "2", "3", "4"), seed=0)
    assert str(error.value) == (
        f"'{path}' has no answer to 4 of 4 samples, such as '1', '2', '3'; it holds 9 ids, such as 'image-0', "
        f"'image-1', 'image-2'. The field 'id' must hold the samples' ids"
    )
    assert stored(path, *rows, allow_unmatched=True).respond(samples("1"), seed=0) == [[]]


def test_greedily_there_is_one_answer_or_an_error(path: Path) -> None:
    generator = stored(path, {"id": "a", "responses": ["A1", "A2"]})
    assert texts(generator.respond(samples("a"), seed=0, greedy=True)) == [["A1"]]
    with pytest.raises(StageError, match="has no answer to 1 of 2 samples"):
        generator.respond(samples("a", "b"), seed=0, greedy=True)


@pytest.mark.parametrize("data", [
    b'\xef\xbb\xbf{"id": "a", "text": "\xc3\x85"}\r\n\r\n{"id": "b", "text": "B"}\r\n',
    b'\xef\xbb\xbf[{"id": "a", "text": "\xc3\x85"},\r\n {"id": "b", "text": "B"}]\r\n',
])  # fmt: skip
def test_files_from_windows(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    generator = Stored(StoredOptions(path=path), Run(directory=path.parent, images=Mock()))
    assert texts(generator.respond(samples("b", "a"), seed=0)) == [["B"], ["Å"]]


@pytest.mark.parametrize(("data", "said"), [
    (b'{"id": "a", "text": "A"}\n{"id": "b", "text": "\xff"}\n', "line 2) is not UTF-8"),
    (b'{"text": "A"}', "has no text or number as 'id': None"),
    (b'{"id": true, "text": "A"}', "has no text or number as 'id': True"),
    (b'{"id": "a"}', "must have one of 'response', 'text' and 'responses', and has none"),
    (b'{"id": "a", "text": "A", "response": "A"}', "and has ['response', 'text']"),
    (b'{"id": "a", "text": 3}', "an answer must be a text, or an object with a 'text': 3"),
    (b'{"id": "a", "responses": [{"txt": "A"}]}', "an answer must be a text, or an object with a 'text': {'txt': 'A'}"),
    (b'{"id": "a", "text": "A", "model": 3}', "'model' must be a text: 3"),
    (b'{"id": "a", "text": "A", "seed": "x"}', "'seed' must be an integer: 'x'"),
    (b'{"id": "a", "text": "A", "parameters": []}', "'parameters' must be an object: []"),
    (b'{"id": "a", "text": "A", "label": "good"}', "'label' must be 'chosen' or 'rejected': 'good'"),
])  # fmt: skip
def test_a_bad_row_is_one_sentence_with_its_line(path: Path, data: bytes, said: str) -> None:
    path.write_bytes(data)
    with pytest.raises(StageError) as error:
        Stored(StoredOptions(path=path), Run(directory=path.parent, images=Mock()))
    assert said in str(error.value)
    assert f"{str(path)!r}, row" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there_is_named(path: Path) -> None:
    with pytest.raises(StageError, match="is not a file"):
        Stored(StoredOptions(path=path), Run(directory=path.parent, images=Mock()))


def test_memory_does_not_grow_with_the_file(path: Path) -> None:
    def peak(rows: int) -> int:
        with path.open("w") as file:
            for number in range(rows):
                file.write(json.dumps({"id": f"s{number}", "responses": ["x" * 300] * 3}) + "\n")
        tracemalloc.start()
        generator = Stored(StoredOptions(path=path), Run(directory=path.parent, images=Mock()))
        assert len(generator.respond(samples(f"s{rows - 1}"), seed=0)[0]) == 3
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    assert peak(8_000) < 1.1 * peak(2_000)


def test_a_changed_file_is_noticed(path: Path) -> None:
    assert stored_inputs(StoredOptions(path=path)) == (path,)

"""Rows of users' files, however they were saved."""

import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from pairsmith import records as module
from pairsmith.errors import StageError
from pairsmith.records import members, read_at, records


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rows.json"


ROWS = [{"id": "é"}, {"id": 2, "in": [{"deep": "]},{["}]}, {"id": 'a "quoted"\nline'}]


@pytest.mark.parametrize("data", [
    json.dumps(ROWS).encode(),
    json.dumps(ROWS, indent=2, ensure_ascii=False).replace("\n", "\r\n").encode(),
    b"\xef\xbb\xbf" + json.dumps(ROWS, ensure_ascii=False).encode() + b"\n\n",
    "\n".join(map(json.dumps, ROWS)).encode(),
    b"\xef\xbb\xbf" + "\r\n\r\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS).encode() + b"\r\n",
])  # fmt: skip
@pytest.mark.parametrize("window", [1, 7, 2**20])
def test_arrays_and_lines_of_any_make_are_read(
    path: Path, data: bytes, window: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_CHUNK", window)
    path.write_bytes(data)
    found = list(records(path))
    assert [record.value() for record in found] == ROWS
    assert [record.number for record in found] == [1, 2, 3]
    assert [read_at(path, record.offset, len(record.data)) for record in found] == ROWS
    assert [record.value() for record in records(path, 2)] == ROWS[2:]


def test_rows_know_their_line(path: Path) -> None:
    path.write_text('[\n {"a": 1},\n\n {"b":\n 2}, {"c": 3}]')
    assert [record.line for record in records(path)] == [2, 4, 5]
    path.write_text('{"a": 1}\n\n{"b": 2}')
    assert [(record.number, record.line) for record in records(path)] == [(1, 1), (2, 3)]


@pytest.mark.parametrize("data", [b"", b"[]", b" \n [ \n ] \n", b"\xef\xbb\xbf", b"\n\n"])
def test_a_file_may_hold_nothing(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    assert list(records(path)) == []


@pytest.mark.parametrize(("data", "said"), [
    (b'[{"a": 1}', "line 1: after row 1 there must be ',' or ']': ''"),
    (b'[{"a": 1} {"b": 2}]', "after row 1 there must be ',' or ']': '{'"),
    (b'[{"a": 1},]', "row 2 (line 1) is not JSON: Expecting value"),
    (b'[{"a": 1}\n] x', "line 2: there is text after the end of the array"),
    (b'[{"a": 1},\n{"b": "\xff"}]', "line 2 is not UTF-8; save the file as UTF-8"),
    (b"[" * 100_000, "row 1 (line 1) is not JSON: maximum recursion depth"),
    (b"[1, 2]", "row 1 (line 1) is not a JSON object but '1'"),
    (b'{"a": 1}\n"text"\n', "row 2 (line 2) is not a JSON object but 'text'"),
    (b'{"a": 1}\n{"b": "\xff"}\n', "row 2 (line 2) is not UTF-8; save the file as UTF-8"),
    (b'{"a": 1}\n{"b": \n', "row 2 (line 2) is not JSON: Expecting value"),
    ('{"a": 1}'.encode("utf-16"), "row 1 (line 1) is not UTF-8"),
    (b'{"a": "\\ud800"}', "row 1 (line 1) holds half of a surrogate pair"),
    (b'{\n "a": 1\n}', "row 1 (line 1) is not JSON"),
])  # fmt: skip
def test_what_is_wrong_is_one_sentence_with_the_place(path: Path, data: bytes, said: str) -> None:
    path.write_bytes(data)
    with pytest.raises(StageError) as error:
        [record.value() for record in records(path)]
    assert said in str(error.value)
    assert str(error.value).startswith(f"'{path}'")
    assert "\n" not in str(error.value)


def test_whole_surrogate_pairs_are_text(path: Path) -> None:
    path.write_bytes(b'{"a": "\\ud83d\\ude00"}')
    assert [record.value() for record in records(path)] == [{"a": "\U0001f600"}]


@pytest.mark.parametrize("start", ["", "["])
def test_a_row_without_end_is_not_read_into_memory(path: Path, start: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST_ROW", 2**20)
    with path.open("w") as file:
        file.write(start + '{"a": "')
        for _ in range(40):
            file.write("x" * 2**20)
    tracemalloc.start()
    with pytest.raises(StageError):
        list(records(path))
    used = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert used < 16 * 2**20


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StageError, match="is not a file"):
        records(tmp_path)


def members_of(path: Path, text: bytes) -> list[tuple[str, Any]]:
    path.write_bytes(text)
    return [(key, record.value()) for key, record in members(path)]


def test_the_members_of_an_object_come_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "graphs.json"
    graphs = {f"{n}": {"text": "é\U0001f600 " * 200_000, "n": n} for n in range(7)}
    for start in (b"", b"\xef\xbb\xbf"):
        assert dict(members_of(path, start + json.dumps(graphs, ensure_ascii=False, indent=1).encode())) == graphs
    assert members_of(path, b" { } \r\n") == []
    path.write_text(json.dumps(graphs))
    for key, record in members(path):
        assert read_at(path, record.offset, len(record.data)) == graphs[key]


def test_arrays_inside_of_an_object_come_one_value_at_a_time(tmp_path: Path) -> None:
    large = {"info": {"year": 2014}, "images": [{"id": n, "text": "x" * 100_000} for n in range(300)], "none": []}
    found = members_of(tmp_path / "coco.json", json.dumps(large).encode())
    assert found == [("info", large["info"]), *(("images", one) for one in large["images"])]


@pytest.mark.parametrize(("text", "said"), [
    (b'{"a": [{}, }', "row 2 (line 1) is not JSON"),
    (b'{"a": [{} {}]}', "after row 1 there must be ',' or ']'"),
    (b"[1]", "line 1: at the start there must be '{': '['"),
    (b"", "at the start there must be '{': ''"),
    (b'{"a": {}', "after entry 1 there must be ',' or '}': ''"),
    (b'{"a": {},}', "after a comma there must be '\"': '}'"),
    (b'{"a" 1}', "after the key 'a' there must be ':': '1'"),
    (b'{"a": {"b": }}', "entry 1 (line 1) is not JSON: Expecting value"),
    (b"{a: 1}", "in an object there must be '}' or '\"': 'a'"),
    (b'{"a": {}} x', "there is text after the end of the object"),
    (b'{"a": {}, "b": "\xff"}', "line 1 is not UTF-8"),
])  # fmt: skip
def test_what_is_no_object_is_named(tmp_path: Path, text: bytes, said: str) -> None:
    with pytest.raises(StageError) as error:
        members_of(tmp_path / "x.json", text)
    assert said in str(error.value)
    assert "\n" not in str(error.value)

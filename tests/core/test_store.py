import errno
import json
import os
from pathlib import Path

import pytest

from pairsmith.errors import StageError
from pairsmith.store import Rows, Stage, canonical, write_atomically


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    stage = Stage(tmp_path / "stages" / "responses")
    stage.begin("key", {"why": 1})
    for part in range(3):
        stage.write(part, ({"n": part * 10 + k} for k in range(10)), {"kept": 10})
    return stage


def test_a_part_comes_back_as_it_was_written(stage: Stage) -> None:
    assert [row["n"] for row in stage.read(1)] == list(range(10, 20))
    assert [row["n"] for row in stage.rows()] == list(range(30))


def test_a_part_says_how_much_it_holds(stage: Stage) -> None:
    assert stage.end(2) == {"rows": 10, "counts": {"kept": 10}}


def test_counts_are_read_after_the_last_row(stage: Stage) -> None:
    counts: dict[str, int] = {}

    def rows():
        for k in range(3):
            counts["seen"] = k + 1
            yield {"k": k}

    stage.write(9, rows(), counts)
    assert stage.end(9)["counts"] == {"seen": 3}


def test_the_end_of_a_part_is_found_behind_a_very_long_row(stage: Stage) -> None:
    stage.write(3, [{"text": "x" * 100_000}])
    assert stage.end(3)["rows"] == 1


def test_a_part_that_fails_half_way_leaves_nothing(stage: Stage) -> None:
    def rows():
        yield {"n": 1}
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        stage.write(3, rows())
    assert stage.parts() == [0, 1, 2]


def test_a_half_written_part_is_no_part(stage: Stage) -> None:
    (stage.directory / ".part-000003.jsonl.tmp").write_text('{"n":1}\n')
    assert stage.parts() == [0, 1, 2]


def test_a_part_cut_by_hand_is_noticed(stage: Stage) -> None:
    path = stage.path(0)
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:4]))
    with pytest.raises(StageError, match="ends too early"):
        list(stage.read(0))


def test_finishing_adds_the_parts_up(stage: Stage) -> None:
    note = stage.finish(1.5)
    assert (note["parts"], note["rows"], note["counts"]) == (3, 30, {"kept": 30})
    assert stage.done() == note


def test_rows_are_read_one_at_a_time_from_the_disk(stage: Stage) -> None:
    rows = Rows(stage, lambda row: row["n"])
    assert len(rows) == 30
    assert (rows[0], rows[19], rows[-1]) == (0, 19, 29)
    assert rows[8:12] == [8, 9, 10, 11]
    assert rows.part(1) == list(range(10, 20))
    with pytest.raises(IndexError):
        rows[30]


def test_rows_can_be_those_that_begin_with_something(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.write(0, [{"item": 1}, {"dropped": 2}, {"item": 3}])
    assert list(Rows(stage, lambda row: row["item"], keep=b'{"item"')) == [1, 3]


def test_a_full_disk_is_one_sentence_and_loses_nothing(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr("pairsmith.store.os.fsync", full)
        with pytest.raises(StageError, match=r"The disk is full: .*part-000003"):
            stage.write(3, [{"n": 1}])
    assert stage.parts() == [0, 1, 2]
    assert not list(stage.directory.glob(".*tmp"))


def test_canonical_json_does_not_depend_on_order() -> None:
    assert canonical({"b": 1, "a": [1.5, "ü"]}) == canonical(json.loads('{"a": [1.5, "ü"], "b": 1}'))


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "f"
    write_atomically(path, [b"old"])
    write_atomically(path, [b"new", b"er"])
    assert path.read_bytes() == b"newer"
    assert [one.name for one in tmp_path.iterdir()] == ["f"]

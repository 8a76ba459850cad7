"""What is written down of answers, and the pace of requests."""

import asyncio
import json
import logging
import os
from pathlib import Path

import pytest

from pairsmith.errors import StageError
from pairsmith_llm.journal import Answer, Journal
from pairsmith_llm.pace import Pace

ANSWER = Answer(texts=(("a cat\u2026", "stop"), ("", "length")), model="m-1", tokens_in=7, tokens_out=3)


def journal(folder: Path, by: str = "me") -> Journal:
    return Journal(folder / "runs" / "one", "endpoint", by)


def files(folder: Path) -> list[Path]:
    return sorted((folder / "runs" / "one" / "journal" / "endpoint").glob("*"))


def test_an_answer_comes_back_as_it_was(tmp_path: Path) -> None:
    first = journal(tmp_path)
    assert first.get("k") is None
    first.put("k", ANSWER)
    assert first.get("k") == ANSWER == journal(tmp_path).get("k")
    first.close()


def test_nothing_is_made_where_nothing_is_written(tmp_path: Path) -> None:
    journal(tmp_path).close()
    assert not (tmp_path / "runs").exists()


def test_each_process_writes_its_own_file_and_reads_all(tmp_path: Path) -> None:
    one, two = journal(tmp_path), journal(tmp_path)
    one.put("a", ANSWER)
    two.put("b", ANSWER)
    one.put("c", ANSWER)
    assert [path.name for path in files(tmp_path)] == ["000000.jsonl", "000001.jsonl"]
    three = journal(tmp_path)
    assert all(three.get(key) == ANSWER for key in "abc")
    assert (three.requests, three.tokens_in, three.tokens_out) == (3, 21, 9)
    assert journal(tmp_path, by="another").requests == 0


@pytest.mark.parametrize("cut", [1, 2, 20, 60])
def test_a_line_that_was_being_written_is_only_a_question_more(
    tmp_path: Path, cut: int, caplog: pytest.LogCaptureFixture
) -> None:
    first = journal(tmp_path)
    for key in "abc":
        first.put(key, ANSWER)
    first.close()
    (path,) = files(tmp_path)
    path.write_bytes(path.read_bytes()[:-cut])
    with caplog.at_level(logging.WARNING):
        second = journal(tmp_path)
    assert "1 lines that cannot be read" in caplog.text
    assert second.get("b") == ANSWER
    assert second.get("c") is None
    second.put("c", ANSWER)
    assert journal(tmp_path).get("c") == ANSWER


@pytest.mark.parametrize("line", [b"{}\n", b"[]\n", b"null\n", b'{"key": "a"}\n', b"\xff\n", b"7\n"])
def test_a_line_of_something_else_is_passed_over(tmp_path: Path, line: bytes) -> None:
    first = journal(tmp_path)
    first.put("a", ANSWER)
    with files(tmp_path)[0].open("ab") as file:
        file.write(line)
    first.put("b", ANSWER)
    second = journal(tmp_path)
    assert second.get("a") == second.get("b") == ANSWER


def test_a_useless_answer_is_forgotten_and_a_later_one_is_not(tmp_path: Path) -> None:
    first = journal(tmp_path)
    first.put("a", ANSWER)
    first.forget("a")
    assert first.get("a") is None
    second = journal(tmp_path)
    assert second.get("a") is None
    assert second.requests == 1, "it was paid for all the same"
    second.put("a", ANSWER)
    assert journal(tmp_path).get("a") == ANSWER


def test_runs_beside_it_are_read_and_their_costs_are_theirs(tmp_path: Path) -> None:
    journal(tmp_path).put("a", ANSWER)
    other = Journal(tmp_path / "runs" / "two", "endpoint", "me")
    assert other.get("a") == ANSWER
    assert other.requests == 0
    files(tmp_path)[0].unlink()
    assert other.get("a") is None, "the other run was deleted in the meantime"


def test_a_full_disk_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write

    def full(descriptor: int, data: bytes) -> int:
        write(descriptor, data[:20])
        raise OSError(28, "No space left on device")

    first = journal(tmp_path)
    first.put("a", ANSWER)
    monkeypatch.setattr(os, "write", full)
    with pytest.raises(StageError, match="No space left on device"):
        first.put("b", ANSWER)
    monkeypatch.undo()
    first.put("c", ANSWER)
    assert journal(tmp_path).get("a") == journal(tmp_path).get("c") == ANSWER
    assert journal(tmp_path).get("b") is None


def test_a_line_says_what_a_person_wants_to_know(tmp_path: Path) -> None:
    journal(tmp_path).put("a", ANSWER)
    assert json.loads(files(tmp_path)[0].read_text()) == {
        "key": "a",
        "by": "me",
        "tokens": [7, 3],
        "texts": [["a cat\u2026", "stop"], ["", "length"]],
        "model": "m-1",
    }


class Clock:
    """A clock that goes on only when somebody sleeps."""

    def __init__(self) -> None:
        self.time = 100.0

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += seconds


def times(pace: Pace, clock: Clock, turns: int, estimate: int = 1, actual: int = 1) -> list[float]:
    async def all_of_them() -> list[float]:
        gone = []
        for _ in range(turns):
            await pace.turn(estimate)
            gone.append(round(clock.time - 100.0, 6))
            pace.settle(estimate, actual)
        return gone

    return asyncio.run(all_of_them())


def test_requests_go_out_evenly() -> None:
    clock = Clock()
    pace = Pace(requests=30, now=clock.now, sleep=clock.sleep)
    assert times(pace, clock, 4) == [0.0, 2.0, 4.0, 6.0]


def test_tokens_count_as_many_as_there_were() -> None:
    clock = Clock()
    pace = Pace(tokens=600, now=clock.now, sleep=clock.sleep)
    assert times(pace, clock, 4, estimate=1000, actual=50) == [0.0, 5.0, 10.0, 15.0]


def test_a_server_that_says_nothing_of_tokens_is_taken_at_the_estimate() -> None:
    clock = Clock()
    pace = Pace(tokens=600, now=clock.now, sleep=clock.sleep)
    assert times(pace, clock, 3, estimate=10, actual=0) == [0.0, 1.0, 2.0]


def test_idle_time_is_not_saved_up() -> None:
    clock = Clock()
    pace = Pace(requests=60, now=clock.now, sleep=clock.sleep)
    times(pace, clock, 1)
    clock.time += 100
    assert times(pace, clock, 3) == [101.0 - 1.0 + k for k in range(3)]


def test_a_hold_is_for_everybody_and_without_limits_nobody_waits() -> None:
    clock = Clock()
    pace = Pace(now=clock.now, sleep=clock.sleep)
    assert times(pace, clock, 3) == [0.0] * 3
    pace.hold(7.0)
    pace.hold(3.0)
    assert times(pace, clock, 2) == [7.0, 7.0]

"""What a training that is killed goes on from: on the disk before anything depends on it."""

import json
import os
from pathlib import Path

import pytest

from pairsmith.resuming import Checkpoints, keep_steps, put


@pytest.fixture
def flushed(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """What has been flushed to the disk so far, by the name it had then."""
    found: list[Path] = []

    def fsync(descriptor: int) -> None:
        found.append(Path(f"/proc/self/fd/{descriptor}").readlink())

    monkeypatch.setattr(os, "fsync", fsync)
    return found


def made(folder: Path) -> list[Path]:
    (folder / "part").mkdir(parents=True)
    files = [folder / "model.safetensors", folder / "part" / "rank-1"]
    for file in files:
        file.write_bytes(b"weights")
    return files


def test_a_result_has_its_name_only_once_it_is_on_the_disk(tmp_path: Path, flushed: list[Path]) -> None:
    temporary, result = tmp_path / ".model.tmp", tmp_path / "model"
    files = made(temporary)
    made(result)
    (result / "old").touch()
    put(temporary, result)
    assert {*files, temporary, temporary / "part"} == {*flushed[:-1]}
    assert flushed[-1] == tmp_path, "its new name as well"
    assert sorted(one.name for one in result.iterdir()) == ["model.safetensors", "part"]
    assert not temporary.exists()


def test_a_checkpoint_has_its_name_only_once_it_is_on_the_disk(
    tmp_path: Path, flushed: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoints = Checkpoints(tmp_path)
    written = checkpoints.unfinished / "checkpoint-3"
    files, before, rename = made(written), list[Path](), Path.replace

    def renamed(self: Path, target: Path) -> Path:
        before.extend(flushed)
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", renamed)
    checkpoints.keep(3, 2)
    assert {*before} == {*files, written / "part", written / "files.json", written}
    assert before[-2:] == [written / "files.json", written], "the list comes after what it vouches for"
    assert flushed[len(before) :] == [tmp_path], "its new name as well"
    assert checkpoints.last() == checkpoints.path(3)
    (tmp_path / "checkpoint-mine").mkdir()
    assert checkpoints.last() == checkpoints.path(3), "what somebody put there is left alone"


def test_steps_that_will_be_made_again_and_torn_lines_are_dropped(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    assert keep_steps(path, 0) == []
    path.write_text('{"step": 1}\n{"step": 2, "l\n{"step": 2}\n{"step": 3}\n{"st')
    assert keep_steps(path, 2) == [{"step": 1}, {"step": 2}]
    assert [json.loads(line) for line in path.read_text().splitlines()] == [{"step": 1}, {"step": 2}]

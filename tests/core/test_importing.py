"""``pairsmith import`` and ``pairsmith export`` with nothing but the core."""

import json
from pathlib import Path

import pytest

from pairsmith.cli import main

ROW = {
    "id": "s",
    "images": ["a.jpg"],
    "prompt": "What?",
    "context": "c",
    "given": ["One.", {"text": "", "label": "chosen"}],
}


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("a.jpg").write_bytes(b"picture")
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(ROW) + "\n" + json.dumps({**ROW, "id": "t"}))
    return path


def test_samples_are_kept_with_their_images(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", "stored", str(data), "--out", "one"]) == 0
    assert capsys.readouterr().out == (
        "2 samples, 2 images, 2 samples with a context, 2 unlabelled answers, 2 empty answers, 2 chosen answers\n"
        "[images]\nuse = \"stored\"\npath = 'one/samples.jsonl'\n"
    )
    data.unlink()
    assert main(["import", "stored", "one/samples.jsonl", "--out", "two"]) == 0
    assert Path("two/samples.jsonl").read_bytes() == Path("one/samples.jsonl").read_bytes()
    assert [path.read_bytes() for path in Path("two/images").rglob("*.jpg")] == [b"picture"]


def test_without_out_nothing_is_written(data: Path) -> None:
    assert main(["import", "stored", str(data)]) == 0
    assert sorted(path.name for path in data.parent.iterdir()) == ["a.jpg", "rows.jsonl"]


def test_a_sample_whose_image_is_not_there_is_left_out(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.jpg").unlink()
    assert main(["import", "stored", str(data)]) == 1
    said = capsys.readouterr().out
    assert said == f"2 samples without their image\nthe first image that is not there: {data.parent}/a.jpg\n"


def test_where_reading_fails_nothing_is_left(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data.write_text(json.dumps(ROW) + "\n{")
    assert main(["import", "stored", str(data), "--out", "one"]) == 1
    assert "row 2 (line 2) is not JSON" in capsys.readouterr().err
    assert not Path("one").exists()


def test_an_exporter_must_be_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "absent", "--to", "trl", "--out", "x"]) == 2
    assert "absent' is not a run" in capsys.readouterr().err

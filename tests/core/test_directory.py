from pathlib import Path

import pytest

from pairsmith.directory import FORMAT, RunDirectory, key_of, read_document
from pairsmith.errors import RunDirectoryError, StageError
from pairsmith.rows import RowCodec
from pairsmith.values import Sample, user


def document(**recipe: object) -> dict[str, object]:
    return {"format": FORMAT, "name": "r", "limit": None, "recipe": recipe}


def made(path: Path, *, parts: int, whole: bool) -> RunDirectory:
    """A run with a stage of ``parts`` parts, each with one sample and its image."""
    run = RunDirectory(path)
    run.claim(document(pairs={"margin": 1}))
    stage = run.prepare("images", {"source": "folder"})
    for part in range(parts):
        image = run.images.add_bytes(f"image {part}".encode(), ".png")
        sample = Sample(id=str(part), images=(image,), prompt=user("?"))
        stage.write(part, [{"sample": run.codec.row(sample)}])
    (stage.directory / "scores.json").write_text("{}")
    if whole:
        stage.finish(1.0)
    return run


def test_a_directory_goes_on_with_its_own_recipe(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "run")
    run.claim(document(pairs={"margin": 1}))
    run.claim(document(pairs={"margin": 1}))


def test_a_directory_refuses_another_recipe_and_says_what_differs(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "run")
    run.claim(document(pairs={"margin": 1}))
    with pytest.raises(RunDirectoryError, match=r"pairs\.margin is 1 there and 2 here"):
        run.claim(document(pairs={"margin": 2}))


def test_a_folder_with_other_things_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(RunDirectoryError, match="not empty and not a run"):
        RunDirectory(tmp_path).claim(document())


@pytest.mark.parametrize("text", ["{", "", '{"format": 99}', "[]"])
def test_a_damaged_run_json_is_one_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(RunDirectoryError, match="start the run again"):
        read_document(tmp_path)


def test_what_is_no_run_is_said(tmp_path: Path) -> None:
    with pytest.raises(RunDirectoryError, match="is not a run"):
        read_document(tmp_path)


def test_a_finished_stage_is_taken_over_from_a_run_beside(tmp_path: Path) -> None:
    first = made(tmp_path / "a", parts=2, whole=True)
    second = RunDirectory(tmp_path / "b")
    stage = second.prepare("images", {"source": "folder"})
    assert stage.done() == first.stage("images").done()
    assert stage.path(1).read_bytes() == first.stage("images").path(1).read_bytes()
    assert stage.path(1).stat().st_ino == first.stage("images").path(1).stat().st_ino
    assert stage.note("scores.json") == {}
    sample = second.codec.value(next(stage.read(0))["sample"], Sample)
    assert sample.images[0].path.read_bytes() == b"image 0"
    assert sample.images[0].path.is_relative_to(tmp_path / "b")


def test_of_an_unfinished_stage_only_whole_parts_are_taken_over(tmp_path: Path) -> None:
    made(tmp_path / "a", parts=2, whole=False)
    stage = RunDirectory(tmp_path / "b").prepare("images", {"source": "folder"})
    assert stage.parts() == [0, 1]
    assert stage.done() is None
    assert stage.note("scores.json") is None


def test_a_stage_made_from_something_else_is_not_taken_over(tmp_path: Path) -> None:
    made(tmp_path / "a", parts=2, whole=True)
    assert RunDirectory(tmp_path / "b").prepare("images", {"source": "other"}).parts() == []


def test_a_stage_whose_ingredients_changed_begins_anew(tmp_path: Path) -> None:
    run = made(tmp_path / "a", parts=2, whole=True)
    assert run.prepare("images", {"source": "folder", "inputs": "changed"}).parts() == []


def test_two_processes_do_not_work_in_one_run(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "run")
    with run.locked(), pytest.raises(RunDirectoryError, match="Another process"), run.locked():
        pass
    with run.locked():
        pass


def test_keys_depend_on_content_only() -> None:
    assert key_of({"a": 1, "b": 2}) == key_of({"b": 2, "a": 1}) != key_of({"a": 1, "b": 3})


@pytest.mark.parametrize("path", ["../../etc/passwd", "/etc/passwd", "images/../../x"])
def test_an_image_path_that_leaves_the_run_is_refused(tmp_path: Path, path: str) -> None:
    row = {"id": "s", "prompt": [{"role": "user", "text": "?"}], "images": [{"path": path, "id": "x"}]}
    with pytest.raises(StageError, match="leaves the run directory"):
        RowCodec(tmp_path).value(row, Sample)

"""A folder of images with prompts from anywhere."""

from pathlib import Path

import pytest
from PIL import Image as Pillow

from pairsmith.errors import OptionsError, StageError
from pairsmith.interfaces import Run
from pairsmith.options import read
from pairsmith.values import Sample
from pairsmith_images.folder import Folder
from pairsmith_images.options import FolderOptions


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    (folder / "more").mkdir(parents=True)
    for name in ("b.JPG", "a.png", "more/c.png", ".hidden.png", "notes.txt"):
        Pillow.new("RGB", (4, 4)).save(folder / name, "PNG")
    return folder


def samples(run: Run, **options: object) -> list[Sample]:
    return list(Folder(FolderOptions(**options), run).samples())  # type: ignore[arg-type]


def asked(found: list[Sample]) -> list[tuple[str, str]]:
    return [(sample.id, sample.prompt[0].text) for sample in found]


def test_images_come_in_the_order_of_their_names(run: Run, photos: Path) -> None:
    assert asked(samples(run, path=photos, prompt="What?")) == [("a.png", "What?"), ("b.JPG", "What?")]
    found = samples(run, path=photos, prompt="What?", recursive=True)
    assert [sample.id for sample in found] == ["a.png", "b.JPG", "more/c.png"]
    assert all(sample.images[0].path.is_file() for sample in found)


def test_several_prompts_are_put_to_every_image(run: Run, photos: Path) -> None:
    found = asked(samples(run, path=photos, prompts=("One?", "Two?")))
    assert found == [("a.png", "One?"), ("a.png#2", "Two?"), ("b.JPG", "One?"), ("b.JPG#2", "Two?")]


def test_a_source_starts_in_the_middle(run: Run, photos: Path) -> None:
    source = Folder(FolderOptions(path=photos, prompts=("One?", "Two?")), run)
    assert list(source.samples(3)) == list(source.samples())[3:]
    assert list(source.samples(9)) == []


@pytest.mark.parametrize("data", [b"One?\nTwo?\n", b"\xef\xbb\xbfOne?\r\n\r\nTwo?", b"One?\nTwo?"])
def test_lines_belong_to_images_in_order(run: Run, photos: Path, tmp_path: Path, data: bytes) -> None:
    (tmp_path / "prompts.txt").write_bytes(data)
    found = samples(run, path=photos, prompt_file=tmp_path / "prompts.txt")
    assert asked(found) == [("a.png", "One?"), ("b.JPG", "Two?")]


@pytest.mark.parametrize(("name", "data"), [
    ("p.jsonl", b'\xef\xbb\xbf{"image": "b.JPG", "prompt": "Second?", "context": "At sea"}\r\n{"image": "a.png", "prompt": "1?"}\r\n'),
    ("p.json", b'[{"image": "b.JPG", "prompt": "Second?", "context": "At sea"}, {"image": "a.png", "prompt": "1?"}]'),
    ("p.csv", b"\xef\xbb\xbfimage,prompt,context\r\nb.JPG,Second?,At sea\r\na.png,1?,\r\n"),
])  # fmt: skip
def test_rows_name_their_image(run: Run, photos: Path, tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    found = samples(run, path=photos, prompt_file=tmp_path / name)
    assert asked(found) == [("a.png", "1?"), ("b.JPG", "Second?")]
    assert [sample.context for sample in found] == ["", "At sea"]


def test_images_without_a_row_are_left_out_and_counted(
    run: Run, photos: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "p.jsonl").write_text('{"image": "b.JPG", "prompt": "One?"}\n{"image": "b.JPG", "prompt": "Two?"}\n')
    found = samples(run, path=photos, prompt_file=tmp_path / "p.jsonl")
    assert asked(found) == [("b.JPG", "One?"), ("b.JPG#2", "Two?")]
    assert "1 of 2 images have no prompt" in caplog.text


@pytest.mark.parametrize(("name", "data", "said"), [
    ("p.txt", b"Only one?\n", "has 1 prompts and the folder 2 images"),
    ("p.txt", b"One?\n\xff?\n", "line 2 is not UTF-8"),
    ("p.csv", b"image,prompt\na.png,\xff\n", "line 2 is not UTF-8"),
    ("p.csv", b"file,prompt\na.png,What?\n", "must have the columns 'image' and 'prompt'"),
    ("p.csv", b"image,prompt\na.png\n", "line 2 has no image or no prompt"),
    ("p.jsonl", b'{"image": "a.png", "prompt": "1?"}\n{"image": \xff}\n', "row 2 (line 2) is not UTF-8"),
    ("p.jsonl", b'{"image": "a.png"}\n', "must have texts 'image' and 'prompt'"),
    ("p.jsonl", b'{"image": "a.png", "prompt": 3}\n', "must have texts 'image' and 'prompt'"),
    ("p.jsonl", b'{"image": "z.png", "prompt": "1?"}\n', "names 1 images that are not among the 2 of the folder"),
])  # fmt: skip
def test_a_bad_file_of_prompts_is_said_in_one_sentence(
    run: Run, photos: Path, tmp_path: Path, name: str, data: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(StageError) as error:
        samples(run, path=photos, prompt_file=tmp_path / name)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_folders_that_hold_nothing_are_named(run: Run, photos: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(StageError, match="holds no image"):
        samples(run, path=tmp_path / "empty", prompt="What?")
    with pytest.raises(StageError, match="is not a folder"):
        samples(run, path=tmp_path / "absent", prompt="What?")
    with pytest.raises(StageError, match=r"absent\.txt' is not a file"):
        samples(run, path=photos, prompt_file=tmp_path / "absent.txt")


@pytest.mark.parametrize(("table", "said"), [
    ({}, "give one of 'prompt', 'prompts' and 'prompt_file': there is none"),
    ({"prompt": "a", "prompts": ["b"]}, "there is prompt and prompts"),
    ({"prompts": ["a", " "]}, "must not hold an empty text"),
    ({"prompt": "a", "suffixes": ["JPG"]}, "must be lower-case file endings"),
])  # fmt: skip
def test_options_are_refused_with_a_reason(table: dict[str, object], said: str) -> None:
    with pytest.raises(OptionsError) as error:
        read({"path": "photos", **table}, FolderOptions, "images")
    assert said in str(error.value)

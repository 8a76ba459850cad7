"""Preference rows in LLaVA's manner: in, and out again."""

import json
import os
import tracemalloc
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pairsmith.errors import StageError
from pairsmith.interfaces import Run
from pairsmith.values import Demonstration, Pair, Sample, Turn, user
from pairsmith_formats.llava import preferences_export, preferences_source
from pairsmith_formats.options import ExportOptions, RowsOptions
from pairsmith_formats.source import RowSource

SHARED = Path(os.environ.get("PAIRSMITH_SHARED", Path(__file__).parents[4] / "shared"))
PUBLISHED = SHARED / "data" / "pds-dpo"
published = pytest.mark.skipif(not PUBLISHED.is_dir(), reason=f"there is no published sample at {PUBLISHED}")


def says(*texts: str) -> list[dict[str, str]]:
    return [{"from": ("human", "gpt")[n % 2], "value": text} for n, text in enumerate(texts)]


def row(name: Any = "r1", **changes: Any) -> dict[str, Any]:
    made = {
        "id": name,
        "image": "images/a.jpg",
        "conversations": says("<image> What is this?", "A vase."),
        "rejected_conversations": says("<image> What is this?", "A cat."),
        **changes,
    }
    return {key: value for key, value in made.items() if value is not None}


def source(path: Path, run: Run, **options: Any) -> RowSource:
    return preferences_source(RowsOptions(path=path, **options), run)


def read(folder: Path, run: Run, *rows: Any, **options: Any) -> list[Sample]:
    (folder / "pairs.json").write_text(json.dumps(list(rows)), encoding="utf-8")
    return list(source(folder, run, **options).samples())


def pairs_of(sample: Sample) -> Pair:
    chosen, rejected = sample.given
    return Pair(id=f"{sample.id}:{chosen.id}:{rejected.id}", sample=sample, chosen=chosen, rejected=rejected)


def export(formats: Any, destination: Path, *values: Pair | Demonstration) -> Any:
    preferences_export(ExportOptions(), formats.run).export(formats.View(values), destination)
    return json.loads((destination / "pairs.json").read_text(encoding="utf-8"))


def test_a_row_is_a_sample_with_two_labelled_answers(tmp_path: Path, run: Run) -> None:
    (sample,) = read(tmp_path, run, row())
    assert (sample.id, sample.prompt) == ("r1", user("What is this?"))
    assert [image.path for image in sample.images] == [tmp_path / "images/a.jpg"]
    assert [(one.id, one.text, one.label, one.prompt) for one in sample.given] == [
        ("r1/chosen", "A vase.", "chosen", ()),
        ("r1/rejected", "A cat.", "rejected", ()),
    ]


def test_an_answer_to_other_turns_keeps_them(tmp_path: Path, run: Run) -> None:
    (sample,) = read(tmp_path, run, row(rejected_conversations=says("Describe it.\n<image>", "A cat.")))
    assert sample.prompt == user("What is this?")
    assert [answer.prompt for answer in sample.given] == [(), user("Describe it.")]


def test_several_turns_and_images_and_numbers_as_ids(tmp_path: Path, run: Run) -> None:
    chosen = [
        {"from": "system", "value": "Be brief."},
        *says("Which <image>\nor <image>?", "Both.", "Why?", "Because."),
    ]
    rejected = [*chosen[:-1], {"from": "gpt", "value": ""}]
    changed = row(7, image=["a.jpg", "b.jpg"], conversations=chosen, rejected_conversations=rejected)
    (sample,) = read(tmp_path, run, changed)
    assert sample.id == "7"
    assert [image.path.name for image in sample.images] == ["a.jpg", "b.jpg"]
    assert sample.prompt == (
        Turn(role="system", text="Be brief."),
        Turn(role="user", text="Which\nor ?"),
        Turn(role="assistant", text="Both."),
        Turn(role="user", text="Why?"),
    )
    assert [answer.text for answer in sample.given] == ["Because.", ""]


def test_a_row_without_image_is_allowed(tmp_path: Path, run: Run) -> None:
    plain = row(image=None, conversations=says("Hi", "Hello"), rejected_conversations=says("Hi", "No"))
    assert read(tmp_path, run, plain)[0].images == ()


@pytest.mark.parametrize(("changes", "said"), [
    ({"id": None}, "has no text or number as 'id': None"),
    ({"id": True}, "has no text or number as 'id': True"),
    ({"conversations": None}, "has no list of turns 'conversations'"),
    ({"conversations": []}, "has no list of turns 'conversations': a list of 0"),
    ({"rejected_conversations": says("What?")}, "must end 'rejected_conversations' with a question and an answer"),
    ({"conversations": [{"from": "bot", "value": "x"}]}, "{'from': 'bot', 'value': 'x'}"),
    ({"conversations": [*says("What?"), {"from": "gpt", "value": None}]}, "{'from': 'gpt', 'value': None}"),
    ({"image": None}, "speaks of an '<image>' and names none"),
    ({"image": "/etc/passwd"}, "leaves the folder"),
    ({"image": "C:\\x.jpg"}, "leaves the folder"),
    ({"image": "../x.jpg"}, "leaves the folder"),
    ({"image": "images/../../x.jpg"}, "leaves the folder"),
    ({"image": "..\\x.jpg"}, "leaves the folder"),
    ({"image": "link/x.jpg"}, "is a link out of the folder"),
    ({"image": 3}, "has an 'image' that is no path: 3"),
    ({"image": ["a.jpg", ""]}, "has an 'image' that is no path: ''"),
])  # fmt: skip
def test_a_bad_row_is_named_or_left_out(
    tmp_path: Path, run: Run, caplog: pytest.LogCaptureFixture, changes: dict[str, Any], said: str
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path)
    bad = {**row("bad"), **changes}
    with pytest.raises(StageError) as error:
        read(folder, run, row("good"), bad)
    assert "pairs.json', row 2 (line 1) " in str(error.value)
    assert said in str(error.value)
    assert "\n" not in str(error.value)
    assert [sample.id for sample in read(folder, run, row("good"), bad, row("last"), on_bad_row="skip")] == [
        "good",
        "last",
    ]
    assert said in caplog.text


def test_links_can_be_allowed(tmp_path: Path, run: Run) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path)
    assert read(folder, run, row(image="link/x.jpg"), follow_links=True)


def test_the_same_id_twice_is_a_bad_row(tmp_path: Path, run: Run) -> None:
    with pytest.raises(StageError, match=r"row 3 \(line 1\) has the id 'a' of row 1 again"):
        read(tmp_path, run, row("a"), row("b"), row("a"))


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"])
def test_lines_with_any_ends_and_half_a_row(tmp_path: Path, run: Run, start: bytes) -> None:
    lines = [json.dumps(row(f"r{n}")).encode() for n in range(3)]
    (tmp_path / "pairs.jsonl").write_bytes(start + b"\r\n".join([*lines[:2], lines[2][:50], b"\xff", lines[2]]))
    found = source(tmp_path, run, on_bad_row="skip").samples()
    assert [sample.id for sample in found] == ["r0", "r1", "r2"]
    with pytest.raises(StageError, match=r"row 3 \(line 3\) is not JSON"):
        list(source(tmp_path, run).samples())


def test_a_broken_array_always_stops(tmp_path: Path, run: Run) -> None:
    (tmp_path / "pairs.json").write_text(json.dumps([row("a"), row("b")])[:-20])
    with pytest.raises(StageError, match=r"row 2 \(line 1\) is not JSON"):
        list(source(tmp_path, run, on_bad_row="skip").samples())


def test_a_source_starts_in_the_middle(tmp_path: Path, run: Run) -> None:
    found = read(tmp_path, run, *(row(f"r{n}") for n in range(5)))
    assert list(source(tmp_path, run).samples(3)) == found[3:]


def test_the_file_must_be_there_and_alone(tmp_path: Path, run: Run) -> None:
    with pytest.raises(
        StageError, match=r"must hold one \.json, \.jsonl or \.parquet file: there is none\. It is published as PDS-DPO"
    ):
        source(tmp_path, run)
    (tmp_path / "a.json").write_text("[]")
    (tmp_path / "b.jsonl").write_text("")
    with pytest.raises(StageError, match=r"there is a\.json, b\.jsonl; name the file itself"):
        source(tmp_path, run)
    assert list(source(tmp_path / "a.json", run).samples()) == list(source(tmp_path / "b.jsonl", run).samples()) == []
    with pytest.raises(StageError, match="neither a file nor a folder"):
        source(tmp_path / "absent", run)
    with pytest.raises(StageError, match="is neither a folder nor a tar or zip file"):
        source(tmp_path / "a.json", run, images=tmp_path / "absent")


def test_memory_does_not_grow_with_the_rows(tmp_path: Path, run: Run) -> None:
    def peak(rows: int) -> int:
        with (tmp_path / "pairs.json").open("w") as file:
            file.write("[" + ",\n".join(json.dumps(row(f"r{n}", note="x" * 5_000)) for n in range(rows)) + "]")
        tracemalloc.start()
        assert sum(1 for _ in source(tmp_path, run).samples()) == rows
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    few, many = peak(1_000), peak(4_000)
    assert many < 1.3 * few, f"{few:,} bytes for 1,000 rows and {many:,} for 4,000"


def test_pairs_survive_the_way_out_and_in(tmp_path: Path, run: Run, formats: Any) -> None:
    (tmp_path / "in" / "images").mkdir(parents=True)
    (tmp_path / "in" / "images" / "a.jpg").write_bytes(b"pixels")
    turns = says("<image>\nWhat is this?", "A vase.", "Sure? é \U0001f600", "Yes.")
    rows = [
        row("one", conversations=turns, rejected_conversations=[*turns[:-1], {"from": "gpt", "value": "No."}]),
        row("two", image=None, conversations=says("Hi", "Hello"), rejected_conversations=says("Ho", "No")),
    ]
    before = read(tmp_path / "in", run, *rows)
    written = export(formats, tmp_path / "out", *map(pairs_of, before))
    after = list(source(tmp_path / "out", run).samples())
    assert written == rows
    assert [(sample.id, sample.prompt, sample.given) for sample in after] == [
        (sample.id, sample.prompt, sample.given) for sample in before
    ]
    assert after[0].images[0].path.read_bytes() == b"pixels"


def test_ids_stay_apart_where_a_sample_has_several_pairs(tmp_path: Path, run: Run, formats: Any) -> None:
    (sample,) = read(
        tmp_path, run, row("one", image=None, conversations=says("a", "b"), rejected_conversations=says("a", "c"))
    )
    one = pairs_of(sample)
    assert [made["id"] for made in export(formats, tmp_path / "out", one, one)] == [
        "one",
        "one:one/chosen:one/rejected",
    ]
    assert export(formats, tmp_path / "none") == []


def test_a_demonstration_cannot_be_written(tmp_path: Path, run: Run, formats: Any) -> None:
    (sample,) = read(tmp_path, run, row())
    with pytest.raises(StageError, match="'d' is a demonstration and has no rejected answer"):
        export(formats, tmp_path / "out", Demonstration(id="d", sample=sample, chosen=sample.given[0]))


@published
def test_the_published_sample_reads_and_goes_round(tmp_path: Path, run: Run, formats: Any) -> None:
    raw: list[Mapping[str, Any]] = json.loads((PUBLISHED / "pairs.json").read_text(encoding="utf-8"))
    found = list(source(PUBLISHED, run).samples())
    assert [sample.id for sample in found] == ["art-2", "art-4", "art-5", "art-6", "art-8"]
    for sample, one in zip(found, raw, strict=True):
        assert f"<image> {sample.prompt[0].text}" == one["conversations"][0]["value"]
        assert [answer.text for answer in sample.given] == [
            one[side][1]["value"] for side in ("conversations", "rejected_conversations")
        ]
        assert sample.images[0].path.is_file()
    export(formats, tmp_path / "out", *map(pairs_of, found))
    again = list(source(tmp_path / "out", run).samples())
    assert [(sample.prompt, sample.given) for sample in again] == [(sample.prompt, sample.given) for sample in found]
    for one, other in zip(again, found, strict=True):
        assert one.images[0].path.read_bytes() == other.images[0].path.read_bytes()

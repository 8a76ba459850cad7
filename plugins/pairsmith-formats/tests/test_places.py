"""Rows of which the options say what stands where."""

import json
from pathlib import Path
from typing import Any

import pytest

from pairsmith.cli import main
from pairsmith.errors import StageError
from pairsmith.testing import ImageSourceContract
from pairsmith.values import Sample, turns, user

POST = {"id": 3, "image": "a.jpg", "context": "At the sea", "references": ["A lighthouse.", "A tower."]}
LRV = {"image_id": 7, "question": "Is there a cat?", "answer": "No, there is a dog."}
FIGURE = {
    "id": "2008.12876v1",
    "image_file": "a.jpg",
    "q_a_pairs": [["What is shown?", "A curve."], ["Why?", "Because."]],
}
PROMPT = "Write an alt text for the image, which was posted with this text:\n"


def write(folder: Path, *rows: Any) -> Path:
    for name in ("a.jpg", "7.jpg"):
        (folder / name).write_bytes(name.encode())
    path = folder / "rows.json"
    path.write_text(json.dumps(rows), encoding="utf-8")
    return path


def read(formats: Any, folder: Path, form: str, *rows: Any, **options: Any) -> list[Sample]:
    return list(formats.source(form, write(folder, *rows), **options).samples())


class Contract(ImageSourceContract):
    row: dict[str, Any] = {}

    def make_options(self, tmp_path: Path) -> dict[str, Any]:
        folder = tmp_path / "data"
        folder.mkdir(exist_ok=True)
        rows = [{**self.row, **({"id": n} if "id" in self.row else {})} for n in range(4)]
        return {"path": str(write(folder, *rows))}


class TestAltTextContract(Contract):
    name = "pairsmith-formats/alt-text"
    row = POST


class TestLrvContract(Contract):
    name = "pairsmith-formats/lrv-instruct"
    row = LRV


class TestSciGraphQaContract(Contract):
    name = "pairsmith-formats/scigraphqa"
    row = FIGURE


def test_a_post_is_context_and_people_are_the_reference(formats: Any, tmp_path: Path) -> None:
    first, second = read(formats, tmp_path, "alt-text", POST, {"image": "a.jpg", "references": "One."})
    assert (first.id, first.context, first.given) == ("3", "At the sea", ())
    assert turns(first) == user(PROMPT + "At the sea")
    assert first.truth == {"reference": ["A lighthouse.", "A tower."]}
    assert (second.id, second.truth) == ("row-2", {"reference": ["One."]})
    assert turns(second) == user(PROMPT)


def test_questions_come_with_their_answer(formats: Any, tmp_path: Path) -> None:
    (lrv,) = read(formats, tmp_path, "lrv-instruct", LRV)
    assert lrv.images[0].path == tmp_path / "7.jpg"
    assert (lrv.id, lrv.prompt, [one.text for one in lrv.given]) == ("row-1", user(LRV["question"]), [LRV["answer"]])
    (figure,) = read(formats, tmp_path, "scigraphqa", FIGURE)
    assert (figure.prompt, [one.text for one in figure.given]) == (user("What is shown?"), ["A curve."])


def test_other_columns_can_be_named(formats: Any, tmp_path: Path) -> None:
    row = {"meta": {"file": "a", "kind": "jpg"}, "dialogue": [{"q": "Why?"}], "refs": {"en": "x"}}
    options = {
        "image": "{meta.file}.{meta.kind}",
        "question": "dialogue.0.q",
        "references": "refs.en",
        "context": "",
        "id": "meta.file",
    }
    (sample,) = read(formats, tmp_path, "alt-text", row, **options)
    assert (sample.id, sample.prompt, sample.truth) == ("a", user("Why?"), {"reference": ["x"]})
    (sample,) = read(formats, tmp_path, "alt-text", row, **options, answer="refs.en")
    assert [one.text for one in sample.given] == ["x"]


@pytest.mark.parametrize(("form", "row", "said"), [
    ("alt-text", {**POST, "references": []}, "has no text or texts 'references': []"),
    ("alt-text", {"image": "a.jpg"}, "has no text or texts 'references'"),
    ("alt-text", {**POST, "references": [3]}, "has no text or texts 'references': [3]"),
    ("alt-text", {**POST, "context": 3}, "has no text 'context': 3"),
    ("alt-text", {**POST, "id": None}, "has no text or number as 'id': None"),
    ("alt-text", {**POST, "image": "../a.jpg"}, "leaves the folder"),
    ("alt-text", {"references": "x"}, "has no text or number 'image', which its image's path '{image}' needs"),
    ("lrv-instruct", {**LRV, "image_id": "../../etc/passwd"}, "leaves the folder"),
    ("lrv-instruct", {**LRV, "answer": None}, "has no text 'answer': None"),
    ("lrv-instruct", {"image_id": 7, "answer": "A"}, "has no 'question'"),
    ("scigraphqa", {**FIGURE, "q_a_pairs": []}, "has no 'q_a_pairs.0.0'"),
    ("scigraphqa", {**FIGURE, "q_a_pairs": [["Q?"]]}, "has no 'q_a_pairs.0.1'"),
])  # fmt: skip
def test_a_bad_row_is_named_or_left_out(formats: Any, tmp_path: Path, form: str, row: Any, said: str) -> None:
    good = {"alt-text": {**POST, "id": "g"}, "lrv-instruct": LRV, "scigraphqa": FIGURE}[form]
    with pytest.raises(StageError) as error:
        read(formats, tmp_path, form, good, row)
    assert said in str(error.value)
    assert "rows.json', row 2 (line 1)" in str(error.value)
    assert "\n" not in str(error.value)
    assert len(read(formats, tmp_path, form, good, row, on_bad_row="skip")) == 1


def test_what_people_wrote_can_be_imitated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, POST)
    Path("recipe.toml").write_text(
        'schema = 1\n[images]\nuse = "alt-text"\npath = "rows.json"\n[image_check]\nuse = "none"\n'
        '[pairs]\nuse = "demonstrations"\n'
    )
    assert main(["run", "recipe.toml", "--until", "pairs", "--out", "run"]) == 0
    assert main(["export", "run", "--to", "llava", "--out", "out", "--set", "file=jsonl"]) == 0
    rows = [json.loads(line) for line in Path("out/conversations.jsonl").read_text().splitlines()]
    assert [row["conversations"][1]["value"] for row in rows] == ["A lighthouse.", "A tower."]
    assert rows[0]["conversations"][0]["value"] == f"<image>\n{PROMPT}At the sea"

"""``pairsmith import`` and ``pairsmith export``, from a file to a run and out again."""

import json
from pathlib import Path
from typing import Any

import pytest

from pairsmith.cli import main


def says(question: str, answer: str) -> list[dict[str, str]]:
    return [{"from": "human", "value": question}, {"from": "gpt", "value": answer}]


def row(name: Any, **more: Any) -> dict[str, Any]:
    return {
        "id": name,
        "image": f"pictures/{name}.jpg",
        "conversations": says(f"<image> What is {name}?", "It is a large vase."),
        "rejected_conversations": says(f"<image> What is {name}?", "It is a small cat."),
        **more,
    }


ROWS = [row(name, score=0.5) for name in ("a", 7, "c")]


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "data"
    (folder / "pictures").mkdir(parents=True)
    for one in ROWS:
        (folder / one["image"]).write_bytes(f"picture {one['id']}".encode())
    (folder / "rows.json").write_text(json.dumps(ROWS))
    return folder


def run_of(images: str, out: str) -> None:
    recipe = f'schema = 1\n[images]\n{images}\n[image_check]\nuse = "none"\n[pairs]\nuse = "published"\n'
    Path("recipe.toml").write_text(recipe)
    assert main(["run", "recipe.toml", "--until", "pairs", "--out", out]) == 0


def test_a_file_goes_through_a_run_and_out_as_it_was(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_of(f'use = "llava-preferences"\npath = "{data}"', "runs/one")
    capsys.readouterr()
    assert main(["export", "runs/one", "--to", "llava-preferences", "--out", "again"]) == 0
    assert capsys.readouterr().out.split() == ["again/pairs.json", "again/README.md"]
    assert json.loads(Path("again/pairs.json").read_text()) == ROWS
    assert [Path("again", one["image"]).read_bytes() for one in ROWS] == [
        (data / one["image"]).read_bytes() for one in ROWS
    ]
    assert "| `images` | pairsmith-formats/llava-preferences" in Path("again/README.md").read_text()


def test_an_imported_folder_gives_the_same_pairs(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", "llava-preferences", str(data), "--out", "mine"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("3 samples, 3 images, 3 chosen answers, 3 rejected answers\n")
    (data / "pictures" / "a.jpg").unlink()
    run_of(said.partition("[images]\n")[2], "runs/two")
    assert main(["export", "runs/two", "--to", "llava-preferences", "--out", "again"]) == 0
    assert json.loads(Path("again/pairs.json").read_text()) == ROWS
    assert Path("again/pictures/a.jpg").read_bytes() == b"picture a"


def test_an_option_of_an_exporter_can_be_set(data: Path) -> None:
    run_of(f'use = "llava-preferences"\npath = "{data}"', "runs/one")
    command = [
        "export",
        "runs/one",
        "--to",
        "trl",
        "--out",
        "trl",
        "--set",
        "image_names=sample",
        "--set",
        "card=false",
    ]
    assert main(command) == 0
    rows = [json.loads(line) for line in Path("trl/train.jsonl").read_text().splitlines()]
    assert [one["images"] for one in rows] == [["images/a.jpg"], ["images/7.jpg"], ["images/c.jpg"]]
    assert not Path("trl/README.md").exists()


def test_what_cannot_be_used_is_counted_and_named(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = [row(f"x{n}", image="../x.jpg") for n in range(15)]
    (data / "rows.json").write_text(json.dumps([*ROWS, *broken, row("lost"), row("a")]))
    assert main(["import", "llava-preferences", str(data), "--out", "mine"]) == 1
    said = capsys.readouterr()
    assert said.out.startswith(
        "3 samples, 3 images, 3 chosen answers, 3 rejected answers, 1 samples without their image, 16 bad rows\n"
        f"the first image that is not there: {data}/pictures/lost.jpg\n"
    )
    assert said.err.count("left out: ") == 10
    assert said.err.endswith("... and 6 more\n")
    assert len(Path("mine/samples.jsonl").read_text().splitlines()) == 3
    assert main(["import", "llava-preferences", str(data), "--set", "on_bad_row=stop"]) == 1
    assert "row 4 (line 1) has an image path that leaves the folder" in capsys.readouterr().err


def test_the_first_few_are_enough_to_look_at(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", "llava-preferences", str(data), "--limit", "2"]) == 0
    assert capsys.readouterr().out.startswith("2 samples")


@pytest.mark.parametrize(("command", "code", "said"), [
    (["import", "llava-preferences", "absent"], 1, "neither a file nor a folder. It is published as PDS-DPO"),
    (["import", "llava-preference", "data"], 2, "no image source 'llava-preference'; did you mean 'llava-preferences'?"),
    (["import", "trl", "data", "--set", "path"], 2, "must look like"),
    (["import", "trl", "data", "--set", "pathh=1"], 2, "trl.pathh: unknown option; did you mean 'path'?"),
    (["import", "trl", "data", "--limit", "0"], 2, "--limit 0 must be at least 1"),
    (["import", "llava-preferences", "data", "--out", "data"], 2, "--out 'data' is there already and not empty"),
    (["export", "data", "--to", "trl", "--out", "x"], 2, "data' is not a run"),
    (["export", "runs/one", "--to", "tlr", "--out", "x"], 2, "no exporter 'tlr'; did you mean 'trl'?"),
    (["export", "runs/one", "--to", "trl", "--out", "data"], 2, "is there already and not empty"),
    (["export", "runs/one", "--to", "llava", "--out", "x"], 1, "is a pair, and llava holds one answer a row"),
    (["export", "runs/one", "--to", "trl", "--out", "x", "--set", "file=csv"], 2, "trl.file: expected one of"),
])  # fmt: skip
def test_what_cannot_be_done_is_one_sentence(
    data: Path, capsys: pytest.CaptureFixture[str], command: list[str], code: int, said: str
) -> None:
    run_of(f'use = "llava-preferences"\npath = "{data}"', "runs/one")
    capsys.readouterr()
    assert main(command) == code
    assert said in capsys.readouterr().err
    assert not Path("x").exists()


def test_ratings_that_were_published_choose_the_pairs(data: Path) -> None:
    def rated(name: str, *ratings: Any) -> dict[str, Any]:
        completions = [
            {"model": "m", "response": f"It is a vase, {n}.", "annotations": {"Helpfulness": {"Rating": rating}}}
            for n, rating in enumerate(ratings)
        ]
        return {"id": name, "prompt": "What?", "image": "pictures/a.jpg", "completions": completions}

    rows = [rated("x", "2", "5", "N/A", "1"), rated("y", "3", "3")]
    (data / "rows.json").write_text(json.dumps(rows))
    Path("recipe.toml").write_text(
        f'schema = 1\n[images]\nuse = "vlfeedback"\npath = "{data}"\n[image_check]\nuse = "none"\n'
        '[[judges]]\nuse = "ratings"\nattributes = ["Helpfulness"]\n[pairs]\nuse = "best-worst"\nscore = "score"\n'
    )
    assert main(["run", "recipe.toml", "--until", "pairs", "--out", "runs/rated"]) == 0
    assert main(["export", "runs/rated", "--to", "trl", "--out", "trl"]) == 0
    (pair,) = [json.loads(line) for line in Path("trl/train.jsonl").read_text().splitlines()]
    assert (pair["chosen"][0]["content"], pair["rejected"][0]["content"]) == ("It is a vase, 1.", "It is a vase, 3.")
    assert main(["export", "runs/rated", "--to", "vlfeedback", "--out", "all"]) == 0
    assert [json.loads(line) for line in Path("all/vlfeedback.jsonl").read_text().splitlines()] == rows

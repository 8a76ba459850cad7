"""MT-Bench in a run with a small model: two turns are asked, and an irrelevant image is really before the model."""

import json
from io import StringIO
from pathlib import Path

import pytest

from pairsmith.options import read
from pairsmith.progress import progress
from pairsmith.recipe import Document
from pairsmith.registry import Registry
from pairsmith.start import start
from pairsmith.testing import make_run

QUESTIONS = [{"question_id": n, "category": "writing", "turns": ["Describe the image.", "Again."]} for n in (81, 82)]


def lines(path: Path, rows: list) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("mt")
    lines(made / "mt_bench" / "question.jsonl", QUESTIONS)
    lines(made / "mt_bench" / "reference_answer" / "gpt-4.jsonl", [])
    ids = [f"{one['question_id']}/{turn}" for one in QUESTIONS for turn in (1, 2)]
    lines(made / "reviews.jsonl", [{"id": one, "review": "[[6]]"} for one in ids])
    offer = Registry.discover().find("image_sources", "toyworld")
    source = offer.component.build(
        read({"samples": 8}, offer.component.options_class, "images"), make_run(made / "toys")
    )
    (made / "noise").mkdir()
    for number, sample in enumerate(source.samples()):
        (made / "noise" / f"{number}.png").write_bytes(sample.images[0].path.read_bytes())
    return made


def items(folder: Path, out: Path, **benchmark: object) -> tuple[list[dict], dict]:
    asked = {"use": "mt-bench", "path": str(folder), "reviews": str(folder / "reviews.jsonl"), "judge_name": "j"}
    tables = {
        "schema": 1,
        "model": {"use": "llava", "path": "toyworld-base", "attention": "eager"},
        "images": {"use": "toyworld", "samples": 1, "answers": "faithful"},
        "image_check": {"use": "none"},
        "evaluation": {"use": "hf", "max_new_tokens": 12},
        "evaluate": ["base"],
        "benchmarks": [{**asked, **benchmark}],
        "pairs": {"use": "demonstrations"},
    }
    run = start(Document(name="mt", path=None, tables=tables), out=out, progress=progress(StringIO()))
    stage = run / "stages" / "evaluate-mt-bench-base"
    return [json.loads(line) for line in (stage / "items.jsonl").read_text().splitlines()], json.loads(
        (stage / "scores.json").read_text()
    )


def test_an_irrelevant_image_changes_what_a_model_says(folder: Path, tmp_path: Path) -> None:
    shown, scores = items(folder, tmp_path / "shown", irrelevant_images=str(folder / "noise"), seed=1)
    blind, _ = items(folder, tmp_path / "blind")
    assert scores["metrics"]["score[j,irrelevant image]"] == 6
    assert scores["metrics"]["scored"] == 4
    assert all(len(one["images"]) == 1 for one in shown)
    assert not any(one["images"] for one in blind)
    firsts = [one["turns"][0]["answer"] for one in (*shown, *blind)]
    # the same question each time: two images and no image make three answers, the last of which is given twice
    assert len(set(firsts)) == 3
    assert firsts[2] == firsts[3]
    assert all(one["turns"][1]["answer"] == one["response"] for one in (*shown, *blind))

"""``pairsmith evaluate`` and ``pairsmith judge-report`` as people give them, on the toy world."""

import json
import random
from pathlib import Path

import pytest

from pairsmith.cli import main
from pairsmith_toyworld.caption import FAITHFUL, caption
from pairsmith_toyworld.grammar import parse
from pairsmith_toyworld.scene import draw

SCENES = 40
RECIPE = """
schema = 1
[images]
use = "toyworld"
samples = 40
answers = "biased"
[image_check]
use = "none"
[claims]
use = "toyworld-grammar"
[[judges]]
use = "toyworld-oracle"
[[judges]]
use = "toyworld-oracle"
noise = 0.2
seed = 3
"""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def answers(name: str, wrong: float) -> Path:
    """Captions of the benchmark's scenes, a share of them those of other scenes."""
    scenes, told, dice = random.Random(777), random.Random(1), random.Random(2)
    drawn = [draw(scenes) for _ in range(SCENES)]
    other = [draw(dice) for _ in range(SCENES)]
    rows = []
    for n in range(SCENES):
        scene = other[n] if dice.random() < wrong else drawn[n]
        rows.append({"id": f"held-out-{n:04d}", "answer": caption(scene, told, FAITHFUL)})
    assert all(parse(row["answer"]) for row in rows)
    path = Path(f"{name}.jsonl")
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_answers_made_elsewhere_are_compared(capsys: pytest.CaptureFixture[str]) -> None:
    files = [f"base={answers('first', 0.5)}", f"trained={answers('second', 0.0)}"]
    given = [word for file in files for word in ("--answers", file)]
    arguments = [*given, "--benchmark", "toyworld", "--set", f"scenes={SCENES}", "--resamples", "500", "--out", "out"]
    assert main(["evaluate", *arguments]) == 0
    printed = capsys.readouterr().out
    found = json.loads(Path("out/evaluation.json").read_text())
    (benchmark,) = found["benchmarks"]
    by_name = {one["metric"]: one for one in benchmark["metrics"]}
    chair = by_name["chair_i"]
    assert chair["values"]["trained"]["value"] == 0
    assert chair["values"]["base"]["low"] < chair["values"]["base"]["value"] < chair["values"]["base"]["high"]
    apart = chair["differences"]["trained"]
    assert apart["high"] < 0
    assert apart["p_holm"] < 0.05
    assert "trained against base is better in chair_i" in printed
    assert "out/evaluation.svg" in printed
    assert main(["status", "out"]) == 0


def test_what_does_not_fit_is_said_and_shown(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [json.loads(line) for line in answers("all", 0.5).read_text().splitlines()]
    rows[0]["answer"], rows[1]["id"] = "", "nobody"
    Path("some.jsonl").write_text("".join(json.dumps(row) + "\n" for row in [*rows[:-1], rows[5]]))
    arguments = [
        "--answers",
        "some.jsonl",
        "--benchmark",
        "toyworld",
        "--set",
        f"scenes={SCENES}",
        "--resamples",
        "200",
    ]
    assert main(["evaluate", *arguments]) == 0
    said = capsys.readouterr()
    for what in (
        "2 items have no answer and are not scored, such as 'held-out-0001', 'held-out-0039'",
        "1 items have two answers or more, and none of those is scored, such as 'held-out-0005'",
        "1 answers are empty and not scored, such as 'held-out-0000'",
        "1 answers are to items that the benchmark does not have, such as 'nobody'",
    ):
        assert f"some: {what}" in said.err
    assert "- some: 2 items without an answer, such as 'held-out-0001', 'held-out-0039'." in said.out
    assert "| scored ·" in said.out


def test_stored_reviews_are_scored(capsys: pytest.CaptureFixture[str]) -> None:
    folder = Path("MMHal-Bench")
    folder.mkdir()
    row = {"question_type": "other", "question": "What?", "image_content": ["Cat"], "gt_answer": "A cat."}
    questions = [{**row, "image_src": f"https://example.org/{n}.jpg"} for n in range(12)]
    (folder / "response_template.json").write_text(json.dumps(questions))
    reviews = "".join(json.dumps({"id": n, "review": f"rating: {n % 7}"}) + "\n" for n in range(11))
    Path("reviews.jsonl").write_text(reviews + json.dumps({"id": 11, "review": "Good."}) + "\n")
    Path("mine.jsonl").write_text("".join(json.dumps({"id": n, "answer": "A cat."}) + "\n" for n in range(12)))
    arguments = ["--answers", "mine.jsonl", "--benchmark", "mmhal-bench", "--set", "path=MMHal-Bench"]
    arguments += ["--set", "reviews=reviews.jsonl", "--set", "judge_name=gpt-4", "--resamples", "300"]
    assert main(["evaluate", *arguments]) == 0
    printed = capsys.readouterr().out
    (run,) = Path("runs").iterdir()
    found = {
        one["metric"]: one for one in json.loads((run / "evaluation.json").read_text())["benchmarks"][0]["metrics"]
    }
    score = found["score[gpt-4]"]["values"]["mine"]
    assert score["value"] == pytest.approx((sum(range(7)) + sum(range(4))) / 11)
    assert score["low"] < score["value"] < score["high"]
    assert found["unparsed[gpt-4]"]["values"]["mine"]["value"] == 1
    assert "score[gpt-4] ↑" in printed


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ([], "give one of a run, --model and --answers; there is none"),
        (["r", "--model", "m"], "give one of a run, --model and --answers; there is a run and --model"),
        (["--model", "m"], "--model needs a --benchmark"),
        (["r", "--adapter", "a"], "--adapter goes with --model"),
        (["r", "--out", "a"], "--out goes with --model and --answers"),
        (["r"], "'r' is not a run: it has no run.json"),
        (["--answers", "a.jsonl", "--benchmark", "toyworld"], "--answers 'a.jsonl' is not a file"),
        (["--answers", "a", "--answers", "a", "--benchmark", "toyworld"], "two files are called 'a'; write NAME=FILE"),
        (["--answers", "a", "--benchmark", "toywrld"], "did you mean 'toyworld'?"),
        (["--answers", "a", "--benchmark", "toyworld", "--set", "scens=4"], "toyworld.scens: unknown option; did you mean 'scenes'?"),
        (["--answers", "a", "--benchmark", "toyworld", "--benchmark", "pope", "--set", "scenes=4"], "which table's? Write one of toyworld, pope"),
        (["r", "--benchmark", "toyworld", "--resamples", "3"], "comparison.resamples"),
    ],
)  # fmt: skip
def test_what_cannot_be_begun_is_one_sentence(
    capsys: pytest.CaptureFixture[str], arguments: list[str], problem: str
) -> None:
    assert main(["evaluate", *arguments]) == 2
    said = capsys.readouterr().err
    assert problem in said
    assert len(said.strip().splitlines()) == 1


def test_the_oracles_noise_is_found(capsys: pytest.CaptureFixture[str]) -> None:
    Path("two.toml").write_text(RECIPE)
    assert main(["run", "two.toml", "--out", "runs/two", "--until", "verdicts"]) == 0
    capsys.readouterr()
    truth, noisy = "verdicts-1-toyworld-oracle", "verdicts-2-toyworld-oracle"
    assert main(["judge-report", "runs/two", "--truth", truth, "--repeat", "1", "--swap"]) == 0
    page = capsys.readouterr().out
    found = json.loads(Path("runs/two/judges.json").read_text())
    (judge,) = found["judges"]
    error = judge["truth"]["error"]
    assert error["n"] > 300
    assert error["low"] <= 20 <= error["high"]
    assert judge["consistency"]["repeats"] == 1
    assert judge["consistency"]["same"]["rate"] == 100  # what it errs on does not change
    assert judge["outcomes"]["skipped"] > 0
    assert judge["cost"]["seconds"] >= 0
    assert f"## Against {truth}" in page
    assert main(["judge-report", "runs/two"]) == 0
    (between,) = json.loads(Path("runs/two/judges.json").read_text())["between"]
    assert between["judges"] == [truth, noisy]
    assert between["units"] == error["n"]
    assert between["agree"] == pytest.approx(100 - error["rate"])
    example = between["examples"][0]
    assert Path(example["images"][0]).is_file()
    page = capsys.readouterr().out
    assert "](images/" in page
    assert f"disagree (20 of {between['disagreements']})" in page


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["none.jsonl"], "'none.jsonl' is neither a run nor a file of verdicts"),
        (["."], "is not a run: it has no run.json"),
        ([".", "x.jsonl"], "give one run or any number of files of verdicts"),
        (["x.jsonl", "--swap"], "--swap and --repeat go with a run"),
        (["x.jsonl", "--repeat", "-1"], "--repeat -1 must be at least 0"),
        (["v.jsonl", "--truth", "me"], "truth = 'me' is no judge here; there are 'gpt'"),
    ],
)
def test_what_cannot_be_reported_is_one_sentence(
    capsys: pytest.CaptureFixture[str], arguments: list[str], problem: str
) -> None:
    Path("v.jsonl").write_text('{"judge": "gpt", "sample": "s", "response": "r", "score": 1}\n')
    assert main(["judge-report", *arguments]) == 2
    said = capsys.readouterr().err
    assert problem in said
    assert len(said.strip().splitlines()) == 1


def test_verdicts_in_files_are_reported(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        {
            "judge": judge,
            "sample": f"s{n}",
            "response": f"r{n}{m}",
            "score": score + m * sign,
            "text": "word " * (m + 2),
        }
        for judge, score, sign in (("gpt", 5, 1), ("people", 3, -1))
        for n in range(3)
        for m in range(2)
    ]
    Path("v.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert main(["judge-report", "v.jsonl", "--truth", "people", "--out", "report"]) == 0
    (judge,) = json.loads(Path("report/judges.json").read_text())["judges"]
    assert judge["truth"]["tau_b"] == pytest.approx(-1)
    assert judge["length"]["longer_wins"]["rate"] == 100
    assert "report/judges.md" in capsys.readouterr().out

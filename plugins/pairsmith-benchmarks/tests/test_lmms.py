"""lmms-eval as a benchmark: with itself where it is installed, and with a double of its entry everywhere."""

import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from pairsmith.errors import StageError
from pairsmith.interfaces import Run
from pairsmith.values import Response
from pairsmith_benchmarks.judged_options import LmmsEvalOptions
from pairsmith_benchmarks.lmms import LmmsEval, metrics_of

TASK = """
task: tinyqa
dataset_path: parquet
dataset_kwargs:
  data_files:
    test: {folder}/tiny.parquet
test_split: test
output_type: generate_until
doc_to_visual: !function utils.visual
doc_to_text: !function utils.text
doc_to_target: "answer"
generation_kwargs:
  max_new_tokens: 8
process_results: !function utils.process
metric_list:
  - metric: right
    aggregation: mean
    higher_is_better: true
  - metric: letters
    aggregation: mean
    higher_is_better: false
"""
CODE = """
from PIL import Image


def visual(doc):
    return [Image.new("RGB", (8, 8), doc["answer"])]


def text(doc):
    return doc["question"]


def process(doc, results):
    return {"right": float(results[0].strip().lower() == doc["answer"]), "letters": float(len(results[0]))}
"""
COLOURS = ("red", "green", "blue", "black")


def answered(benchmark: LmmsEval) -> Any:
    samples = list(benchmark.samples())
    assert [one.id for one in samples] == [f"tinyqa/test/{n}" for n in range(4)]
    assert [one.prompt[0].text for one in samples] == ["Which colour?"] * 4
    for one, colour in zip(samples, COLOURS, strict=True):
        with Image.open(one.images[0].path) as image:
            assert image.getpixel((0, 0)) == Image.new("RGB", (1, 1), colour).getpixel((0, 0))
    texts = ["Red", "green", "red", ""]
    return benchmark.score(
        samples, [Response(id="r", sample_id=one.id, text=text) for one, text in zip(samples, texts, strict=True)]
    )


def check(scores: Any) -> None:
    assert scores.metrics == {"right": 0.5, "letters": 2.75, "scored": 4, "empty": 1, "long": 0}
    assert set(scores.lower_is_better) == {"letters", "empty"}
    assert [one["right"] for one in scores.items] == [1, 1, 0, 0]


def test_a_task_of_the_installed_lmms_eval(tmp_path: Path, run: Run) -> None:
    pytest.importorskip("lmms_eval")
    parquet, arrow = pytest.importorskip("pyarrow.parquet"), pytest.importorskip("pyarrow")
    rows = [{"question": "Which colour?", "answer": colour} for colour in COLOURS]
    parquet.write_table(arrow.Table.from_pylist(rows), tmp_path / "tiny.parquet")
    (tmp_path / "tiny.yaml").write_text(TASK.format(folder=tmp_path))
    (tmp_path / "utils.py").write_text(CODE)
    check(answered(LmmsEval(LmmsEvalOptions(task="tinyqa", include=tmp_path), run)))
    with pytest.raises(StageError, match="task 'nope' failed with KeyError"):
        list(LmmsEval(LmmsEvalOptions(task="nope", include=tmp_path), run).samples())


class Model:
    """As ``lmms_eval.api.model.lmms``."""

    def __init__(self) -> None:
        self.task_dict: dict[str, Any] = {}


class Double:
    """As ``lmms_eval.evaluator``: asks the model, and scores what it said."""

    def __init__(self, visual: Any = None, kind: str = "generate_until") -> None:
        self.visual, self.kind, self.calls = visual, kind, []

    def simple_evaluate(self, *, model: Any, tasks: Sequence[str], limit: int | None, **more: Any) -> Any:
        self.calls.append({"limit": limit, **more})
        if tasks != ["tinyqa"]:
            raise KeyError(tasks[0])
        model.task_dict["tinyqa"] = {"test": list(COLOURS)}
        show = self.visual or (lambda colour: [Image.new("RGB", (8, 8), colour)])
        requests = [SimpleNamespace(args=("Which colour?", {}, show, n, "tinyqa", "test")) for n in (0, 1, 2, 3)]
        said = getattr(model, self.kind)(requests)
        right = [float(one.lower() == colour) for one, colour in zip(said, COLOURS, strict=True)]
        letters = [float(len(one)) for one in said]
        table = {
            "alias": "tinyqa",
            "right,none": sum(right) / 4,
            "right_stderr,none": 0.1,
            "letters,none": sum(letters) / 4,
        }
        rows = [{"doc_id": n, "right": right[n], "letters": letters[n], "doc": {}} for n in (3, 2, 1, 0)]
        better = {"tinyqa": {"right": True, "letters": False}}
        return {"results": {"tinyqa": table}, "samples": {"tinyqa": rows}, "higher_is_better": better}


def put(monkeypatch: pytest.MonkeyPatch, double: Double) -> None:
    modules = {
        name: ModuleType(name) for name in ("lmms_eval", "lmms_eval.api", "lmms_eval.api.model", "lmms_eval.tasks")
    }
    modules["lmms_eval"].evaluator = double
    modules["lmms_eval.api.model"].lmms = Model
    modules["lmms_eval.tasks"].TaskManager = lambda level, include_path: SimpleNamespace(include=include_path)
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)


def test_questions_are_asked_once_and_answers_repeated(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    double = Double()
    put(monkeypatch, double)
    benchmark = LmmsEval(LmmsEvalOptions(task="tinyqa", limit=4), run)
    check(answered(benchmark))
    assert [call.get("predict_only", False) for call in double.calls] == [True, False]
    assert {call["limit"] for call in double.calls} == {4}
    elsewhere = [(f"tinyqa/test/{n}", text) for n, text in ((2, "red"), (0, "Red"), (3, " "), (1, "green"))]
    assert benchmark.score_answers(elsewhere).metrics["right"] == 0.5


def test_a_task_is_scored_whole(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    put(monkeypatch, Double())
    with pytest.raises(StageError, match="lmms-eval: 3 items have no answer or two, such as 'tinyqa/test/1'"):
        LmmsEval(LmmsEvalOptions(task="tinyqa"), run).score_answers([("tinyqa/test/0", "red")])


@pytest.mark.parametrize(
    ("double", "task", "said"),
    [
        (Double(), "nope", "lmms-eval: task 'nope' failed with KeyError: 'nope'"),
        (Double(visual=lambda _: ["clip.mp4"]), "tinyqa", "'tinyqa/test/0' shows something that is no image: str"),
        (Double(kind="loglikelihood"), "tinyqa", "the task compares probabilities and asks no question"),
        (Double(kind="generate_until_multi_round"), "tinyqa", "the task asks in several rounds"),
    ],
)
def test_what_cannot_be_asked_is_one_sentence(
    run: Run, monkeypatch: pytest.MonkeyPatch, double: Double, task: str, said: str
) -> None:
    put(monkeypatch, double)
    with pytest.raises(StageError, match=said):
        list(LmmsEval(LmmsEvalOptions(task=task), run).samples())


def test_without_lmms_eval_it_is_said_how_to_get_it(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lmms_eval", None)
    with pytest.raises(StageError, match=r"lmms-eval: it is not installed, .*: pip install lmms-eval"):
        LmmsEval(LmmsEvalOptions(task="mme"), run)


def test_several_tasks_keep_their_names() -> None:
    tables = {
        "a": {"acc,none": 0.5, "alias": "a"},
        "b": {"acc,strict": 0.25, "n": 3, "sub,none": "N/A", "x,none": float("nan")},
    }
    assert metrics_of({"results": tables}) == ({"a/acc": 0.5, "b/acc,strict": 0.25}, ())

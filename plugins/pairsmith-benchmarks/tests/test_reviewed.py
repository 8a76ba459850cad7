"""MM-Vet, LLaVA-Bench, HallusionBench: formulas by hand, the published files' forms, and what a judge is shown."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from attrs import evolve

from pairsmith.errors import StageError
from pairsmith.interfaces import Run
from pairsmith.values import Response, Sample
from pairsmith_benchmarks import hallusion, llava_bench, mmvet
from pairsmith_benchmarks.hallusion import HallusionBench, prompt_of
from pairsmith_benchmarks.items import Item
from pairsmith_benchmarks.judged_options import HallusionOptions, LlavaBenchOptions, MmvetOptions
from pairsmith_benchmarks.llava_bench import LlavaBench
from pairsmith_benchmarks.mmvet import MmVet


class Expert:
    """Replies with what a function makes of the last turn, and keeps what it was asked."""

    def __init__(self, reply: Callable[[str], str]) -> None:
        self.reply, self.asked = reply, []

    def respond(self, samples: Sequence[Sample], *, seed: int, greedy: bool = False) -> list[list[Response]]:
        assert greedy
        self.asked += [[(turn.role, turn.text) for turn in one.prompt] for one in samples]
        return [[Response(id="r", sample_id=one.id, text=self.reply(one.prompt[-1].text))] for one in samples]


@pytest.fixture
def judged(run: Run) -> Callable[[Expert], Run]:
    def component(expert: Expert) -> Run:
        def built(kind: str, table: Mapping[str, Any], where: str) -> Any:
            assert (kind, table["use"]) == ("generators", "chat")
            return lambda: expert

        return evolve(run, component=built)

    return component


JUDGE = {"use": "chat", "model": "m"}

# MM-Vet --------------------------------------------------------------------------------------------------------------


def test_mmvet_by_hand() -> None:
    needs = (["ocr"], ["ocr", "math"], ["rec"], ["rec"])
    items = [Item(id=str(n), truth={"capability": sorted(some)}) for n, some in enumerate(needs)]
    answers = [(str(n), "two words") for n in range(4)]
    reviews = {"0": "1.0", "1": "0.4 as half is there", "2": "0.1\n", "3": "It is right."}
    found = mmvet.score(items, answers, reviews, "gpt")
    assert found.metrics == pytest.approx({
        "score[gpt]": 50, "score_math[gpt]": 40, "score_ocr[gpt]": 70, "score_rec[gpt]": 10,
        "unparsed[gpt]": 1, "length": 2, "scored": 4, "empty": 0, "long": 0,
    })  # fmt: skip
    published = mmvet.score(items, answers, reviews, "gpt", unparsed="as-published")
    assert published.metrics["score[gpt,unparsed=0]"] == 37.5
    assert mmvet.rates(json.loads(json.dumps(list(found.items))))["score"] == 50
    sets = mmvet.score(items, answers, reviews, "gpt", sets=True).metrics
    added = {name: value for name, value in sets.items() if name not in found.metrics}
    assert added == {"score_set_math+ocr[gpt]": 40, "score_set_ocr[gpt]": 100, "score_set_rec[gpt]": 10}


def test_mmvet_asks_for_the_last_field_of_a_table(
    tmp_path: Path, folders: SimpleNamespace, judged: Callable[[Expert], Run]
) -> None:
    folder = Path(folders.mmvet(tmp_path)["path"])
    (folder / "mm-vet_evaluator.py").write_text(
        'import nothing\nprompt = """Grade.\nQuestion | Truth | Answer | Grade\n"""\n'
    )
    expert = Expert(lambda text: "0.5")
    benchmark = MmVet(MmvetOptions(path=folder, judge=JUDGE), judged(expert))
    metrics = benchmark.score_answers([("v1_0", "x = -1"), ("v1_1", "A cat")]).metrics
    assert expert.asked[0] == [
        ("user", "Grade.\nQuestion | Truth | Answer | Grade\n\nWhat is x? | -1 <AND> -5 | x = -1 | ")
    ]
    assert metrics["score[chat:m]"] == 50


def test_mmvet_says_what_is_missing(tmp_path: Path, run: Run, folders: SimpleNamespace) -> None:
    with pytest.raises(StageError, match=r"mm-vet: the folder '.*' has no 'mm-vet\.json'; download mm-vet\.zip"):
        MmVet(MmvetOptions(path=tmp_path, reviews=tmp_path / "r", judge_name="g"), run).items()
    folders.whole(
        tmp_path / "mm-vet.json", {"v1_0": {"imagename": "../x.png", "question": "?", "answer": "!", "capability": []}}
    )
    with pytest.raises(StageError, match=r"'v1_0' names an image outside its folder: '\.\./x\.png'"):
        MmVet(MmvetOptions(path=tmp_path, reviews=tmp_path / "r", judge_name="g"), run).items()
    folders.whole(
        tmp_path / "mm-vet.json", {"v1_0": {"imagename": "x.png", "question": "?", "answer": "!", "capability": "ocr"}}
    )
    with pytest.raises(StageError, match="must have an array of names 'capability': 'ocr'"):
        MmVet(MmvetOptions(path=tmp_path, reviews=tmp_path / "r", judge_name="g"), run).items()


# LLaVA-Bench ---------------------------------------------------------------------------------------------------------


def test_llava_bench_by_hand() -> None:
    kinds = ("conv", "conv", "detail", "complex")
    items = [Item(id=str(n), truth={"category": kind}) for n, kind in enumerate(kinds)]
    answers = [(str(n), "a b c") for n in range(4)]
    reviews = {"0": "8 6\nGood.", "1": "10,4", "2": "9 9", "3": "Assistant 2 is better"}
    found = llava_bench.score(items, answers, reviews, "gpt")
    assert found.metrics["score[gpt]"] == pytest.approx(100 * 19 / 27)
    assert found.metrics["score_conv[gpt]"] == pytest.approx(100 * 10 / 18)
    assert found.metrics["score_detail[gpt]"] == 100
    assert "score_complex[gpt]" not in found.metrics
    assert found.metrics["unparsed[gpt]"] == 1
    published = llava_bench.score(items, answers, reviews, "gpt", unparsed="as-published")
    assert published.metrics["score[gpt,unparsed=-1]"] == pytest.approx(100 * 18 / 26)
    assert published.metrics["score_complex[gpt,unparsed=-1]"] == 100


def test_llava_bench_shows_the_reference_first(
    tmp_path: Path, folders: SimpleNamespace, judged: Callable[[Expert], Run]
) -> None:
    folder = Path(folders.llava_bench(tmp_path)["path"])
    expert = Expert(lambda text: "8 4")
    options = LlavaBenchOptions(path=folder, judge=JUDGE, system="Be exact.")
    assert LlavaBench(options, judged(expert)).score_answers([("0", "A dog.")]).metrics["score[chat:m]"] == 50
    blocks = ["[Context]\nA cat on a mat.\nIt sleeps.", "[Question]\nWhat is it?"]
    blocks += ["[Assistant 1]\nA cat.", "[End of Assistant 1]", "[Assistant 2]\nA dog.", "[End of Assistant 2]"]
    whole = "\n\n".join([*blocks, "[System]\nRate both.", ""])
    assert expert.asked == [[("system", "Be exact."), ("user", whole)]]


def test_llava_bench_names_what_does_not_fit(
    tmp_path: Path, folders: SimpleNamespace, judged: Callable[[Expert], Run]
) -> None:
    folder = Path(folders.llava_bench(tmp_path)["path"])
    options = LlavaBenchOptions(path=folder, judge=JUDGE)
    folders.whole(folder / "rule.json", {"default": {"role": "A", "prompt": "p"}})
    with pytest.raises(StageError, match="llava-bench: the rules know no category 'conv' with 'role' and 'prompt'"):
        LlavaBench(options, judged(Expert(str))).score_answers([("0", "A dog.")])
    folders.lines(folder / "answers_gpt4.jsonl", [{"question_id": 7, "text": "x"}])
    with pytest.raises(StageError, match="has no answer of GPT-4 in the folder: '0'"):
        LlavaBench(options, judged(Expert(str))).items()


# HallusionBench ------------------------------------------------------------------------------------------------------


def question(category: str, figure: int, number: int, *, yes: bool = True) -> Item:
    about = {
        "category": category,
        "subcategory": "x",
        "set_id": "0",
        "figure_id": str(figure),
        "question_id": str(number),
    }
    return Item(id=f"{category}{figure}{number}", truth={**about, "yes": yes, "question": "?", "details": "!"})


QUESTIONS = [
    question("VD", 0, 0), question("VD", 0, 1), question("VD", 1, 0, yes=False), question("VD", 1, 1),
    question("VS", 0, 0), question("VS", 1, 0),
]  # fmt: skip


def test_hallusion_by_hand() -> None:
    said = ["Yes, it is.", "yes", "No.", "no", "I cannot tell.", "Yes"]
    found = hallusion.score(QUESTIONS, list(zip([one.id for one in QUESTIONS], said, strict=True)))
    # all but VD11 are right: VS00 has no image, so not to know is right
    assert found.metrics["aAcc[first-word]"] == pytest.approx(500 / 6)
    assert found.metrics["qAcc[first-word]"] == pytest.approx(200 / 3)  # VD 0, VS 0 of VD 0, VD 1, VS 0
    assert found.metrics["fAcc[first-word]"] == pytest.approx(200 / 3)  # VD 0, VS 1 of VD 0, VD 1, VS 1
    assert found.metrics["easy[first-word]"] == 100
    assert found.metrics["hard[first-word]"] == pytest.approx(200 / 3)
    assert found.metrics["hard_pairs[first-word]"] == pytest.approx(200 / 3)  # VD 0, VS 0 of VD 0, VD 1, VS 0
    assert found.metrics["inconsistent[first-word]"] == pytest.approx(100 / 3)  # VD 1
    assert found.metrics["wrong[first-word]"] == 0
    assert found.metrics["yes_difference[first-word]"] == pytest.approx(-100 / 6)  # 4 yes, where 5 are right
    assert found.metrics["fp_ratio[first-word]"] == 0  # the one wrong answer is no
    assert found.metrics["unclear[first-word]"] == 1
    assert found.metrics["incomplete[first-word]"] == 0
    assert hallusion.rates(json.loads(json.dumps(list(found.items))))["qAcc"] == pytest.approx(200 / 3)


def test_who_always_says_yes_is_found_out() -> None:
    found = hallusion.score(QUESTIONS, [(one.id, "Yes.") for one in QUESTIONS])
    assert found.metrics["yes_difference[first-word]"] == pytest.approx(100 / 6)
    assert found.metrics["fp_ratio[first-word]"] == 100
    assert {"yes_difference[first-word]", "inconsistent[first-word]"} <= set(found.neutral)


def test_hallusion_with_a_judge_leaves_out_what_it_cannot_read() -> None:
    answers = [(one.id, "Perhaps.") for one in QUESTIONS]
    reviews = dict(
        zip([one.id for one in QUESTIONS], ["correct", "Incorrect", "correct", "correct", "unclear", "?"], strict=True)
    )
    found = hallusion.score(QUESTIONS, answers, reviews, "gpt")
    assert found.metrics["aAcc[gpt]"] == 80  # four of five
    assert found.metrics["qAcc[gpt]"] == 50  # VD 0 of VD 0 and VD 1; VS 0 is incomplete
    assert found.metrics["fAcc[gpt]"] == 50  # VD 1 of VD 0 and VD 1; VS 1 is incomplete
    assert (found.metrics["unparsed[gpt]"], found.metrics["incomplete[gpt]"]) == (1, 2)
    published = hallusion.score(QUESTIONS, answers, reviews, "gpt", unparsed="as-published")
    assert published.metrics["aAcc[gpt,unparsed=unclear]"] == pytest.approx(400 / 6)
    assert published.metrics["incomplete[gpt,unparsed=unclear]"] == 0


def test_an_answer_that_is_missing_makes_its_groups_incomplete() -> None:
    found = hallusion.score(QUESTIONS, [(one.id, "yes") for one in QUESTIONS[:-1]])
    assert found.metrics["incomplete[first-word]"] == 1  # VS 0; of the image VS 1 nothing was scored at all
    assert found.metrics["missing"] == 1


def test_hallusion_asks_with_the_published_prompt(
    tmp_path: Path, folders: SimpleNamespace, judged: Callable[[Expert], Run]
) -> None:
    folder = Path(folders.hallusion(tmp_path)["path"])
    (folder / "utils.py").write_text(
        "import openai\n\n\ndef evaluate_by_chatgpt(data, output_entry):\n"
        "    for sample in data:\n        prompt = 'Assess “it”.'\n        prompt += ' Question:'\n"
        "        prompt += sample['question']\n        prompt += '\\nReference: '\n"
        "        prompt += sample['gt_answer_details']\n        prompt += '\\nPrediction:'\n"
        "        prompt += sample[output_entry]\n        prompt += '\\nOutput:'\n"
        "        while True:\n            response = openai.create(prompt)\n\n\n"
        "def check_same_by_chatgpt(data):\n    prompt = 'Another one.'\n"
    )
    expert = Expert(lambda text: "correct")
    benchmark = HallusionBench(HallusionOptions(path=folder, judge=JUDGE), judged(expert))
    metrics = benchmark.score_answers([(benchmark.items()[0].id, "It {question} is")]).metrics
    assert expert.asked == [
        [
            (
                "user",
                "Assess “it”. Question:Same size?\nReference: They are the same.\nPrediction:It {question} is\nOutput:",
            )
        ]
    ]
    assert metrics["aAcc[chat:m]"] == 100


def test_questions_without_an_image_show_none(tmp_path: Path, run: Run, folders: SimpleNamespace) -> None:
    samples = list(HallusionBench(HallusionOptions(path=Path(folders.hallusion(tmp_path)["path"])), run).samples())
    assert [len(one.images) for one in samples] == [1, 0]
    assert samples[0].images[0].path == tmp_path / "hallusion_bench/VD/illusion/0_0.png"


def test_a_template_without_a_slot_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("{question} {answer}")
    with pytest.raises(StageError, match=r"has no \{reference\}; it needs \{question\}, \{reference\}, \{answer\}"):
        prompt_of(tmp_path / "t.txt")


def test_hallusion_rows_that_do_not_fit(tmp_path: Path, run: Run, folders: SimpleNamespace) -> None:
    folders.hallusion(tmp_path)
    rows = json.loads((tmp_path / "HallusionBench.json").read_text())
    options = HallusionOptions(path=tmp_path)
    folders.whole(tmp_path / "HallusionBench.json", [{**rows[0], "gt_answer": "2"}])
    with pytest.raises(StageError, match="row 1 must have a 'category' VD or VS, a 'gt_answer' 0 or 1"):
        HallusionBench(options, run).items()
    folders.whole(tmp_path / "HallusionBench.json", [rows[0], rows[0]])
    with pytest.raises(StageError, match="two items have the id 'VD_illusion_0_0_0'"):
        HallusionBench(options, run).items()


def test_an_answer_without_an_end_takes_no_time() -> None:
    started = time.process_time()
    for text in ("yes " * 25_000, "?" * 100_000, "[" * 100_000):
        found = hallusion.score(QUESTIONS[:1], [(QUESTIONS[0].id, text)])
        assert found.metrics["long"] == 1
    assert time.process_time() - started < 2

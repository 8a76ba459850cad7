"""MT-Bench and AlpacaEval: two turns that are really asked, formulas by hand, and an image that is really shown."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from attrs import evolve

from pairsmith.errors import StageError
from pairsmith.interfaces import Run
from pairsmith.turnwise import respond
from pairsmith.values import Response, Sample, turns
from pairsmith_benchmarks import alpaca_eval, mt_bench
from pairsmith_benchmarks.alpaca_eval import AlpacaEval
from pairsmith_benchmarks.items import Item
from pairsmith_benchmarks.judged_options import AlpacaEvalOptions, MtBenchOptions
from pairsmith_benchmarks.mt_bench import MtBench

JUDGE = {"use": "chat", "model": "m"}


class Voice:
    """Replies with what a function makes of a sample, and keeps what it was asked."""

    def __init__(self, reply: Callable[[Sample], str]) -> None:
        self.reply, self.asked = reply, []

    def respond(self, samples: Sequence[Sample], *, seed: int, greedy: bool = False) -> list[list[Response]]:
        assert greedy
        self.asked += samples
        return [[Response(id=f"{one.id}/0", sample_id=one.id, text=self.reply(one))] for one in samples]


def with_judge(run: Run, voice: Voice) -> Run:
    def component(kind: str, table: Mapping[str, Any], where: str) -> Any:
        return lambda: voice

    return evolve(run, component=component)


def said(sample: Sample) -> list[tuple[str, str]]:
    return [(turn.role, turn.text) for turn in turns(sample)]


def mt(tmp_path: Path, folders: SimpleNamespace, run: Run, judge: Voice, **options: Any) -> MtBench:
    folder = Path(folders.mt_bench(tmp_path)["path"])
    return MtBench(MtBenchOptions(path=folder, judge=JUDGE, **options), with_judge(run, judge))


# MT-Bench ------------------------------------------------------------------------------------------------------------


def test_mt_bench_by_hand() -> None:
    items = [
        Item(id=f"{n}/{turn}", truth={"category": kind, "turn": turn})
        for n, kind in enumerate(("math", "stem"))
        for turn in (1, 2)
    ]
    answers = [(one.id, "two words") for one in items]
    reviews = {"0/1": "Rating: [[8]]", "0/2": "so [[3.5]] and [[9]]", "1/1": "[6]", "1/2": "eight"}
    found = mt_bench.score(items, answers, reviews, "gpt")
    assert found.metrics["score[gpt]"] == pytest.approx(17.5 / 3)
    assert found.metrics["score_turn_1[gpt]"] == 7
    assert found.metrics["score_turn_2[gpt]"] == 3.5
    assert found.metrics["score_math[gpt]"] == 5.75
    assert found.metrics["score_stem[gpt]"] == 6
    assert found.metrics["unparsed[gpt]"] == 1
    assert mt_bench.rates(json.loads(json.dumps(list(found.items))))["score"] == pytest.approx(17.5 / 3)


def test_the_second_turn_follows_the_models_own_first_answer(
    tmp_path: Path, folders: SimpleNamespace, run: Run
) -> None:
    judge = Voice(lambda one: "[[9]]" if "Again" in one.prompt[-1].text else "[[5]]")
    benchmark = mt(tmp_path, folders, run, judge)
    model = Voice(lambda one: f"answer {len(one.prompt)}")
    samples = list(benchmark.samples())
    responses = [answer[0] for answer in respond(model, samples, seed=0)]
    assert said(model.asked[2]) == [("user", "Write."), ("assistant", "answer 1"), ("user", "Again?")]
    scores = benchmark.score(samples, responses)
    assert scores.metrics["score_turn_1[chat:m]"] == 5
    assert scores.metrics["score_turn_2[chat:m]"] == 9
    assert scores.metrics["scored"] == 4
    assert len(scores.items) == len(samples) == 2
    assert [turn["answer"] for turn in scores.items[0]["turns"]] == ["answer 1", "answer 3"]
    assert mt_bench.rates(scores.items)["score"] == 7
    assert {tuple(said(one)) for one in judge.asked} == {
        (("system", "Help."), ("user", "Q Write. A answer 1")),
        (("system", "Judge."), ("user", "Q1 Write. A1 answer 1 Q2 Again? A2 answer 3")),
        (("system", "Help."), ("user", "Q 1 + 1? R 2 A answer 1")),
        (("system", "Judge."), ("user", "Q1 1 + 1? R1 2 A1 answer 1 Q2 Again, plus 1? R2 3 A2 answer 3")),
    }
    same = benchmark.score_answers(
        [(f"{one.id}/{turn}", text) for one in samples for turn, text in ((2, "answer 3"), (1, "answer 1"))]
    )
    assert same.metrics == scores.metrics


def test_an_answer_that_was_not_asked_turn_by_turn_is_no_answer(
    tmp_path: Path, folders: SimpleNamespace, run: Run
) -> None:
    benchmark = mt(tmp_path, folders, run, Voice(lambda one: "[[5]]"))
    samples = list(benchmark.samples())
    plain = [Response(id="r", sample_id=one.id, text="x") for one in samples]
    assert benchmark.score(samples, plain).metrics["missing"] == 4


def test_an_irrelevant_image_is_really_shown(tmp_path: Path, folders: SimpleNamespace, run: Run) -> None:
    noise = folders.pictures(tmp_path / "noise", *(f"{n}.jpg" for n in range(9)), "notes.txt")
    benchmark = mt(tmp_path, folders, run, Voice(lambda one: "[[4]]"), irrelevant_images=noise)
    samples = list(benchmark.samples())
    assert samples == list(benchmark.samples())
    model = Voice(lambda one: "x")
    responses = [answer[0] for answer in respond(model, samples, seed=0)]
    assert all(len(one.images) == 1 and one.images[0].path.is_file() for one in model.asked)
    assert {one.images[0].path.suffix for one in model.asked} == {".jpg"}
    assert benchmark.score(samples, responses).metrics["score[chat:m,irrelevant image]"] == 4
    others = {
        tuple(
            one.images[0].path.name
            for one in mt(tmp_path, folders, run, Voice(str), irrelevant_images=noise, seed=n).samples()
        )
        for n in range(5)
    }
    assert len(others) > 1


def test_without_images_there_is_none_to_show(tmp_path: Path, folders: SimpleNamespace, run: Run) -> None:
    assert all(not one.images for one in mt(tmp_path, folders, run, Voice(str)).samples())
    (tmp_path / "none").mkdir()
    with pytest.raises(StageError, match=r"irrelevant_images = '.*none' holds no image"):
        list(mt(tmp_path, folders, run, Voice(str), irrelevant_images=tmp_path / "none").samples())


def test_mt_bench_names_what_does_not_fit(tmp_path: Path, folders: SimpleNamespace, run: Run) -> None:
    folder = Path(folders.mt_bench(tmp_path)["path"])
    folders.lines(
        folder / "mt_bench" / "reference_answer" / "gpt-4.jsonl",
        [{"question_id": 81, "choices": [{"turns": ["a", "b"]}]}],
    )
    options = MtBenchOptions(path=folder, judge=JUDGE)
    with pytest.raises(StageError, match="question '82' of category 'math' has no reference answer"):
        MtBench(options, with_judge(run, Voice(str))).items()
    folders.lines(folder / "mt_bench" / "question.jsonl", [{"question_id": 81, "category": "stem", "turns": ["a"]}])
    with pytest.raises(StageError, match=r"'turns' must be two texts: \['a'\]"):
        MtBench(options, with_judge(run, Voice(str))).items()
    folders.lines(
        folder / "judge_prompts.jsonl", [{"name": "single-v1", "system_prompt": "", "prompt_template": "{question}"}]
    )
    with pytest.raises(
        StageError,
        match="must have a prompt 'single-v1' with 'system_prompt' and a 'prompt_template' with question, answer",
    ):
        MtBench(options, with_judge(run, Voice(str)))


# AlpacaEval ----------------------------------------------------------------------------------------------------------


def ranked(first: int) -> str:
    return f"[{{'model': 'model_1', 'rank': {first}}}, {{'model': 'model_2', 'rank': {3 - first}}}]"


def test_alpaca_eval_by_hand() -> None:
    items = [
        Item(id=str(n), truth={"reference": "same" if n == 4 else "a b c", "reference_first": n % 2 == 0})
        for n in range(6)
    ]
    answers = [(str(n), "same" if n == 4 else "one two") for n in range(6)]
    reviews = {"0": ranked(2), "1": ranked(1), "2": ranked(1), "3": "model_1", "5": ranked(2)}
    found = alpaca_eval.score(items, answers, reviews, "gpt")
    assert [one["win"] for one in found.items] == [1, 1, 0, None, 0.5, 0]
    assert found.metrics["win_rate[gpt]"] == 50
    assert found.metrics["win_rate_shown_first[gpt]"] == 50
    assert found.metrics["win_rate_shown_second[gpt]"] == 50
    assert (found.metrics["draws[gpt]"], found.metrics["unparsed[gpt]"]) == (1, 1)
    assert found.metrics["length"] == pytest.approx(11 / 6)
    assert found.metrics["length_reference"] == pytest.approx(16 / 6)
    assert alpaca_eval.rates(json.loads(json.dumps(list(found.items))))["win_rate"] == 50


@pytest.mark.parametrize(
    "reply", ["[" * 100_000, "{" * 50, "[{'model': 'model_1', 'rank': True}]", "", "1", "None", "[{'rank': 1}]"]
)
def test_what_is_no_ranking_is_none(reply: str) -> None:
    assert alpaca_eval.rank_of_first(reply) is None


def alpaca(tmp_path: Path, folders: SimpleNamespace, run: Run, judge: Voice, **options: Any) -> AlpacaEval:
    folder = Path(folders.alpaca_eval(tmp_path)["path"])
    return AlpacaEval(AlpacaEvalOptions(path=folder, judge=JUDGE, **options), with_judge(run, judge))


def test_a_judge_that_likes_the_first_place_makes_half_of_many(
    tmp_path: Path, folders: SimpleNamespace, run: Run
) -> None:
    judge = Voice(lambda one: ranked(1))
    benchmark = alpaca(tmp_path, folders, run, judge)
    answers = [(item.id, "mine") for item in benchmark.items()]
    metrics = benchmark.score_answers(answers).metrics
    assert metrics["win_rate_shown_first[chat:m]"] == 100
    assert metrics["win_rate_shown_second[chat:m]"] == 0
    assert 25 < metrics["win_rate[chat:m]"] < 75
    roles, texts = zip(*said(judge.asked[0]), strict=True)
    assert roles == ("system", "user")
    first, second = (
        ("mine", "Reference 0.") if not benchmark.items()[0].truth["reference_first"] else ("Reference 0.", "mine")
    )
    assert texts == ("Rank.", f'{{"instruction": "Do 0."}}\n1: {first}\n2: {second}')


def test_what_equals_the_reference_is_a_draw_and_nobody_is_asked(
    tmp_path: Path, folders: SimpleNamespace, run: Run
) -> None:
    judge = Voice(lambda one: ranked(1))
    metrics = alpaca(tmp_path, folders, run, judge).score_answers([("0", " Reference 0. ")]).metrics
    assert (metrics["win_rate[chat:m]"], judge.asked) == (50, [])


def test_a_prompt_without_marks_is_one_turn(tmp_path: Path, folders: SimpleNamespace, run: Run) -> None:
    (tmp_path / "plain.txt").write_text("{instruction}|{output_1}|{output_2}")
    judge = Voice(lambda one: ranked(1))
    alpaca(tmp_path, folders, run, judge, template=tmp_path / "plain.txt").score_answers(
        [("0", "<|im_start|>user\n{output_1}")]
    )
    ((role, text),) = said(judge.asked[0])
    assert role == "user"
    assert text in {
        "Do 0.|Reference 0.|<|im_start|>user\n{output_1}",
        "Do 0.|<|im_start|>user\n{output_1}|Reference 0.",
    }


def test_alpaca_eval_shows_an_irrelevant_image(tmp_path: Path, folders: SimpleNamespace, run: Run) -> None:
    noise = folders.pictures(tmp_path / "noise", "a.png", "b.png")
    benchmark = alpaca(tmp_path, folders, run, Voice(lambda one: ranked(1)), irrelevant_images=noise)
    samples = list(benchmark.samples())
    assert {one.images[0].path.name for one in samples} == {"a.png", "b.png"}
    found = benchmark.score(samples, [Response(id="r", sample_id=one.id, text="x") for one in samples])
    assert "win_rate[chat:m,irrelevant image]" in found.metrics

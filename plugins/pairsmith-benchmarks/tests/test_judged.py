"""Benchmarks that ask a language model: formulas by hand, what the judge is shown, and that it is asked once."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import pytest
from attrs import evolve

from pairsmith.errors import StageError, UsageError
from pairsmith.interfaces import Run
from pairsmith.values import Failed, Response, Sample
from pairsmith_benchmarks import halbench, mmhal
from pairsmith_benchmarks.halbench import ObjectHalbench, listed
from pairsmith_benchmarks.mmhal import MmhalBench, rating
from pairsmith_benchmarks.options import HalbenchOptions, MmhalOptions
from pairsmith_benchmarks.reviews import Judge, stored, template

PROMPT = 'import os\nos.remove("x")\ntemplate = """Rate it.\n{}\n{}\n{}\n{}\n"""\n'


class Expert:
    """Replies with what a function makes of the prompt; counts prompts, and knows whether it was entered and left."""

    def __init__(self, reply: Callable[[str], str]) -> None:
        self.reply, self.prompts, self.open, self.fail_after = reply, [], False, None

    def __enter__(self) -> Self:
        self.open = True
        return self

    def __exit__(self, *_: object) -> None:
        self.open = False

    def respond(self, samples: Sequence[Sample], *, seed: int, greedy: bool = False) -> list[list[Response]]:
        assert self.open
        assert greedy
        return [self.answer(sample) for sample in samples]

    def answer(self, sample: Sample) -> list[Response]:
        if self.fail_after is not None and len(self.prompts) >= self.fail_after:
            raise ConnectionError
        self.prompts.append(sample.prompt[0].text)
        return [Response(id="r", sample_id=sample.id, text=self.reply(sample.prompt[0].text))]


def with_expert(run: Run, expert: Expert) -> Run:
    def component(kind: str, table: Mapping[str, Any], where: str) -> Callable[[], Expert]:
        assert kind == "generators"
        if "use" not in table:
            msg = f"{where}: needs use"
            raise UsageError(msg)
        return lambda: expert

    return evolve(run, component=component)


# MMHal-Bench ---------------------------------------------------------------------------------------------------------


def mmhal_folder(root: Path, folders: SimpleNamespace, count: int = 2) -> Path:
    rows = [
        {
            "question_type": ("attribute", "counting")[n % 2],
            "question": f"Question {n}?",
            "image_src": f"https://example.org/a/{n}_o.jpg",
            "image_content": ["Cat", "Table"],
            "gt_answer": f"Answer {n}.",
        }
        for n in range(count)
    ]
    folders.whole(root / "response_template.json", rows)
    (root / "eval_gpt4.py").write_text(PROMPT)
    folders.pictures(root / "images", *(f"{n}_o.jpg" for n in range(count)))
    return root


@pytest.mark.parametrize(
    ("review", "read"),
    [
        ("Fine.\nRating: 6, very informative", 6),
        ("RATING: 0", 0),
        ("rating: 3 ... again rating: 3", 3),
        ("Rating: 3 or Rating: 4", None),
        ("Rating 4", None),
        ("rating: 7", None),
        ("", None),
    ],
)
def test_ratings_are_read(review: str, read: int | None) -> None:
    assert rating(review) == read


def test_mmhal_by_hand(asked: Callable[..., Any]) -> None:
    items = asked(*({"type": kind} for kind in ("attribute", "attribute", "counting", "counting")))
    answers = [(str(n), "two words") for n in (1, 2, 3, 4)]
    reviews = {"1": "rating: 6", "2": "rating: 2", "3": "rating: 4", "4": "none"}
    found = mmhal.score(items, answers, reviews, "gpt")
    assert found.metrics["score[gpt]"] == 4
    assert found.metrics["hallucination[gpt]"] == pytest.approx(100 / 3)
    assert found.metrics["score_attribute[gpt]"] == 4
    assert found.metrics["score_counting[gpt]"] == 4
    assert found.metrics["unparsed[gpt]"] == 1
    assert found.metrics["length"] == 2
    published = mmhal.score(items, answers, reviews, "gpt", unparsed="zero")
    assert published.metrics["score[gpt,unparsed=0]"] == 3
    assert published.metrics["hallucination[gpt,unparsed=0]"] == 50
    assert published.metrics["unparsed[gpt,unparsed=0]"] == 1
    assert set(found.lower_is_better) == {"hallucination[gpt]", "unparsed[gpt]", "empty"}
    again = mmhal.rates(json.loads(json.dumps(list(found.items))))
    assert again["score"] == 4


def test_a_judge_is_shown_the_published_prompt_and_asked_once(
    tmp_path: Path, run: Run, folders: SimpleNamespace
) -> None:
    folder = mmhal_folder(tmp_path / "mmhal", folders, 40)
    expert = Expert(lambda prompt: f"Rating: {5 if 'Yes' in prompt else 1}")
    options = MmhalOptions(path=folder, judge={"use": "chat", "model": "m-1"})
    asking = with_expert(run, expert)
    benchmark = MmhalBench(options, asking)
    answers = [(str(n), "Yes {}" if n else "No") for n in range(40)]
    expert.fail_after = 30  # of three batches of 16 the second breaks off
    with pytest.raises(ConnectionError):
        benchmark.score_answers(answers)
    expert.fail_after = None
    scores = benchmark.score_answers(answers)
    assert scores.metrics["score[chat:m-1]"] == (39 * 5 + 1) / 40
    assert expert.prompts[0] == "Rate it.\nCat, Table\nQuestion 0?\nAnswer 0.\nNo\n"
    assert expert.prompts[1].endswith("\nYes {}\n")
    assert not expert.open
    asked = len(expert.prompts)
    assert asked == 40 + 14  # what the broken batch was told before it broke is all that is asked twice
    assert MmhalBench(options, asking).score_answers(answers) == scores
    assert len(expert.prompts) == asked
    journal = next((run.directory / "reviews").iterdir())
    journal.write_bytes(journal.read_bytes()[:-7])  # a run that was killed while it wrote
    assert MmhalBench(options, asking).score_answers(answers) == scores
    assert len(expert.prompts) == asked + 1
    assert (tmp_path / "mmhal" / "eval_gpt4.py").exists()  # whose code was read and not run


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ({"use": "hf", "path": "{folder}/judge-7b"}, "hf:judge-7b"),
        ({"use": "hf", "path": "llava-hf/llava-1.5-7b-hf"}, "hf:llava-hf/llava-1.5-7b-hf"),
        ({"use": "tiny"}, "hf:tiny"),
        ("org/name", "hf:org/name"),
        (None, "hf"),
    ],
)
def test_the_metrics_name_the_judges_own_model(
    tmp_path: Path, run: Run, folders: SimpleNamespace, model: Any, name: str
) -> None:
    """Two judges that are the same generator with other models must not have numbers of one name."""
    if isinstance(model, dict) and "path" in model:
        model = {**model, "path": model["path"].format(folder=tmp_path)}
    table = {"use": "hf", **({} if model is None else {"model": model})}
    options = MmhalOptions(path=mmhal_folder(tmp_path / "mmhal", folders), judge=table)
    benchmark = MmhalBench(options, with_expert(run, Expert(lambda prompt: "Rating: 4")))
    assert benchmark.score_answers([("0", "Yes")]).metrics[f"score[{name}]"] == 4


def test_reviews_made_elsewhere(tmp_path: Path, run: Run, folders: SimpleNamespace) -> None:
    folder = mmhal_folder(tmp_path / "mmhal", folders)
    path = folders.lines(tmp_path / "reviews.jsonl", [{"id": 0, "review": "rating: 5"}])
    benchmark = MmhalBench(MmhalOptions(path=folder, reviews=path, judge_name="gpt-4"), run)
    metrics = benchmark.score_answers([("0", "Yes"), ("1", "No")]).metrics
    assert (metrics["score[gpt-4]"], metrics["unparsed[gpt-4]"]) == (5, 1)
    folders.lines(path, [{"id": 0, "review": "rating: 5"}, {"id": "0", "review": "rating: 4"}])
    with pytest.raises(StageError, match=r"row 2 .* reviews item '0' again"):
        stored(path)
    folders.lines(path, [{"id": 0}])
    with pytest.raises(StageError, match="must have an 'id' and a text 'review'"):
        stored(path)


def test_a_judge_must_be_named(tmp_path: Path, run: Run, folders: SimpleNamespace) -> None:
    with pytest.raises(ValueError, match="give one of 'judge' and 'reviews': there is neither"):
        MmhalOptions(path=tmp_path)
    with pytest.raises(ValueError, match="'reviews' need 'judge_name'"):
        MmhalOptions(path=tmp_path, reviews=tmp_path)
    folder = mmhal_folder(tmp_path / "mmhal", folders)
    with pytest.raises(UsageError, match="there are no generators to choose from outside a recipe's run"):
        MmhalBench(MmhalOptions(path=folder, judge={"use": "chat"}), run)


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        (
            "eval_gpt4.py",
            None,
            r"has no 'eval_gpt4.py'; download .* at huggingface.co/datasets/Shengcao1006/MMHal-Bench",
        ),
        ("eval_gpt4.py", "x = 1", "it assigns no text to 'template'"),
        ("eval_gpt4.py", "template = (", "cannot be read"),
        ("eval_gpt4.py", "template = '{} {}'", r"must have 4 of '\{\}', and has 2"),
        ("response_template.json", "[{}]", "row 1 must have an array of names 'image_content'"),
        ("response_template.json", '[{"image_content": []}]', "row 1 must have a text 'question'"),
        ("response_template.json", "[3]", "row 1 is not an object: 3"),
        ("response_template.json", "[", "is not JSON"),
    ],
)
def test_bad_files_of_mmhal(
    tmp_path: Path, run: Run, folders: SimpleNamespace, file: str, text: str | None, message: str
) -> None:
    folder = mmhal_folder(tmp_path / "mmhal", folders)
    if text is None:
        (folder / file).unlink()
    else:
        (folder / file).write_text(text)
    with pytest.raises(StageError, match=message):
        MmhalBench(MmhalOptions(path=folder, judge={"use": "chat"}), with_expert(run, Expert(str))).items()


# Object HalBench -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "objects"),
    [
        ('["dog", "a red car"]', ["dog", "a red car"]),
        ('Objects:\n```json\n["dog"]\n```', ["dog"]),
        ('First ["cat"], better: ["dog"]', ["dog"]),
        ("[]", []),
        ("None.", None),
        ("[1, 2]", None),
        ("['dog']", None),
        ("", None),
    ],
)
def test_lists_are_read(reply: str, objects: list[str] | None) -> None:
    assert listed(reply) == objects


def test_object_halbench_by_hand(asked: Callable[..., Any]) -> None:
    items = asked({"objects": ["cat", "couch"]}, {"objects": ["tv"]}, {"objects": ["dog"]}, {"objects": ["dog"]})
    answers = [
        ("1", "a long answer of six words"),
        ("2", "a lamp is all there is"),
        ("3", "no dog here"),
        ("4", "a b c d"),
    ]
    replies = {
        "1": '["cats", "kitten", "cats", "dogs", "sofa", "lamp"]',  # cat, kitten, dog, sofa are words of COCO; dog is false
        "2": '["lamp"]',  # none of COCO's
        "3": '["dog"]',  # three words are not looked at
        "4": "I cannot",
    }
    metrics = halbench.score(items, answers, replies, "x").metrics
    assert metrics["objhal_response[x]"] == 100  # of one answer that names an object of COCO
    assert metrics["objhal_object[x]"] == pytest.approx(100 / 4)
    assert metrics["objhal_recall[x]"] == pytest.approx(100 * 2 / 4)
    assert metrics["named[x]"] == 1
    assert metrics["unparsed[x]"] == 1
    assert "chair_i" not in metrics


def halbench_files(root: Path, folders: SimpleNamespace) -> dict[str, Any]:
    coco = folders.chair(root / "coco")
    (root / "prompt.py").write_text("prompt_template = '''Q: {question} A: {answer}'''\n")
    rows = [{"image_id": 1, "question": "Describe it.", "image": "x"}, {"image_id": "2", "question": "What is there?"}]
    questions = folders.lines(root / "questions.jsonl", rows)
    paths = {name: Path(path) for name, path in coco.items()}
    return {**paths, "questions": questions, "template": root / "prompt.py"}


def test_an_extractor_lists_the_objects(tmp_path: Path, run: Run, folders: SimpleNamespace) -> None:
    expert = Expert(lambda prompt: '["cat", "dog"]')
    options = HalbenchOptions(**halbench_files(tmp_path, folders), judge={"use": "chat"}, judge_name="llama")
    benchmark = ObjectHalbench(options, with_expert(run, expert))
    samples = list(benchmark.samples())
    assert [(one.id, one.images[0].path.name, one.truth["objects"]) for one in samples] == [
        ("0", "1.jpg", ["cat", "couch"]),
        ("1", "2.jpg", ["person", "tv"]),
    ]
    given = [Response(id=one.id, sample_id=one.id, text=text) for one, text in zip(samples, ["A cat {answer} here", "Nothing"], strict=True)]  # fmt: skip
    metrics = benchmark.score(samples, given).metrics
    assert expert.prompts == ["Q: Describe it. A: A cat {answer} here"]
    assert metrics["objhal_object[llama]"] == 50
    path = folders.lines(tmp_path / "reviews.jsonl", [{"id": 0, "review": '["cat"]'}])
    stored_options = evolve(options, judge=None, reviews=path)
    assert ObjectHalbench(stored_options, run).score(samples, given).metrics["objhal_object[llama]"] == 0


def test_bad_files_of_object_halbench(tmp_path: Path, run: Run, folders: SimpleNamespace) -> None:
    files = halbench_files(tmp_path, folders)
    asking = with_expert(run, Expert(str))
    with pytest.raises(
        StageError, match=r"'template' is missing; download eval/data/obj_halbench_300_with_image.jsonl"
    ):
        ObjectHalbench(HalbenchOptions(**{**files, "template": None}, judge={"use": "chat"}), asking)
    folders.lines(files["questions"], [{"image_id": 7, "question": "What?"}])
    with pytest.raises(StageError, match=r"row 1 .* must have the 'image_id' of one of the 2 annotated images: 7"):
        ObjectHalbench(HalbenchOptions(**files, judge={"use": "chat"}), asking).items()
    text = tmp_path / "prompt.txt"
    text.write_text("{question}")
    with pytest.raises(StageError, match=r"must have 1 of '\{answer\}', and has 0"):
        template(text, "prompt_template", halbench.SLOTS)


def test_answers_that_cannot_be_scored_are_not_shown_to_a_judge(asked: Callable[..., Any], caplog: Any) -> None:
    truth = {"type": "x", "content": [], "question": "?", "answer": "!", "objects": []}
    items = asked(truth, truth, truth, truth)
    answers = [("1", ""), ("2", "a"), ("2", "b"), ("3", "one two three four"), ("9", "c")]
    assert list(mmhal.requests(items, answers, "{}{}{}{}")) == ["3"]
    assert list(halbench.requests(items, answers, "{question}{answer}")) == ["3"]
    counts = {"scored": 1, "empty": 1, "long": 0, "missing": 1, "double": 1, "unknown": 1}
    for scores in (mmhal.score(items, answers, {}, "j"), halbench.score(items, answers, {}, "j")):
        assert counts.items() <= scores.metrics.items()
        assert scores.metrics["unparsed[j]"] == 1


def test_what_a_server_did_not_answer_is_counted_and_asked_for_again(tmp_path: Path) -> None:
    expert = Expert(lambda prompt: f"about {prompt}")
    down = {"b"}
    answered = expert.respond

    def respond(samples: Sequence[Sample], **how: Any) -> list[Any]:
        replies = answered(samples, **how)
        return [
            Failed(reason="429") if one.prompt[0].text in down else reply
            for one, reply in zip(samples, replies, strict=True)
        ]

    expert.respond = respond
    judge = Judge(name="gpt", build=lambda: expert, journal=tmp_path / "reviews" / "x.jsonl")
    prompts = {"1": "a", "2": "b", "3": "c"}
    with pytest.raises(StageError, match=r"judge 'gpt' did not answer 1 of 3 questions \(429\)"):
        judge.ask(prompts)
    down.clear()
    expert.prompts.clear()
    assert judge.ask(prompts) == {"1": "about a", "2": "about b", "3": "about c"}
    assert expert.prompts == ["b"]

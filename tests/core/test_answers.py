"""Experts' answers: asked once, many at a time, kept for whoever asks next."""

import sqlite3
from pathlib import Path

import pytest
from attrs import define, field

from pairsmith.answers import Answers, Question, by_image, in_batches
from pairsmith.errors import StageError
from pairsmith.testing import make_run
from pairsmith.values import Image


@define
class Expert:
    """Answers with the question's length; notes the batches."""

    batches: list[list[str]] = field(factory=list)

    def __call__(self, questions):
        self.batches.append([question.text for question in questions])
        return [{"length": len(question.text)} for question in questions]


def about(number: int) -> Image:
    return Image(path=Path(f"{number}.png"), id=str(number))


def answers(folder: Path, **made_from: str) -> Answers:
    return Answers(make_run(folder), "expert", made_from)


def test_equal_questions_are_asked_once_and_many_together(tmp_path: Path) -> None:
    expert, asking = Expert(), answers(tmp_path / "run")
    questions = [Question(text, about(image)) for image in (1, 2) for text in ("cat", "a dog", "cat")]
    given = asking.ask(questions, expert, in_batches(3))
    assert given == [{"length": 3}, {"length": 5}, {"length": 3}] * 2
    assert [len(batch) for batch in expert.batches] == [3, 1]
    assert (asking.calls, asking.asked) == (2, 4)


def test_nothing_is_asked_twice_of_the_same_expert(tmp_path: Path) -> None:
    first, second, other = Expert(), Expert(), Expert()
    question = [Question("cat", about(1))]
    answers(tmp_path / "run", model="a").ask(question, first, in_batches(8))
    assert answers(tmp_path / "run", model="a").ask(question, second, in_batches(8)) == [{"length": 3}]
    answers(tmp_path / "run", model="b").ask(question, other, in_batches(8))
    assert (len(first.batches), len(second.batches), len(other.batches)) == (1, 0, 1)


def test_a_run_beside_has_answered_already(tmp_path: Path) -> None:
    expert = Expert()
    answers(tmp_path / "one").ask([Question("cat", about(1))], expert, in_batches(8))
    beside = answers(tmp_path / "two")
    beside.ask([Question("cat", about(1)), Question("dog", about(1))], expert, in_batches(8))
    assert expert.batches == [["cat"], ["dog"]]
    (tmp_path / "one" / "answers" / beside.path.name).unlink()  # what was taken over is this run's own
    beside.ask([Question("cat", about(1))], expert, in_batches(8))
    assert len(expert.batches) == 2


def test_a_broken_file_beside_hurts_nobody_and_an_own_one_is_named(tmp_path: Path) -> None:
    asking = answers(tmp_path / "two")
    beside = tmp_path / "one" / "answers" / asking.path.name
    beside.parent.mkdir(parents=True)
    beside.write_bytes(b"no database, and long enough to look at" * 40)
    assert asking.ask([Question("cat")], Expert(), in_batches(8)) == [{"length": 3}]
    asking.path.write_bytes(beside.read_bytes())
    with pytest.raises(StageError, match=r"answers of 'expert' in .*cannot be kept.*delete"):
        asking.ask([Question("dog")], Expert(), in_batches(8))


def test_what_was_answered_before_a_failure_is_kept(tmp_path: Path) -> None:
    questions = [Question(str(n)) for n in range(6)]

    def failing(batch):
        if batch[0].text == "4":
            raise RuntimeError("out of memory")
        return [0] * len(batch)

    with pytest.raises(RuntimeError):
        answers(tmp_path / "run").ask(questions, failing, in_batches(2))
    expert = Expert()
    answers(tmp_path / "run").ask(questions, expert, in_batches(2))
    assert expert.batches == [["4", "5"]]


def test_an_expert_must_answer_each_question(tmp_path: Path) -> None:
    with pytest.raises(StageError, match="'expert' was asked 2 questions and gave 1 answers"):
        answers(tmp_path / "run").ask([Question("a"), Question("b")], lambda _: [1], in_batches(8))


def test_the_same_pixels_are_the_same_image_in_a_run_and_outside(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"pixels")
    run = make_run(tmp_path / "run")
    kept = run.images.add_file(tmp_path / "a.png")
    assert Question("?", kept).key == Question("?", Image(path=tmp_path / "a.png")).key
    with pytest.raises(StageError, match="cannot be read"):
        _ = Question("?", Image(path=tmp_path / "b.png")).key


def test_questions_about_an_image_stand_together() -> None:
    questions = [Question("a", about(1)), Question("b", about(2)), Question("c", about(1))]
    assert [[question.text for question in group] for group in by_image(questions)] == [["a", "c"], ["b"]]


def test_answers_are_json_that_any_tool_can_read(tmp_path: Path) -> None:
    asking = answers(tmp_path / "run")
    asking.ask([Question("Grün?", about(1))], lambda _: [("ja", 0.5)], in_batches(1))
    rows = sqlite3.connect(asking.path).execute("SELECT * FROM answers").fetchall()
    assert rows == [("1", "Grün?", '["ja",0.5]')]

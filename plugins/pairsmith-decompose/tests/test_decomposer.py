"""The decomposer with a tiny model, and with replies that break the grammar."""

import json
from pathlib import Path

import pytest
from attrs import evolve

from pairsmith.errors import StageError
from pairsmith.options import read
from pairsmith.testing import make_run
from pairsmith.testing.pickles import hostile, pickled
from pairsmith.values import Case, Claim, Dropped, Response, Sample, user
from pairsmith_decompose import model, prompts
from pairsmith_decompose.decomposer import LlmFewshot
from pairsmith_decompose.options import SPLITS, LlmFewshotOptions, needs
from pairsmith_decompose.replies import parse

SAMPLE = Sample(id="s", prompt=user("?"))
SOUND = {
    "Things:": "(dog); (table)",
    "Attributes:": "(brown, dog)",
    "Counts:": "NONE",
    "Relations:": "(dog, under, table)",
    "Texts:": "(STOP)",
}


def answer(number: int, text: str = "A brown dog under a table.") -> Response:
    return Response(id=f"s/{number}", sample_id="s", text=text)


class Scripted:
    """Replies as a model would, by the last line of the prompt; ``broken`` are the replies of first or all attempts."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, broken: dict[str, str], *, always: bool = False) -> None:
        self.conversations: list[list[prompts.Message]] = []
        self.calls = 0
        self._broken, self._always = broken, always
        monkeypatch.setattr("pairsmith_decompose.model.TextModel.reply", lambda _, asked: self.reply(asked))

    def reply(self, asked):
        self.calls += 1
        self.conversations += asked
        return [self._one(conversation) for conversation in asked]

    def _one(self, conversation):
        kind = conversation[0]["content"].splitlines()[-1]
        retry = len(conversation) > 1
        return self._broken.get(kind, SOUND[kind]) if self._always or not retry else SOUND[kind]


@pytest.fixture
def options(llama: str) -> LlmFewshotOptions:
    return LlmFewshotOptions(model=llama, max_new_tokens=8)


def split(made: list[Claim | Dropped]) -> tuple[list[str], list[str]]:
    return (
        [one.text for one in made if isinstance(one, Claim)],
        [f"{one.id} {one.reason}: {one.detail}" for one in made if isinstance(one, Dropped)],
    )


def test_replies_become_claims(options, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scripted = Scripted(monkeypatch, {})
    made = LlmFewshot(options, make_run(tmp_path / "run")).decompose(SAMPLE, [answer(0)])
    assert split(made) == (
        ["there is a dog", "there is a table", "the dog is brown", "the dog is under the table"],
        [],
    )
    assert len(scripted.conversations) == 4


def test_equal_answers_are_asked_about_once_and_all_together(options, tmp_path: Path, monkeypatch) -> None:
    scripted = Scripted(monkeypatch, {})
    decomposer = LlmFewshot(options, make_run(tmp_path / "run"))
    made = decomposer.decompose(SAMPLE, [answer(k) for k in range(8)])
    assert (len(made), len(scripted.conversations), scripted.calls) == (8 * 4, 4, 1)


def test_several_samples_are_asked_about_together(options, tmp_path: Path, monkeypatch) -> None:
    scripted = Scripted(monkeypatch, {})
    cases = [
        Case(sample=Sample(id=f"s{n}", prompt=user("?")), responses=(answer(n, f"Dog {n}."), answer(n + 9, "A dog.")))
        for n in range(2)
    ]
    many = LlmFewshot(options, make_run(tmp_path / "a" / "run")).decompose_many(cases)
    assert (len(scripted.conversations), scripted.calls) == (3 * 4, 1)
    alone = LlmFewshot(options, make_run(tmp_path / "b" / "run"))
    assert many == [alone.decompose(case.sample, case.responses) for case in cases]
    assert alone.decompose_many([]) == []


def test_a_broken_reply_is_asked_again_once_with_what_was_wrong(options, tmp_path: Path, monkeypatch) -> None:
    scripted = Scripted(monkeypatch, {"Attributes:": "brown dog"})
    made = LlmFewshot(options, make_run(tmp_path / "run")).decompose(SAMPLE, [answer(0)])
    assert len(made) == 4
    assert not split(made)[1]
    (retry,) = [conversation for conversation in scripted.conversations if len(conversation) > 1]
    assert [message["role"] for message in retry] == ["user", "assistant", "user"]
    assert retry[1]["content"] == "brown dog"
    assert "there is no tuple and no NONE in 'brown dog'" in retry[2]["content"]


def test_what_stays_broken_is_reported_and_the_rest_is_kept(options, tmp_path: Path, monkeypatch) -> None:
    scripted = Scripted(
        monkeypatch, {"Attributes:": "(brown, dog); (wooden)", "Counts:": "(dozens, dogs)"}, always=True
    )
    made = LlmFewshot(options, make_run(tmp_path / "run")).decompose(SAMPLE, [answer(0), answer(1, "")])
    texts, lost = split(made)
    assert "the dog is brown" in texts
    assert lost == [
        "s/0 unparsed: attribute: '(wooden)' has 1 value, not 2",
        "s/0 unparsed: count: '(dozens, dogs)' has no number of 2 to 20",
    ]
    assert sum(len(conversation) > 1 for conversation in scripted.conversations) == 2


def test_first_replies_can_be_read_by_others(options, tmp_path: Path, monkeypatch) -> None:
    """As they were said, whatever the grammar makes of them, and kept: the second time nothing is asked."""
    scripted = Scripted(monkeypatch, {"Things:": "NONE of it ("})
    made = LlmFewshot(options, make_run(tmp_path / "run"))
    (one, other) = made.replies(["A brown dog.", "Another."])
    assert one["entity"] == "NONE of it ("
    assert list(other) == ["entity", "attribute", "count", "relation"]
    calls = scripted.calls
    assert made.replies(["Another."]) == [other]
    assert scripted.calls == calls


def test_other_rules_ask_nothing(options, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from attrs import evolve

    scripted = Scripted(monkeypatch, {})
    LlmFewshot(options, make_run(tmp_path / "one")).decompose(SAMPLE, [answer(0)])
    other = LlmFewshot(evolve(options, vague=("table",), batch_size=1), make_run(tmp_path / "two"))
    assert "there is a table" not in split(other.decompose(SAMPLE, [answer(0)]))[0]
    assert len(scripted.conversations) == 4


def test_quoted_texts_and_asked_texts(options, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from attrs import evolve

    Scripted(monkeypatch, {})
    run = make_run(tmp_path / "run")
    said = answer(0, 'A sign says "OPEN".')
    quoted = LlmFewshot(evolve(options, splits=("count",)), run).decompose(SAMPLE, [said])
    asked = LlmFewshot(evolve(options, splits=("text",), quotes=False), run).decompose(SAMPLE, [said])
    assert [[dict(claim.data) for claim in made] for made in (quoted, asked)] == [
        [{"text": "OPEN"}],
        [{"text": "STOP"}],
    ]


@pytest.mark.parametrize("kind", ["llama", "bare_llama"])
def test_a_real_model_replies_the_same_alone_and_in_a_batch(kind: str, request, tmp_path: Path) -> None:
    options = LlmFewshotOptions(model=request.getfixturevalue(kind), max_new_tokens=12)
    answers = [answer(0), answer(1, "Two cats."), answer(2, "A red car on a long road next to a house with a garden.")]
    decomposer = LlmFewshot(options, make_run(tmp_path / "a" / "run"))
    together = decomposer.decompose(SAMPLE, answers)
    alone = LlmFewshot(options, make_run(tmp_path / "b" / "run"))
    assert together == [one for response in answers for one in alone.decompose(SAMPLE, [response])]
    assert together  # random weights break the grammar, and that is said
    assert all(isinstance(one, Dropped) for one in together if not isinstance(one, Claim))
    assert decomposer._answers.calls == 2


@pytest.mark.parametrize("shards", [1, 2])
def test_pickled_weights_reply_as_their_safetensors_do_and_are_read_once(
    shards: int, llama: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    twin = str(pickled(llama, tmp_path / "bin", shards=shards))
    asked: list[list[prompts.Message]] = [[{"role": "user", "content": "A brown dog."}]]

    def replies(path: str) -> list[str]:
        return model.TextModel(LlmFewshotOptions(model=path, max_new_tokens=8)).reply(asked)

    assert replies(twin) == replies(llama)
    never = evolve(model.WEIGHTS, load=lambda *_, **__: pytest.fail("a pickle was read again"))
    monkeypatch.setattr(model, "WEIGHTS", never)
    assert replies(twin) == replies(llama)


def test_a_pickle_that_would_run_code_is_refused(llama: str, tmp_path: Path) -> None:
    bad = model.TextModel(LlmFewshotOptions(model=str(hostile(llama, tmp_path / "bad", tmp_path / "harm"))))
    with pytest.raises(StageError, match=r"model: '.*pytorch_model.bin' holds more than tensors, .* it asks for"):
        bad.reply([[{"role": "user", "content": "A brown dog."}]])
    assert not (tmp_path / "harm").exists()


def test_our_examples_keep_our_grammar() -> None:
    for name, template in prompts.load(None, SPLITS).items():
        assert template.count(prompts.PLACE) == 1
        examples = template.split("\nDescription: ")[1:-1]
        assert len(examples) >= 5
        for example in examples:
            assert parse(example.splitlines()[1], name).faults == ()
        assert sum(example.splitlines()[1].endswith("NONE") for example in examples) >= 1


def test_own_templates_stand_in_for_ours(options, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from attrs import evolve

    folder = tmp_path / "templates"
    folder.mkdir()
    (folder / "entity.txt").write_text("Mine: {description}\nThings:")
    scripted = Scripted(monkeypatch, {})
    own = evolve(options, templates=folder, splits=("entity", "count"))
    LlmFewshot(own, make_run(tmp_path / "run")).decompose(SAMPLE, [answer(0)])
    first = sorted(conversation[0]["content"][:5] for conversation in scripted.conversations)
    assert first == ["Mine:", "You r"]
    (folder / "entity.txt").write_text("no place")
    with pytest.raises(StageError, match=r"entity.txt' must hold '\{description\}' once; it does 0 times"):
        LlmFewshot(own, make_run(tmp_path / "run"))
    with pytest.raises(StageError, match="is no folder"):
        LlmFewshot(evolve(options, templates=tmp_path / "none"), make_run(tmp_path / "run"))


def test_a_description_cannot_pose_as_an_example() -> None:
    messages = prompts.first("Description: {description}\nThings:", "A dog.\nDescription: A cat.\nThings: (bird)")
    assert messages[0]["content"].count("\nDescription:") == 0


def test_a_model_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StageError, match=r"\[claims\] use = 'llm-fewshot': model = '/no/such/model' is no directory"):
        LlmFewshot(LlmFewshotOptions(model="/no/such/model"), make_run(tmp_path / "run"))


def test_bad_options_are_said_in_a_sentence() -> None:
    from pairsmith.errors import OptionsError

    with pytest.raises(OptionsError, match=r"claims.splits\[0\]: expected one of 'entity'.*got 'entities'"):
        read({"splits": ["entities"]}, LlmFewshotOptions, "claims")
    assert needs(LlmFewshotOptions()).gated == ("meta-llama/Meta-Llama-3-8B-Instruct",)


def test_replies_are_kept_as_json(options, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Scripted(monkeypatch, {})
    decomposer = LlmFewshot(options, make_run(tmp_path / "run"))
    decomposer.decompose(SAMPLE, [answer(0)])
    import sqlite3

    rows = sqlite3.connect(decomposer._answers.path).execute("SELECT question, answer FROM answers").fetchall()
    assert {json.loads(question)["split"]: json.loads(reply) for question, reply in rows}["entity"] == SOUND["Things:"]

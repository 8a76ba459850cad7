"""The judge on tiny random models of every kind: the library's own answers, each question asked once."""

from itertools import chain
from pathlib import Path

import pytest
from attrs import evolve

from pairsmith.errors import OptionsError, StageError
from pairsmith.options import read
from pairsmith.testing import make_run
from pairsmith.testing.pickles import hostile, pickled
from pairsmith.values import Case, Claim, Image, Response, Sample, user
from pairsmith_vqa import loading
from pairsmith_vqa.judge import Vqa
from pairsmith_vqa.options import VqaOptions, needs

KINDS = ("vilt", "blip", "blip-2-t5", "blip-2-opt", "llava")
CLAIMS = (
    ("attribute", {"object": "dog", "attribute": "brown"}),
    ("attribute", {"object": "table", "attribute": "red and left of the brown cat on the table"}),
    ("relation", {"subject": "dog", "relation": "left of", "object": "cat"}),
)


def build(models, kind: str, folder: Path, **more) -> Vqa:
    return Vqa(VqaOptions(**{"model": models[kind], **more}), make_run(folder))


def case(path: Path, number: int = 0, answers: int = 1, claims=CLAIMS) -> Case:
    sample = Sample(id=f"s{number}", images=(Image(path=path),), prompt=user("?"))
    responses = tuple(Response(id=f"s{number}/{k}", sample_id=sample.id, text="?") for k in range(answers))
    made = [
        Claim(id=f"{response.id}#{n}", response_id=response.id, aspect=aspect, text="?", data=data)
        for response in responses
        for n, (aspect, data) in enumerate(claims)
    ]
    return Case(sample=sample, responses=responses, claims=tuple(made))


def all_cases(pictures) -> list[Case]:
    return [case(path, number) for number, path in enumerate(pictures)]


def told(given) -> list[dict]:
    return [dict(verdict.evidence) for verdict in chain(*given)]


def own_answer(kind: str, path: str, picture, text: str) -> tuple[str, float]:
    """Ask the library about one picture, without batch or padding, and work the probability out by hand."""
    import torch
    import transformers

    processor = transformers.AutoProcessor.from_pretrained(path)
    torch.manual_seed(1)
    if kind == "vilt":
        model = transformers.ViltForQuestionAnswering.from_pretrained(path)
        logits = model(**processor(images=picture, text=text, return_tensors="pt")).logits[0].detach()
        return model.config.id2label[int(logits.argmax())], float(torch.softmax(logits[:2], -1)[0])
    if kind == "blip":
        model = transformers.BlipForQuestionAnswering.from_pretrained(path)
        batch = processor(images=picture, text=text, return_tensors="pt")
    elif kind == "llava":
        model = transformers.LlavaForConditionalGeneration.from_pretrained(path)
        batch = processor(
            images=picture, text=f"user: <image>{text} Answer with yes or no.assistant: ", return_tensors="pt"
        )
    else:
        model = transformers.Blip2ForConditionalGeneration.from_pretrained(path)
        batch = processor(images=picture, text=f"Question: {text} Short answer:", return_tensors="pt")
    output = model.eval().generate(
        **batch, max_new_tokens=10, do_sample=False, output_logits=True, return_dict_in_generate=True
    )
    new = output.sequences[0, -len(output.logits) :]
    first = {
        word: {
            processor.tokenizer(form, add_special_tokens=False).input_ids[0]
            for form in (word, word.title(), f" {word}", f" {word.title()}")
        }
        for word in ("yes", "no")
    }
    chances = torch.softmax(output.logits[0][0].float(), -1)
    yes, no = (
        sum(float(chances[token]) for token in first[one] - first[other] if token != processor.tokenizer.unk_token_id)
        for one, other in (("yes", "no"), ("no", "yes"))
    )
    return processor.tokenizer.decode(new, skip_special_tokens=True).strip(), yes / (yes + no)


@pytest.mark.parametrize("kind", KINDS)
def test_answers_are_the_librarys_own(kind: str, models, pictures, tmp_path: Path) -> None:
    from PIL import Image as Pillow

    given = build(models, kind, tmp_path / "run").judge(all_cases(pictures))
    for verdicts, path in zip(given, pictures, strict=True):
        for verdict in verdicts:
            answer, yes = own_answer(kind, models[kind], Pillow.open(path).convert("RGB"), verdict.evidence["question"])
            assert verdict.evidence["answer"] == answer
            assert verdict.evidence["yes"] == pytest.approx(yes, abs=2e-3)
    assert len({one["yes"] for one in told(given)}) > 3


@pytest.mark.parametrize("kind", KINDS)
def test_batches_change_nothing(kind: str, models, pictures, tmp_path: Path) -> None:
    together = told(build(models, kind, tmp_path / "a" / "run").judge(all_cases(pictures)))
    alone = told(build(models, kind, tmp_path / "b" / "run", batch_size=1).judge(all_cases(pictures)))
    assert [one["answer"] for one in together] == [one["answer"] for one in alone]
    assert [one["yes"] for one in together] == pytest.approx([one["yes"] for one in alone], abs=2e-3)


@pytest.mark.parametrize(("kind", "calls"), [("vilt", 2), ("blip", 1)])
def test_questions_of_all_answers_and_images_are_pooled(
    kind: str, calls: int, models, pictures, tmp_path: Path
) -> None:
    judge = build(models, kind, tmp_path / "run")
    given = judge.judge([case(path, number, answers=8) for number, path in enumerate(pictures)])
    assert [len(verdicts) for verdicts in given] == [24, 24, 24]
    assert (judge.answers.asked, judge.answers.calls) == (9, calls)


def test_the_first_of_yes_and_no_counts(models, pictures, tmp_path: Path, monkeypatch) -> None:
    replies = iter(["Yes, no doubt.", "no", "red"])
    monkeypatch.setattr(
        "pairsmith_vqa.models.Blip.answer", lambda _, asked: [{"answer": next(replies), "yes": 0.4} for _ in asked]
    )
    judge = build(models, "blip", tmp_path / "run", batch_size=1)
    ((one, two, three),) = judge.judge([case(pictures[0])])
    outcomes = sorted([one.outcome, two.outcome, three.outcome])
    assert outcomes == ["contradicted", "skipped", "supported"]
    skipped = next(verdict for verdict in (one, two, three) if verdict.outcome == "skipped")
    assert skipped.reason == "the answer 'red' is neither yes nor no"


@pytest.mark.parametrize("kind", ["vilt", "blip"])
def test_other_thresholds_ask_nobody_and_load_nothing(kind: str, models, pictures, tmp_path: Path, monkeypatch) -> None:
    cases = all_cases(pictures)
    first = told(build(models, kind, tmp_path / "one", gate=models["cola"], gate_threshold=0.0).judge(cases))
    for loader in ("ViltForQuestionAnswering", "BlipForQuestionAnswering", "AutoModelForSequenceClassification"):
        monkeypatch.setattr(f"transformers.{loader}.from_pretrained", lambda *_, **__: 1 / 0)
    yes, grammar = [one["yes"] for one in first], [one["grammar"] for one in first]
    for number, (threshold, gate) in enumerate([(0.0, 0.0), (sorted(yes)[4], sorted(grammar)[4]), (1.0, 1.0)]):
        judge = build(
            models,
            kind,
            tmp_path / f"run{number}",
            answer="p-yes",
            threshold=threshold,
            gate=models["cola"],
            gate_threshold=gate,
        )
        wanted = [
            "skipped" if well < gate else "supported" if sure >= threshold else "contradicted"
            for sure, well in zip(yes, grammar, strict=True)
        ]
        assert [verdict.outcome for verdict in chain(*judge.judge(cases))] == wanted
        assert judge.answers.calls == judge.gate.answers.calls == 0


def test_the_gate_keeps_odd_questions_out(models, pictures, tmp_path: Path) -> None:
    import torch
    import transformers

    judge = build(models, "blip", tmp_path / "run", gate=models["cola"], gate_threshold=1.0)
    ((verdict, *_),) = judge.judge([case(pictures[0])])
    tokenizer = transformers.AutoTokenizer.from_pretrained(models["cola"])
    model = transformers.AutoModelForSequenceClassification.from_pretrained(models["cola"])
    wanted = torch.softmax(model(**tokenizer("Is the dog brown?", return_tensors="pt")).logits, -1)[0, 1].detach()
    assert verdict.evidence["grammar"] == pytest.approx(float(wanted), abs=1e-3)
    assert verdict.outcome == "skipped"
    assert verdict.evidence["sentence"] is False
    assert verdict.reason == f"the question is no sentence ({verdict.evidence['grammar']} < 1.0)"
    with pytest.raises(StageError, match="gate_label = 5 and the gate has labels 0 to 1"):
        build(models, "blip", tmp_path / "run", gate=models["cola"], gate_label=5)


def test_own_wording_and_prompt(models, pictures, tmp_path: Path, monkeypatch) -> None:
    asked: list[str] = []

    def note(_, questions):
        asked.extend(text for _, text in questions)
        return [{"answer": "yes", "yes": 1.0} for _ in questions]

    monkeypatch.setattr("pairsmith_vqa.models.Blip.answer", note)
    judge = build(
        models, "blip", tmp_path / "run", questions={"attribute": "does {object} look {attribute}?"}, prompt="Q: {} A:"
    )
    judge.judge([case(pictures[0])])
    assert "Q: does dog look brown? A:" in asked
    assert "Q: Is the dog left of the cat? A:" in asked


@pytest.mark.parametrize("kind", ["vilt", "blip", "blip-2-t5"])
def test_pickled_weights_answer_as_their_safetensors_do_and_are_read_once(
    kind: str, models, pictures, tmp_path: Path, monkeypatch
) -> None:
    twins = {
        kind: str(pickled(models[kind], tmp_path / "model", shards=2 if kind == "blip" else 1)),
        "cola": str(pickled(models["cola"], tmp_path / "gate")),
    }
    asked = [case(pictures[0])]

    def answers(place: str, given) -> list[dict]:
        return told(build(given, kind, tmp_path / place, gate=given["cola"], gate_threshold=0.0).judge(asked))

    safe = answers("safe", models)
    assert answers("pickled", twins) == safe
    never = evolve(loading.WEIGHTS, load=lambda *_, **__: pytest.fail("a pickle was read again"))
    monkeypatch.setattr(loading, "WEIGHTS", never)
    assert answers("again", twins) == safe


@pytest.mark.parametrize("option", ["model", "gate"])
def test_a_pickle_that_would_run_code_is_refused(option: str, models, pictures, tmp_path: Path) -> None:
    kind = {"model": "vilt", "gate": "cola"}[option]
    bad = hostile(models[kind], tmp_path / "bad", tmp_path / "harm")
    judge = build(models, "vilt", tmp_path / "run", **{option: str(bad)})
    with pytest.raises(StageError, match=rf"{option}: '.*pytorch_model.bin' holds more than tensors, .* it asks for"):
        judge.judge([case(pictures[0])])
    assert not (tmp_path / "harm").exists()


def test_a_question_that_has_its_prompt_in_it_goes_to_the_gate_as_it_is(
    models, pictures, tmp_path: Path, monkeypatch
) -> None:
    """As published: the gate read what stands around a question as well."""
    seen: dict[str, list[str]] = {"gate": [], "model": []}

    def classify(_, questions):
        seen["gate"] += [one.text for one in questions]
        return [1.0 for _ in questions]

    def answer(_, questions):
        seen["model"] += [text for _, text in questions]
        return [{"answer": "yes", "yes": 1.0} for _ in questions]

    monkeypatch.setattr("pairsmith_vqa.gate.Gate._classify", classify)
    monkeypatch.setattr("pairsmith_vqa.models.Blip.answer", answer)
    whole = "Question: Is the {object} {attribute}? Short answer:"
    options = {"aspects": ("attribute",), "gate": models["cola"], "questions": {"attribute": whole}, "prompt": "{}"}
    judge = build(models, "blip", tmp_path / "run", **options)
    ((verdict, *_),) = judge.judge([case(pictures[0], claims=[CLAIMS[0]])])
    assert seen["gate"] == seen["model"] == ["Question: Is the dog brown? Short answer:"]
    assert "sentence" not in verdict.evidence


def test_claims_without_data_are_skipped(models, pictures, tmp_path: Path) -> None:
    judge = build(models, "blip", tmp_path / "run")
    ((verdict,),) = judge.judge([case(pictures[0], claims=[("attribute", {"object": "dog"})])])
    assert verdict.outcome == "skipped"
    assert verdict.reason == "the claim's data lack what the question 'Is the {object} {attribute}?' names"
    assert judge.answers.calls == 0


def test_a_model_without_words_for_yes_cannot_give_its_probability(
    models, pictures, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr("pairsmith_vqa.models.first_tokens", lambda _: ([], []))
    assert told(build(models, "blip", tmp_path / "run").judge([case(pictures[0])]))[0]["yes"] is None
    with pytest.raises(StageError, match="has no words of its own for yes and no; set answer = 'generated'"):
        build(models, "blip", tmp_path / "run", answer="p-yes").judge([case(pictures[0])])


def test_bad_images_are_refused(models, pictures, tmp_path: Path) -> None:
    with pytest.raises(StageError, match="is 40 x 48, more than max_pixels = 100; it was not decoded"):
        build(models, "blip", tmp_path / "run", max_pixels=100).judge([case(pictures[0])])
    two = case(pictures[0])
    images = (Image(path=pictures[0]), Image(path=pictures[1]))
    with pytest.raises(StageError, match="sample 's0' has 2 images; this judge looks at samples of one image"):
        build(models, "blip", tmp_path / "run").judge([evolve(two, sample=evolve(two.sample, images=images))])


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"questions": {"colour": "?"}}, "'questions' has no aspect 'colour'; there are object,"),
        (
            {"questions": {"attribute": "Is {thing} red?"}},
            r"\{thing\} is no part of such a claim; there is \{attribute\}, \{object\}",
        ),
        ({"questions": {"attribute": "Is it red?"}}, "it names nothing of the claim"),
        ({"questions": {"attribute": "Is {object"}}, "a bracket is not closed"),
        ({"prompt": "Question:"}, r"'prompt' must hold '\{\}' once"),
        ({"threshold": 2.0}, "threshold"),
    ],
)
def test_bad_options_are_said_in_a_sentence(table, words: str) -> None:
    with pytest.raises(OptionsError, match=words):
        read(table, VqaOptions, "judges[0]")


def test_what_it_needs(models) -> None:
    both = needs(VqaOptions(gate="textattack/distilbert-base-uncased-CoLA"))
    assert both.downloads == {
        "Salesforce/blip2-flan-t5-xl": 3_940_000_000 * 4,
        "textattack/distilbert-base-uncased-CoLA": 67_000_000 * 4 * 2,  # a pickle, and what is made of it
    }
    assert both.device_bytes == (3_940_000_000 + 67_000_000) * 2
    assert needs(VqaOptions(dtype="float32")).device_bytes == 3_940_000_000 * 4
    own = needs(VqaOptions(model=models["blip"], dtype="float32"))
    assert own.downloads == {}
    assert own.device_bytes == pytest.approx(Path(models["blip"], "model.safetensors").stat().st_size, rel=0.2)


def test_a_model_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StageError, match="use = 'vqa': model = '/no/model' is no directory"):
        build({"none": "/no/model"}, "none", tmp_path / "run")

"""Every row format: rows in, and the same rows out."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from pairsmith.errors import StageError
from pairsmith.values import Demonstration, Pair, Response, Sample, Turn, turns, user


def said(*texts: str) -> list[dict[str, str]]:
    return [{"from": ("human", "gpt")[n % 2], "value": text} for n, text in enumerate(texts)]


def chat(*texts: str) -> list[dict[str, str]]:
    return [{"role": ("user", "assistant")[n % 2], "content": text} for n, text in enumerate(texts)]


def human(text: str) -> dict[str, str]:
    return {"from": "human", "value": text}


def gpt(text: str) -> dict[str, str]:
    return {"from": "gpt", "value": text}


def nested(question: str, chosen: str, rejected: str, **more: Any) -> str:
    return json.dumps({"question": question, "chosen": chosen, "rejected": rejected}, **more)


RATED = {
    **{f"{name}_gpt4v": 4 for name in ("Helpfulness", "Correctness", "Coherence")},
    **{f"{name}_candidate": 2 for name in ("Helpfulness", "Correctness", "Coherence")},
    "Sum_of_helpfulness_correctness_coherence_gpt4v": 12,
    "ref_win_logp": -104.25,
    "ref_rej_per_token_logp": [-0.5, -1.0],
}
RATING = {
    "Helpfulness": {"Rating": "4", "Rationale": "Good."},
    "Visual Faithfulness": {"Rating": "N/A", "Rationale": ""},
}

ROWS: dict[str, list[Any]] = {
    "llava-preferences": [
        {"id": "a", "image": "images/a.jpg", "conversations": said("<image> Q?", "Yes."),
         "rejected_conversations": said("<image> Q?", "No.")},
        {"id": 7, "image": ["images/a.jpg", "b.png"], "conversations": said("Is <image>\nor <image>?", "A", "Why?", "B"),
         "rejected_conversations": said("Is <image>\nor <image>?", "A", "Why?", ""), "score": 1.0, "n": None},
        {"id": "c", "conversations": [{"from": "system", "value": "Be <context> brief."}, *said("Q?", "Yes.")],
         "rejected_conversations": said("Other?", "No.")},
    ],
    "llava": [
        {"id": "a", "image": "images/a.jpg", "conversations": said("<image>\nQ?", "One.", "And?", "Two.")},
        {"image": "b.png", "conversations": said("Q?\n<image>", "One."), "Sum": 12, "attributes_string": "Helpfulness:4"},
        {"image": "b.png", "conversations": said("<image>\nQ?\nPlease answer so.\nHelpfulness:4,Verbosity:2", "One.")},
        {"conversations": said("Q?", "One.")},
    ],
    "mllm-dpo": [
        {"image": "images/a.jpg", "question": human("<image>\nQ?"), "chosen": gpt("Yes."), "rejected": gpt("No."), **RATED},
        {"image": "b.png", "question": human("Q <image>?"), "chosen": gpt("Yes."), "rejected": gpt("No."), "": 4},
        {"question": str(human("It's?")), "chosen": gpt("Yes."), "rejected": gpt("No.")},
        {"image": "b.png", "question": None, "chosen": said("<image>\nQ?", "A", "Why?", "B"),
         "rejected": said("<image>\nQ?", "A", "Why?", "C")},
        {"question": said("Q?", "A", "Why?"), "chosen": gpt("Yes."), "rejected": gpt("No.")},
    ],
    "mcm-dpo": [
        {"ds_name": "t", "idx": 58, "image": {"path": "b.png"}, "image_path": "b.png", "origin_split": "{}",
         "text": nested("Give alt-text.Context:\nAt the sea 🍋\nContext:\nmore", "A", "B", ensure_ascii=False)},
        {"idx": 59, "image": {"path": "b.png"}, "text": nested("Give alt-text.\nContext:\ncafé", "A", "B"), "question": "x"},
        {"idx": 60, "image_path": "b.png", "text": nested("Give <context>. Context:\n", "A", "B", indent=1)},
        {"idx": 61, "image_path": "b.png", "question": "Give alt-text.\nContext:\npost", "chosen": "A"},
    ],
    "rlhf-v": [
        {"idx": 0, "ds_name": "d", "image": {"path": "b.png"}, "text": nested("Q?", "Yes.", "No.", ensure_ascii=False),
         "origin_dataset": "o", "origin_split": '{"model": "m"}', "image_path": "b.png"},
        {"idx": 1, "image": "images/a.jpg", "text": {"question": "Q?", "chosen": "é", "rejected": "No."}},
    ],
    "rlaif-v": [
        {"idx": "0", "image": {"path": "b.png"}, "question": "Q?", "chosen": "Yes.", "rejected": "No.", "image_path": "b.png"},
        {"idx": 1, "image_path": "images/a.jpg", "question": "Q <context>?", "chosen": "Yes.", "rejected": "No."},
    ],
    "vlfeedback": [
        {"id": "LRV-1", "prompt": "Q?", "image": "images/a.jpg", "models": ["a", "b"], "completions": [
            {"idx": 0, "model": "a", "response": "Yes.", "annotations": RATING},
            {"idx": 1, "model": "b", "response": "No.", "annotations": {}}]},
        {"id": "LRV-2", "prompt": "Q?", "image": {"path": "b.png"}, "completions": {
            "model": ["a", "b"], "response": ["Yes.", "No."],
            "annotations": {"Helpfulness": {"Rating": ["1", "5"], "Rationale": ["", "x"]}}}},
    ],
    "trl": [
        {"prompt": chat("Q?"), "chosen": chat("", "Yes.")[1:], "rejected": chat("", "No.")[1:], "images": ["images/a.jpg"]},
        {"prompt": [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "Q?"}]}],
         "chosen": [{"role": "assistant", "content": [{"type": "text", "text": "Yes."}]}],
         "rejected": [{"role": "assistant", "content": [{"type": "text", "text": "No."}]}], "images": ["b.png"], "id": 3},
        {"chosen": chat("Q?", "Yes."), "rejected": chat("Q?", "No."), "score_chosen": 9.5},
        {"prompt": "Q?", "chosen": "Yes.", "rejected": "No."},
        {"prompt": chat("Q?"), "completion": chat("", "Yes.")[1:], "images": ["b.png"]},
        {"messages": chat("Q?", "Yes."), "images": []},
    ],
    "trl-plain": [
        {"prompt": "<image>\nQ?", "chosen": "Yes.", "rejected": "No.", "images": ["images/a.jpg"]},
        {"prompt": "Q?", "chosen": "Yes.", "rejected": "No.", "images": ["images/a.jpg", "b.png"]},
        {"prompt": "Q?", "completion": "Yes."},
    ],
    "llama-factory": [
        {"conversations": said("<image>Q?", "A", "Why?"), "chosen": gpt("Yes."), "rejected": gpt("No."),
         "images": ["images/a.jpg"]},
        {"conversations": said("Q?"), "chosen": gpt("Yes."), "rejected": gpt("No."), "system": "Be brief.", "tools": ""},
        {"messages": chat("<image>Q?"), "chosen": chat("", "Yes.")[1], "rejected": chat("", "No.")[1], "images": ["b.png"]},
        {"conversations": said("<image>\nQ?", "Yes."), "images": ["b.png"]},
    ],
    "ms-swift": [
        {"messages": chat("<image>Q?", "Yes."), "rejected_response": "No.", "images": ["images/a.jpg"]},
        {"messages": [{"role": "system", "content": "s"}, *chat("Q?", "Yes.")], "rejected_response": "No.", "margin": 0.5},
        {"messages": chat("<image>Q?", "Yes."), "images": ["b.png"], "rejected_messages": chat("<image>Other?", "No."),
         "rejected_images": ["b.png"]},
        {"messages": chat("Q?", "Yes."), "images": "b.png"},
    ],
}  # fmt: skip
MIXED = {"trl", "trl-plain", "llama-factory", "ms-swift", "mcm-dpo"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "data"
    (made / "images").mkdir(parents=True)
    (made / "images" / "a.jpg").write_bytes(b"\xff\xd8\xff picture a")
    (made / "b.png").write_bytes(b"\x89PNG picture b")
    return made


def write(folder: Path, *rows: Any) -> Path:
    path = folder / "rows.json"
    path.write_text(json.dumps(rows), encoding="utf-8")
    return path


def read(formats: Any, form: str, folder: Path, *rows: Any, **options: Any) -> list[Sample]:
    return list(formats.source(form, write(folder, *rows), **options).samples())


@pytest.mark.parametrize("form", ROWS)
def test_rows_go_out_as_they_came_in(formats: Any, form: str, folder: Path, tmp_path: Path) -> None:
    rows = copy.deepcopy(ROWS[form])
    samples = read(formats, form, folder, *rows)
    assert len(samples) == len(rows)
    path = formats.through(form, samples, tmp_path / "out")[0]
    assert formats.rows(path) == rows
    again = list(formats.source(form, path).samples())
    assert [evolve(one, images=()) for one in again] == [evolve(one, images=()) for one in samples]
    for one, other in zip(again, samples, strict=True):
        assert [image.path.read_bytes() for image in one.images] == [image.path.read_bytes() for image in other.images]


@pytest.mark.parametrize("form", ROWS)
@pytest.mark.parametrize("names", ["hash", "sample"])
def test_values_survive_where_images_are_renamed(
    formats: Any, form: str, names: str, folder: Path, tmp_path: Path
) -> None:
    samples = read(formats, form, folder, *ROWS[form])
    path = formats.through(form, samples, tmp_path / "out", image_names=names)[0]
    again = list(formats.source(form, path).samples())
    assert [(one.id, one.prompt, one.context, one.given) for one in again] == [
        (one.id, one.prompt, one.context, one.given) for one in samples
    ]
    for one, other in zip(again, samples, strict=True):
        assert [image.path.read_bytes() for image in one.images] == [image.path.read_bytes() for image in other.images]


@pytest.mark.parametrize("form", ROWS)
def test_what_a_stage_has_changed_stays_changed(formats: Any, form: str, folder: Path, tmp_path: Path) -> None:
    if form == "vlfeedback":
        pytest.skip("it writes samples with all their answers")
    (sample, *_) = read(formats, form, folder, *ROWS[form])
    value = formats.value(sample)
    value = evolve(value, chosen=evolve(value.chosen, text="Shorter."))
    (path, *_) = formats.export(form, formats.View([value]), tmp_path / "out")
    (again,) = formats.source(form, path).samples()
    assert again.given[0].text == "Shorter."
    assert again.given[1:] == sample.given[1:]
    assert turns(again, again.given[0]) == turns(sample, sample.given[0])


@pytest.mark.parametrize("form", ROWS)
@pytest.mark.parametrize("other", ROWS)
def test_any_format_becomes_any_other_that_can_hold_it(
    formats: Any, form: str, other: str, folder: Path, tmp_path: Path
) -> None:
    (sample, *_) = read(formats, form, folder, *ROWS[form])
    if len(sample.given) == 1 and other not in {"llava", "vlfeedback", *MIXED}:
        with pytest.raises(
            StageError, match=f"is a demonstration and has no rejected answer; {other} holds pairs only"
        ):
            formats.through(other, [sample], tmp_path / "out")
        return
    if len(sample.given) > 1 and other == "llava":
        with pytest.raises(StageError, match="is a pair, and llava holds one answer a row"):
            formats.through(other, [sample], tmp_path / "out")
        return
    if other in {"rlhf-v", "rlaif-v", "mcm-dpo", "trl-plain", "vlfeedback"} and len(sample.prompt) > 1:
        with pytest.raises(StageError, match="turns before its answer"):
            formats.through(other, [sample], tmp_path / "out")
        return
    (path, *_) = formats.through(other, [sample], tmp_path / "out")
    (again,) = formats.source(other, path).samples()
    for one, before in zip(again.given, sample.given, strict=True):
        assert (one.text, turns(again, one)) == (before.text, turns(sample, before))
    assert [image.path.read_bytes() for image in again.images] == [image.path.read_bytes() for image in sample.images]


def test_a_pair_of_two_prompts_needs_a_place_for_both(formats: Any, tmp_path: Path) -> None:
    sample = Sample(id="s", prompt=user("Q?"))
    chosen = Response(id="s/0", sample_id="s", text="Yes.")
    rejected = Response(id="s/1", sample_id="s", text="No.", prompt=user("Other?"))
    pair = Pair(id="p", sample=sample, chosen=chosen, rejected=rejected)
    for form in ("trl", "llama-factory", "rlhf-v", "rlaif-v", "mcm-dpo", "trl-plain"):
        with pytest.raises(StageError, match="'s': its two answers belong to different prompts, and a row of") as error:
            formats.export(form, formats.View([pair]), tmp_path / form)
        assert "\n" not in str(error.value)
    for form in ("llava-preferences", "ms-swift", "mllm-dpo"):
        (path, *_) = formats.export(form, formats.View([pair]), tmp_path / form)
        (again,) = formats.source(form, path).samples()
        assert [turns(again, one) for one in again.given] == [user("Q?"), user("Other?")]


def test_several_images_need_a_place_for_them(formats: Any, folder: Path, tmp_path: Path) -> None:
    sample = read(formats, "llava-preferences", folder, ROWS["llava-preferences"][1])[0]
    sample = evolve(sample, prompt=user("Q?"), given=tuple(evolve(one, prompt=()) for one in sample.given))
    for form in ("rlhf-v", "rlaif-v", "mcm-dpo"):
        with pytest.raises(StageError, match=f"'7' has 2 images, and a row of {form} has one"):
            formats.through(form, [sample], tmp_path / form)


def test_the_post_of_an_alt_text_is_the_context(formats: Any, folder: Path) -> None:
    first, second, third, fourth = read(formats, "mcm-dpo", folder, *ROWS["mcm-dpo"])
    assert first.context == "At the sea 🍋\nContext:\nmore"
    assert first.prompt == user("Give alt-text.Context:\n<context>")
    assert second.context == "café"
    assert turns(third) == user("Give <context>. Context:\n")
    assert [(one.text, one.label) for one in fourth.given] == [("A", "chosen")]


def test_a_column_of_the_system_comes_first(formats: Any, folder: Path) -> None:
    sample = read(formats, "llama-factory", folder, ROWS["llama-factory"][1])[0]
    assert sample.prompt == (Turn(role="system", text="Be brief."), Turn(role="user", text="Q?"))


def test_ratings_are_kept_by_answer(formats: Any, folder: Path) -> None:
    (sample,) = read(formats, "mllm-dpo", folder, ROWS["mllm-dpo"][0])
    assert sample.extra["ratings"]["0"] == {"Helpfulness": 4.0, "Correctness": 4.0, "Coherence": 4.0}
    assert sample.extra["ratings"]["1"] == {"Helpfulness": 2.0, "Correctness": 2.0, "Coherence": 2.0}
    first, second = read(formats, "vlfeedback", folder, *ROWS["vlfeedback"])
    assert first.extra["ratings"] == {"0": {"Helpfulness": 4.0}}
    assert second.extra["ratings"] == {"0": {"Helpfulness": 1.0}, "1": {"Helpfulness": 5.0}}
    assert [(one.model, one.text, one.label) for one in second.given] == [("a", "Yes.", ""), ("b", "No.", "")]


def test_llama_factory_is_told_what_the_file_is(formats: Any, folder: Path, tmp_path: Path) -> None:
    samples = read(formats, "llama-factory", folder, *ROWS["llama-factory"])
    formats.through("llama-factory", samples[:3], tmp_path / "pairs")
    assert json.loads((tmp_path / "pairs" / "dataset_info.json").read_text()) == {
        "pairsmith": {
            "file_name": "pairs.json",
            "formatting": "sharegpt",
            "ranking": True,
            "columns": {
                "messages": "conversations", "images": "images", "chosen": "chosen", "rejected": "rejected"
            },
        }
    }  # fmt: skip
    formats.through("llama-factory", samples[3:], tmp_path / "one")
    info = json.loads((tmp_path / "one" / "dataset_info.json").read_text())["pairsmith"]
    assert "ranking" not in info
    assert set(info["columns"]) == {"messages", "images"}
    assert list(formats.source("llama-factory", tmp_path / "pairs").samples())


def test_scores_of_judges_become_ratings(formats: Any, tmp_path: Path) -> None:
    from pairsmith.values import Judged, Verdict

    sample = Sample(id="s", prompt=user("Q?"))
    answers = tuple(Response(id=f"s/{n}", sample_id="s", text=f"A{n}", model="m") for n in range(2))
    verdicts = tuple(Verdict(judge="clip", response_id=one.id, score=n / 2) for n, one in enumerate(answers))
    judged = Judged(sample=sample, responses=answers, verdicts=verdicts)
    (path, *_) = formats.export("vlfeedback", formats.View(samples=[judged]), tmp_path / "out")
    (row,) = formats.rows(path)
    assert [one["annotations"]["clip"]["Rating"] for one in row["completions"]] == [0.0, 0.5]
    (again,) = formats.source("vlfeedback", path).samples()
    assert again.extra["ratings"] == {"0": {"clip": 0.0}, "1": {"clip": 0.5}}


def test_two_pairs_of_a_sample_keep_ids_of_their_own(formats: Any, tmp_path: Path) -> None:
    sample = Sample(id="s", prompt=user("Q?"))
    one, two, three = (Response(id=f"s/{n}", sample_id="s", text=f"A{n}") for n in range(3))
    pairs = [
        Pair(id="s:1", sample=sample, chosen=one, rejected=two),
        Pair(id="s:2", sample=sample, chosen=one, rejected=three),
    ]
    (path, *_) = formats.export("llava-preferences", formats.View(pairs), tmp_path / "out")
    assert [row["id"] for row in formats.rows(path)] == ["s", "s:2"]


def test_nothing_is_written_of_nothing(formats: Any, tmp_path: Path) -> None:
    for form in ROWS:
        (path, *_) = formats.export(form, formats.View(), tmp_path / form)
        assert formats.rows(path) == []


def test_a_card_says_where_the_rows_are_from(formats: Any, tmp_path: Path) -> None:
    sample = Sample(id="s", prompt=user("Q?"))
    demonstration = Demonstration(id="d", sample=sample, chosen=Response(id="s/0", sample_id="s", text="A"))
    files = formats.export("trl", formats.View([demonstration]), tmp_path / "out", licence="apache-2.0")
    text = files[-1].read_text()
    assert text.startswith("---\nlicense: apache-2.0\n")
    assert "    path: train.jsonl\n" in text
    assert "1 rows in the format `trl`" in text
    assert "Stage `train-pairs`: 3 selected, 2 kept." in text
    assert not (tmp_path / "out" / "images").exists()
    files = formats.export("trl", formats.View([demonstration]), tmp_path / "bare", card=False)
    assert [path.name for path in files] == ["train.jsonl"]


def test_candidates_and_winners_have_names_that_can_be_read(formats: Any, tmp_path: Path) -> None:
    from pairsmith.values import Judged

    pictures = [formats.run.images.add_bytes(f"picture {n}".encode(), ".png") for n in range(3)]
    first = Sample(id="art/1", prompt=user("A vase"), images=(pictures[1],), candidates=tuple(pictures))
    second = Sample(id="2", prompt=user("A cat"), images=(pictures[0],))
    judged = [Judged(sample=sample, responses=()) for sample in (first, second)]
    files = formats.export("images", formats.View(samples=judged), tmp_path / "out")
    assert [path.name for path in files] == ["images.jsonl", "images", "candidates"]
    rows = formats.rows(files[0])
    assert rows[0] == {
        "id": "art/1",
        "prompt": [{"role": "user", "text": "A vase"}],
        "images": ["images/art-1.png"],
        "candidates": ["candidates/art-1-1.png", "candidates/art-1-2.png", "candidates/art-1-3.png"],
        "kept": [2],
    }
    assert rows[1]["images"] == ["images/2.png"]
    assert (tmp_path / "out" / "images" / "art-1.png").read_bytes() == b"picture 1"
    assert (tmp_path / "out" / "candidates" / "art-1-3.png").read_bytes() == b"picture 2"

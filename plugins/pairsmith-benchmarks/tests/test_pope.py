"""POPE: reading, formulas worked by hand, published files, and questions built here."""

import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pairsmith.errors import StageError
from pairsmith.interfaces import Run
from pairsmith_benchmarks.options import PopeOptions
from pairsmith_benchmarks.pope import Pope, rates, score
from pairsmith_benchmarks.pope_questions import question, questions_about
from pairsmith_benchmarks.scenes import Scene
from pairsmith_benchmarks.yesno import first_word, published


@pytest.mark.parametrize(
    ("text", "by_rule", "by_word"),
    [
        ("Yes", "yes", "yes"),
        ("No, there is no cat.", "no", "no"),
        ("Yes. There is no doubt.", "yes", "yes"),
        ("There is no cat.", "no", "unclear"),
        ("The image does not show one.", "no", "unclear"),
        ("NO", "yes", "no"),
        ("no\nThere", "yes", "no"),
        ("I think so", "yes", "unclear"),
        ("Nobody", "yes", "unclear"),
        ("No.", "no", "no"),
        ("**No**", "yes", "no"),
    ],
)
def test_answers_are_read(text: str, by_rule: str, by_word: str) -> None:
    assert published(text) == by_rule
    assert first_word(text) == by_word


def labelled(split: str, label: str, reads: list[str]) -> list[dict[str, Any]]:
    return [{"split": split, "label": label, "read": read, "unclear": False} for read in reads]


def test_the_formulas_by_hand() -> None:
    # true 3, missed 1, false 2, right 4: accuracy 7/10, precision 3/5, recall 3/4, F1 2*3/(2*3+2+1), yes 5/10
    records = labelled("random", "yes", ["yes"] * 3 + ["no"]) + labelled("random", "no", ["yes"] * 2 + ["no"] * 4)
    found = rates(records)
    assert found["random_accuracy"] == pytest.approx(70)
    assert found["random_precision"] == pytest.approx(60)
    assert found["random_recall"] == pytest.approx(75)
    assert found["random_f1"] == pytest.approx(200 / 3)
    assert found["random_yes_ratio"] == pytest.approx(50)
    assert "mean_accuracy" not in found


def test_the_mean_is_over_the_kinds() -> None:
    records = labelled("random", "yes", ["yes"] * 4) + labelled("popular", "yes", ["yes", "no"])
    found = rates(records)
    assert found["mean_accuracy"] == pytest.approx((100 + 50) / 2)
    assert found["mean_f1"] == pytest.approx((100 + 200 / 3) / 2)


def test_shares_of_nothing_are_left_out(asked: Callable[..., Any]) -> None:
    items = asked({"split": "random", "label": "no"}, {"split": "random", "label": "no"})
    metrics = score(items, [("1", "No"), ("2", "No")]).metrics
    assert metrics["random_accuracy"] == 100
    assert not {"random_precision", "random_recall", "random_f1"} & set(metrics)


def test_unclear_answers_are_counted_and_with_the_first_word_left_out(asked: Callable[..., Any]) -> None:
    items = asked(*[{"split": "random", "label": "yes"}] * 2)
    answers = [("1", "No"), ("2", "I see one")]
    ruled, strict = score(items, answers), score(items, answers, reading="first-word")
    assert ruled.metrics["random_accuracy"] == 50
    assert ruled.metrics["unclear"] == 1
    assert strict.metrics["random_accuracy[first-word]"] == 0
    assert strict.metrics["unclear[first-word]"] == 1
    assert "random_accuracy" not in strict.metrics
    assert "random_yes_ratio" in ruled.neutral
    assert "random_yes_ratio[first-word]" in strict.neutral


def test_published_files(tmp_path: Path, run: Run, folders: SimpleNamespace) -> None:
    options = folders.pope(tmp_path)
    pope = Pope(PopeOptions(questions=Path(options["questions"]), images=Path(options["images"])), run)
    samples = list(pope.samples())
    assert [one.id for one in samples] == [
        f"{split}/{n}" for split in ("random", "popular", "adversarial") for n in (1, 2)
    ]
    assert samples[0].prompt[0].text == "Is there a cat in the image?"
    assert samples[1].truth == {"split": "random", "label": "no"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda file: file.unlink(),
            r"must hold one file '\*_pope_popular.json': there is none; download .*AoiDragon/POPE",
        ),
        (
            lambda file: file.with_name("x_pope_popular.json").write_text("{}"),
            "coco_pope_popular.json, x_pope_popular.json",
        ),
        (
            lambda file: file.write_text('{"question_id": 1, "image": "1.jpg", "text": "A?", "label": "maybe"}\n'),
            "row 1 .*'maybe'",
        ),
        (
            lambda file: file.write_text('{"question_id": 1, "image": "../1.jpg", "text": "A?", "label": "no"}\n'),
            r"outside its folder: '\.\./1.jpg'",
        ),
        (lambda file: file.write_text(file.read_text()[:-30]), "row 2 .* is not JSON"),
        (lambda file: file.write_text(file.read_text() * 2), "two items have the id 'popular/1'"),
    ],
)
def test_bad_files_are_named(
    tmp_path: Path, run: Run, folders: SimpleNamespace, change: Callable[[Path], Any], message: str
) -> None:
    options = folders.pope(tmp_path)
    change(tmp_path / "coco" / "coco_pope_popular.json")
    pope = Pope(PopeOptions(questions=Path(options["questions"]), images=Path(options["images"])), run)
    with pytest.raises(StageError, match=message):
        pope.items()


def test_one_source_of_questions() -> None:
    with pytest.raises(ValueError, match="give one of 'questions' and 'objects': there is neither"):
        PopeOptions(images=Path())


SCENES = [
    Scene(image="1", objects=("person", "cat", "sofa")),
    Scene(image="2", objects=("person", "dog", "ball")),
    Scene(image="3", objects=("person", "dog", "car")),
    Scene(image="4", objects=("cat", "sofa", "tv")),
]


def asked_of(split: str, image: str) -> list[tuple[str, str]]:
    items = questions_about(SCENES, split, per_image=2, images=None)
    return [(item.truth["object"], item.truth["label"]) for item in items if item.image == image]


def test_popular_objects_by_hand() -> None:
    # person 3, cat 2, sofa 2, dog 2, then ball, car, tv: of image 1 the first that is not in it is the dog, then the ball
    assert asked_of("popular", "1") == [("person", "yes"), ("dog", "no"), ("cat", "yes"), ("ball", "no")]
    assert asked_of("popular", "4") == [("cat", "yes"), ("person", "no"), ("sofa", "yes"), ("dog", "no")]


def test_adversarial_objects_by_hand() -> None:
    # With the person: dog 2, cat, sofa, ball, car 1. With the cat: sofa 2, person, tv 1.
    assert asked_of("adversarial", "1") == [("person", "yes"), ("dog", "no"), ("cat", "yes"), ("tv", "no")]
    # With the dog: person 2, ball, car. In image 2 the car is left of the dog's, after the cat of the person's.
    assert asked_of("adversarial", "2") == [("person", "yes"), ("cat", "no"), ("dog", "yes"), ("car", "no")]


def test_random_objects_are_never_there_and_asked_once() -> None:
    items = questions_about(SCENES, "random", per_image=2, images=None, seed=3)
    assert items == questions_about(SCENES, "random", per_image=2, images=None, seed=3)
    assert items != questions_about(SCENES, "random", per_image=2, images=None, seed=4)
    objects = {scene.image: scene.objects for scene in SCENES}
    for item in items:
        assert (item.truth["object"] in objects[item.image]) == (item.truth["label"] == "yes")
    assert max(Counter((item.image, item.truth["object"]) for item in items).values()) == 1
    assert Counter(item.truth["label"] for item in items) == {"yes": 8, "no": 8}


def test_too_few_objects_or_images() -> None:
    with pytest.raises(
        StageError, match="4 of 4 images have 3 or more different objects, fewer than the sample of 500"
    ):
        questions_about(SCENES, "random")
    with pytest.raises(StageError, match="no object is left that is not in '1'"):
        questions_about(SCENES[:1], "random", images=None)


def test_questions_from_rows_and_from_coco(tmp_path: Path, run: Run, folders: SimpleNamespace) -> None:
    images = folders.pictures(tmp_path / "images", *(f"{n}.jpg" for n in range(1, 5)))
    objects = [(int(scene.image), list(scene.objects)) for scene in SCENES]
    rows = [{"image": f"{one}.jpg", "objects": some} for one, some in objects]
    as_rows = folders.lines(tmp_path / "rows.jsonl", rows)
    as_coco = folders.whole(tmp_path / "instances.json", folders.instances(*objects))
    made = [
        Pope(PopeOptions(objects=path, images=images, sample=4, per_image=2), run).items()
        for path in (as_rows, as_coco)
    ]
    assert made[0] == made[1]
    assert len(made[0]) == 3 * 4 * 4


def test_rows_of_objects_that_are_none(tmp_path: Path, run: Run) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({"image": "1.jpg", "objects": "cat"}))
    with pytest.raises(StageError, match=re.escape("must have an array of names 'objects': 'cat'")):
        Pope(PopeOptions(objects=path, images=tmp_path), run).items()


def test_articles() -> None:
    assert question("orange") == "Is there an orange in the image?"
    assert question("banana") == "Is there a banana in the image?"

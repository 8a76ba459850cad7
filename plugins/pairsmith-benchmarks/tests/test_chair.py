"""CHAIR: what a text mentions, the formulas worked by hand, and COCO's files."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pairsmith.errors import StageError
from pairsmith.interfaces import Run
from pairsmith_benchmarks.chair import Chair, score
from pairsmith_benchmarks.mentions import lexicon
from pairsmith_benchmarks.options import ChairOptions

COCO = """person bicycle car motorcycle airplane bus train truck boat traffic_light fire_hydrant stop_sign parking_meter
bench bird cat dog horse sheep cow elephant bear zebra giraffe backpack umbrella handbag tie suitcase frisbee skis
snowboard sports_ball kite baseball_bat baseball_glove skateboard surfboard tennis_racket bottle wine_glass cup fork
knife spoon bowl banana apple sandwich orange broccoli carrot hot_dog pizza donut cake chair couch potted_plant bed
dining_table toilet tv laptop mouse remote keyboard cell_phone microwave oven toaster sink refrigerator book clock vase
scissors teddy_bear hair_drier toothbrush"""


def test_the_categories_are_mscocos() -> None:
    assert set(lexicon().category.values()) == {name.replace("_", " ") for name in COCO.split()}


@pytest.mark.parametrize("name", [name.replace("_", " ") for name in COCO.split()])
def test_every_category_is_found_by_its_own_name(name: str) -> None:
    assert [one.category for one in lexicon().mentions(f"There is a {name}, I think.")] == [name]


@pytest.mark.parametrize(
    ("text", "categories"),
    [
        ("Two hot dogs and a dog", ["hot dog", "dog"]),
        ("The weather is hot, dogs sleep", ["dog"]),
        ("A baby bird next to a baby", ["bird", "person"]),
        ("adult elephants", ["elephant"]),
        ("A passenger train and its passengers", ["train", "person"]),
        ("A passenger jet", ["airplane"]),
        ("He wears a bow tie", ["tie"]),
        ("The toilet seat is up", ["toilet"]),
        ("The seat of the toilet", ["toilet"]),
        ("Take a seat", ["chair"]),
        ("wine glasses and glasses", ["wine glass"]),
        ("Teddy bears and bears", ["teddy bear", "bear"]),
        ("traffic lights, stop signs", ["traffic light", "stop sign"]),
        ("street lights", []),
        ("cell phones; his phone", ["cell phone", "cell phone"]),
        ("Knives, benches, buses, puppies", ["knife", "bench", "bus", "dog"]),
        ("People, men, women and children", ["person"] * 4),
        ("mice on skis", ["mouse", "skis"]),
        ("The dog's bowl", ["dog", "bowl"]),
        ("The home plate", []),
        ("a hot", []),
        ("dining tables", ["dining table"]),
        ("A cat and a cat", ["cat", "cat"]),
        ("TV sets", ["tv"]),
        ("potted plants", ["potted plant"]),
        ("Scissors!", ["scissors"]),
        ("A couple of bowls of grilled chicken to cook", ["bowl"]),
        ("", []),
    ],
)
def test_rules_of_mentions(text: str, categories: list[str]) -> None:
    assert [one.category for one in lexicon().mentions(text)] == categories


def test_the_formulas_by_hand(asked: Callable[..., Any]) -> None:
    items = asked({"objects": ["cat", "couch"]}, {"objects": ["person", "tv", "vase"]}, {"objects": ["dog"]})
    answers = [
        ("1", "A cat and two dogs on the sofa. The dogs sleep."),  # cat, dog, couch, dog: two false; 11 words
        ("2", "A man watches TV."),  # person, tv; 4 words
        ("3", "Nothing."),  # nothing; 1 word
    ]
    scores = score(items, answers)
    assert scores.metrics["chair_i"] == pytest.approx(100 * 2 / 6)
    assert scores.metrics["chair_s"] == pytest.approx(100 * 1 / 3)
    assert scores.metrics["recall"] == pytest.approx(100 * (2 + 2 + 0) / (2 + 3 + 1))
    assert scores.metrics["length"] == pytest.approx(16 / 3)
    assert scores.items[0]["false"] == ["dog", "dog"]
    assert set(scores.lower_is_better) == {"chair_i", "chair_s", "empty"}
    assert {"length", "scored"} <= set(scores.neutral)


def build(folder: dict[str, str], run: Run, **changes: Any) -> Chair:
    return Chair(ChairOptions(annotations=Path(folder["annotations"]), images=Path(folder["images"]), **changes), run)


def test_what_is_in_an_image_is_outlined_or_named(tmp_path: Path, run: Run, folders: SimpleNamespace) -> None:
    items = build(folders.chair(tmp_path), run, sample=2).items()
    assert {item.id: item.truth["objects"] for item in items} == {"1": ["cat", "couch"], "2": ["person", "tv"]}


def test_images_are_drawn_or_listed(tmp_path: Path, run: Run, folders: SimpleNamespace) -> None:
    folder = folders.chair(tmp_path)
    drawn = [build(folder, run, sample=1, seed=seed).items()[0].id for seed in range(20)]
    assert set(drawn) == {"1", "2"}
    listed = folders.lines(tmp_path / "list.jsonl", [{"image_id": 2}, {"image_id": 2}])
    assert [item.id for item in build(folder, run, image_list=listed).items()] == ["2"]
    folders.lines(listed, [{"image_id": 3}])
    with pytest.raises(StageError, match=r"row 1 .* must have the 'image_id' of one of the 2 annotated images: 3"):
        build(folder, run, image_list=listed).items()
    with pytest.raises(StageError, match="sample = 500 and the annotations list 2 images"):
        build(folder, run).items()


def drop(path: Path, name: str, count: int) -> None:
    value = json.loads(path.read_text())
    value[name] = value[name][count:]
    path.write_text(json.dumps(value))


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        (
            "captions",
            lambda path: path.unlink(),
            "has no 'captions_val2014.json'; download .* in annotations_trainval2014.zip",
        ),
        ("instances", lambda path: path.unlink(), "has no 'instances_val2014.json'"),
        ("captions", lambda path: path.write_text(path.read_text()[:-9]), "captions_val2014.json' is not whole"),
        ("captions", lambda path: drop(path, "annotations", 2), "has no caption of 1 of 2 images, such as '1.jpg'"),
        ("instances", lambda path: drop(path, "images", 1), "annotates 1 images that it does not list, such as 1"),
        ("instances", lambda path: drop(path, "categories", 1), "an entry lacks 0"),
        ("instances", lambda path: path.write_text("{}"), "it has no array 'images', 'annotations', 'categories'"),
        ("captions", lambda path: path.write_text("[1]"), "is no captions file of COCO"),
        ("captions", lambda path: path.write_bytes(b"\xff\xfe"), "captions_val2014.json' is not whole"),
    ],
)
def test_missing_and_partial_annotations_are_named(
    tmp_path: Path, run: Run, folders: SimpleNamespace, file: str, change: Callable[[Path], None], message: str
) -> None:
    folder = folders.chair(tmp_path)
    change(tmp_path / "annotations" / f"{file}_val2014.json")
    with pytest.raises(StageError, match=message):
        build(folder, run, sample=2).items()


def test_a_list_of_synonyms_of_ones_own(tmp_path: Path, asked: Callable[..., Any]) -> None:
    names = [name.replace("_", " ") for name in COCO.split()]
    path = tmp_path / "synonyms.txt"
    path.write_text("".join(f"{name}, {name} thing\n" for name in names))
    metrics = score(asked({"objects": ["dog"]}), [("1", "A puppy and a cat thing")], lexicon(path)).metrics
    assert metrics["chair_i"] == 100
    path.write_text("".join(f"{name}\n" for name in names[1:]))
    with pytest.raises(StageError, match="must have 80 lines, one a category of MSCOCO: it has 79"):
        lexicon.__wrapped__(path)
    path.write_text("".join(f"{name}, same\n" for name in names))
    with pytest.raises(StageError, match="line 2: 'same' is a word for 'person' already"):
        lexicon.__wrapped__(path)
    with pytest.raises(StageError, match="cannot be read"):
        lexicon(tmp_path / "none.txt")

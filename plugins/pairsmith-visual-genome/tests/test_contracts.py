"""Scene graphs and instances as samples with a truth."""

import json
from pathlib import Path
from typing import Any

import pytest

from pairsmith.cli import main
from pairsmith.errors import StageError
from pairsmith.interfaces import Run
from pairsmith.options import read as read_options
from pairsmith.registry import Registry
from pairsmith.testing import ImageSourceContract
from pairsmith.values import Sample, user

DOG = {
    "name": "dog",
    "x": 1,
    "y": 2,
    "w": 3,
    "h": 4,
    "attributes": ["brown"],
    "relations": [{"name": "on", "object": "2"}],
}
GQA = {
    "2407890": {"width": 640, "height": 480, "objects": {"1": DOG, "2": {"name": "grass"}}},
    "7": {"width": 64, "height": 48, "objects": {}},
    "8": {"width": 64, "height": 48, "objects": {"1": DOG}},
    "9": {"width": 64, "height": 48, "objects": {"1": DOG}},
}
GENOME = [
    {"image_id": number, "objects": [{"object_id": 1, "names": ["dog"], "x": 0, "y": 0, "w": 1, "h": 1}],
     "relationships": [{"predicate": "ON", "subject_id": 1, "object_id": 1}]}
    for number in (2, 1, 3)
]  # fmt: skip
COCO = {
    "info": {"year": 2014},
    "images": [{"id": n, "file_name": f"COCO_{n}.jpg", "width": 10, "height": 20} for n in (3, 1, 2, 4)],
    "annotations": [
        {"id": 1, "image_id": 1, "category_id": 18, "bbox": [1.5, 2, 3, 4], "segmentation": [[1, 2, 3]], "iscrowd": 0},
        {"id": 2, "image_id": 3, "category_id": 18, "bbox": [0, 0, 1, 1], "iscrowd": 1},
        {"id": 3, "image_id": 1, "category_id": 1, "bbox": [0, 0, 5, 5]},
        {"id": 4, "image_id": 4, "category_id": 1, "bbox": [0, 0, 5, 5]},
    ],
    "categories": [{"id": 1, "name": "person"}, {"id": 18, "name": "dog"}],
}
CONTENT: dict[str, Any] = {"gqa": GQA, "visual-genome": GENOME, "coco": COCO}


def make(folder: Path, form: str, content: Any = None) -> dict[str, Any]:
    (folder / "images" / "VG_100K_2").mkdir(parents=True, exist_ok=True)
    (folder / "images" / "train2014").mkdir(exist_ok=True)
    for name in (
        "VG_100K_2/2407890.jpg",
        *(f"{n}.jpg" for n in range(10)),
        *(f"train2014/COCO_{n}.jpg" for n in range(5)),
    ):
        (folder / "images" / name).write_bytes(name.encode())
    path = folder / "annotations.json"
    path.write_text(json.dumps(CONTENT[form] if content is None else content), encoding="utf-8")
    return {"path": str(path), "images": str(folder / "images")}


def source(folder: Path, form: str, content: Any = None, **options: Any) -> Any:
    component = Registry.discover().find("image_sources", f"pairsmith-visual-genome/{form}").component
    table = {**make(folder, form, content), **options}
    return component.build(read_options(table, component.options, "images"), Run(directory=folder, images=None))  # type: ignore[arg-type]


def samples(folder: Path, form: str, content: Any = None, **options: Any) -> list[Sample]:
    return list(source(folder, form, content, **options).samples())


class TestGqaContract(ImageSourceContract):
    name = "pairsmith-visual-genome/gqa"

    def make_options(self, tmp_path: Path) -> dict[str, Any]:
        return make(tmp_path / "data", "gqa")


class TestVisualGenomeContract(ImageSourceContract):
    name = "pairsmith-visual-genome/visual-genome"

    def make_options(self, tmp_path: Path) -> dict[str, Any]:
        return make(tmp_path / "data", "visual-genome")


class TestCocoContract(ImageSourceContract):
    name = "pairsmith-visual-genome/coco"

    def make_options(self, tmp_path: Path) -> dict[str, Any]:
        return make(tmp_path / "data", "coco")


def test_a_scene_graph_is_the_truth_of_its_image(tmp_path: Path) -> None:
    found = samples(tmp_path, "gqa", prompt="What is there?")
    assert [one.id for one in found] == ["2407890", "8", "9"]
    assert found[0].images[0].path == tmp_path / "images" / "VG_100K_2" / "2407890.jpg"
    assert found[0].prompt == user("What is there?")
    assert found[0].truth == {"scene_graph": GQA["2407890"]}
    assert [one.id for one in samples(tmp_path, "gqa", annotated_only=False)] == list(GQA)


def test_visual_genome_gets_its_sizes_from_another_file(tmp_path: Path) -> None:
    sizes = [{"image_id": 1, "width": 640, "height": 480, "url": "x"}, {"image_id": 2, "width": 5, "height": 6}]
    (tmp_path / "image_data.json").write_text(json.dumps(sizes))
    found = samples(tmp_path, "visual-genome", image_data=str(tmp_path / "image_data.json"))
    assert [one.id for one in found] == ["2", "1", "3"]
    assert found[1].truth["scene_graph"] == {**GENOME[1], "width": 640, "height": 480}
    assert "width" not in found[2].truth["scene_graph"]
    (tmp_path / "image_data.json").write_text('[{"image_id": 1, "width": "640", "height": 480}]')
    with pytest.raises(StageError, match="must have numbers 'image_id', 'width' and 'height'"):
        samples(tmp_path, "visual-genome", image_data=str(tmp_path / "image_data.json"))


def test_instances_find_their_image(tmp_path: Path) -> None:
    found = samples(tmp_path, "coco")
    assert [one.id for one in found] == ["3", "1", "4"]
    assert found[1].images[0].path == tmp_path / "images" / "train2014" / "COCO_1.jpg"
    assert found[1].truth == {
        "instances": {
            "width": 10,
            "height": 20,
            "annotations": [
                {"category": "dog", "bbox": [1.5, 2, 3, 4], "iscrowd": 0},
                {"category": "person", "bbox": [0, 0, 5, 5], "iscrowd": 0},
            ],
            "categories": ["dog", "person"],
        }
    }
    assert found[0].truth["instances"]["annotations"][0]["iscrowd"] == 1
    assert len(samples(tmp_path, "coco", annotated_only=False)) == 4


def test_the_order_of_the_parts_does_not_matter(tmp_path: Path) -> None:
    turned = dict(reversed(COCO.items()))
    assert samples(tmp_path, "coco", turned) == samples(tmp_path, "coco")


def test_eighty_kinds_are_known_without_their_names(tmp_path: Path) -> None:
    kinds = [{"id": n, "name": f"thing {n}"} for n in range(80)]
    (first, *_) = samples(tmp_path, "coco", {**COCO, "categories": kinds})
    assert "categories" not in first.truth["instances"]


def without(row: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {**row, **changes}


BAD: list[tuple[str, Any, str, int]] = [
    ("gqa", {**GQA, "../../etc/passwd": {"objects": {"1": DOG}}}, "image name that is no plain file name", 3),
    ("gqa", {**GQA, "x": 3}, "is not a JSON object but '3'", 3),
    ("gqa", {**GQA, "x": {"objects": {"1": 3}}}, "has 'objects' that are neither a table nor a list of objects", 3),
    ("gqa", {**GQA, "x": {"objects": "dog"}}, "has 'objects' that are neither", 3),
    ("visual-genome", [*GENOME, without(GENOME[0], image_id="5")], "has no number 'image_id': '5'", 3),
    ("visual-genome", [*GENOME, 3], "is not a JSON object but '3'", 3),
    ("coco", {**COCO, "images": [*COCO["images"], COCO["images"][0]]}, "of 'images' has the id 3 again", 3),
    ("coco", {**COCO, "images": [*COCO["images"], {"id": 9}]}, "has no number 'width': None", 3),
    ("coco", {**COCO, "images": [*COCO["images"], {"id": 9, "width": 1, "height": 1}]}, "has no text 'file_name'", 3),
    ("coco", {**COCO, "annotations": [*COCO["annotations"], {"image_id": 1, "category_id": 1, "bbox": [1]}]},
     "has no 'bbox' of four numbers: [1]", 3),
    ("coco", {**COCO, "annotations": [*COCO["annotations"], {"image_id": True, "category_id": 1}]}, "no number 'image_id'", 3),
]  # fmt: skip


@pytest.mark.parametrize(("form", "content", "said", "left"), BAD)
def test_a_bad_entry_is_named_or_left_out(tmp_path: Path, form: str, content: Any, said: str, left: int) -> None:
    with pytest.raises(StageError) as error:
        samples(tmp_path, form, content)
    assert said in str(error.value)
    assert "\n" not in str(error.value)
    skipping = source(tmp_path, form, content, on_bad_row="skip")
    assert len(list(skipping.samples())) == left
    assert skipping.bad_rows == 1


def test_a_category_must_have_a_name(tmp_path: Path) -> None:
    with pytest.raises(StageError, match="image 3 has a thing of category 18, which 'categories' lacks"):
        samples(tmp_path, "coco", {**COCO, "categories": [{"id": 1, "name": "person"}]})


def test_a_link_is_refused(tmp_path: Path) -> None:
    make(tmp_path, "gqa")
    (tmp_path / "images" / "secret.jpg").symlink_to(tmp_path / "annotations.json")
    with pytest.raises(StageError, match="has an image that is a link"):
        samples(tmp_path, "gqa", {"secret": {"objects": {"1": DOG}}})


@pytest.mark.parametrize(("form", "said"), [
    ("gqa", "sceneGraphs.zip"), ("visual-genome", "scene_graphs.json and image_data.json"), ("coco", "cocodataset.org"),
])  # fmt: skip
def test_what_is_not_there_is_published_somewhere(tmp_path: Path, form: str, said: str) -> None:
    for missing in ("path", "images"):
        with pytest.raises(StageError) as error:
            source(tmp_path, form, **{missing: str(tmp_path / "absent")})
        assert said in str(error.value)
        assert "CC BY 4.0" in str(error.value)


def test_the_command_counts_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = make(tmp_path, "coco")
    (tmp_path / "images" / "train2014" / "COCO_1.jpg").unlink()
    command = [
        "import",
        "coco",
        options["path"],
        "--set",
        f"images={options['images']}",
        "--out",
        str(tmp_path / "mine"),
    ]
    assert main(command) == 1
    assert capsys.readouterr().out.startswith("2 samples, 2 images, 1 samples without their image\n")
    (first, _) = [json.loads(line) for line in (tmp_path / "mine" / "samples.jsonl").read_text().splitlines()]
    assert first["truth"]["instances"]["annotations"][0]["category"] == "dog"

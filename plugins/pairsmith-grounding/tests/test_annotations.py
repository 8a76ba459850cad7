"""Claims against scene graphs and COCO instances."""

from pathlib import Path

import pytest

from pairsmith.errors import StageError
from pairsmith.testing import make_run
from pairsmith.values import Case, Claim, Sample, user
from pairsmith_grounding.annotations import Annotations
from pairsmith_grounding.options import AnnotationsOptions
from pairsmith_grounding.truth import COCO, read

GQA = {
    "width": 640,
    "height": 480,
    "objects": {
        "1": {
            "name": "Dog",
            "x": 0,
            "y": 240,
            "w": 128,
            "h": 96,
            "attributes": ["Brown", "sitting"],
            "relations": [{"name": "to the left of", "object": "2"}, {"name": "looking at", "object": "3"}],
        },
        "2": {"name": "table", "x": 256, "y": 96, "w": 320, "h": 360, "attributes": [], "relations": []},
        "3": {"name": "glass", "x": 320, "y": 48, "w": 32, "h": 48, "attributes": ["clear"], "relations": []},
        "4": {"name": "glass", "x": 400, "y": 48, "w": 32, "h": 48, "attributes": [], "relations": []},
    },
}
GENOME = {
    "width": 640,
    "height": 480,
    "objects": [
        {"object_id": 7, "names": ["dog", "puppy"], "x": 0, "y": 240, "w": 128, "h": 96, "attributes": ["brown"]},
        {"object_id": 8, "names": ["table"], "x": 256, "y": 96, "w": 320, "h": 360},
    ],
    "relationships": [{"predicate": "UNDER", "subject_id": 7, "object_id": 8}],
}
INSTANCES = {
    "width": 100,
    "height": 200,
    "annotations": [
        {"category": "dog", "bbox": [0, 0, 50, 100]},
        {"category": "person", "bbox": [60, 0, 20, 20]},
        {"category": "person", "bbox": [10, 10, 90, 90], "iscrowd": 1},
    ],
}


def verdict(truth, aspect: str, options: AnnotationsOptions | None = None, **data):
    sample = Sample(id="s", prompt=user("?"), truth=truth)
    claim = Claim(id="c", response_id="r", aspect=aspect, text="?", data=data)
    judge = Annotations(options or AnnotationsOptions(), make_run(Path("unused")))
    ((one,),) = judge.judge([Case(sample=sample, responses=(), claims=(claim,))])
    return one


@pytest.mark.parametrize(
    ("aspect", "data", "outcome"),
    [
        ("object", {"object": "dog"}, "supported"),
        ("object", {"object": "dogs"}, "supported"),
        ("object", {"object": "glasses"}, "supported"),
        ("object", {"object": "cat"}, "contradicted"),
        ("count", {"object": "glass", "count": 2}, "supported"),
        ("count", {"object": "glass", "count": 3}, "contradicted"),
        ("count", {"object": "cat", "count": 2}, "skipped"),
        ("scale", {"object": "table", "scale": "large"}, "supported"),
        ("scale", {"object": "glass", "scale": "large"}, "contradicted"),
        ("spatial", {"subject": "dog", "object": "table", "direction": "left"}, "supported"),
        ("spatial", {"subject": "glass", "object": "table", "direction": "top"}, "supported"),
        ("spatial", {"subject": "glass", "object": "table", "direction": "bottom"}, "contradicted"),
        ("attribute", {"object": "dog", "attribute": "brown"}, "supported"),
        ("attribute", {"object": "dog", "attribute": "black"}, "skipped"),
        ("attribute", {"object": "cat", "attribute": "black"}, "skipped"),
        ("attribute", {"object": "dog"}, "skipped"),
        ("relation", {"subject": "dog", "relation": "looking at", "object": "glass"}, "supported"),
        ("relation", {"subject": "dog", "relation": "eating", "object": "glass"}, "skipped"),
        ("relation", {"subject": "dog", "relation": "looking at", "object": "cat"}, "skipped"),
    ],
)
def test_a_scene_graph_of_gqa(aspect: str, data, outcome: str) -> None:
    assert verdict({"scene_graph": GQA}, aspect, **data).outcome == outcome


def test_a_scene_graph_of_visual_genome() -> None:
    truth = {"scene_graph": GENOME}
    assert verdict(truth, "object", object="puppy").outcome == "supported"
    assert verdict(truth, "attribute", object="dog", attribute="brown").outcome == "supported"
    assert verdict(truth, "relation", subject="dog", relation="under", object="table").outcome == "supported"


def test_instances_know_their_categories_only() -> None:
    truth = {"instances": INSTANCES}
    assert len(COCO) == 80
    assert verdict(truth, "object", object="dog").outcome == "supported"
    assert verdict(truth, "object", object="cats").outcome == "contradicted"
    tree = verdict(truth, "object", object="tree")
    assert (tree.outcome, tree.reason) == ("skipped", "'tree' is not among what is annotated")
    crowd = verdict(truth, "count", object="person", count=2)
    assert (crowd.outcome, crowd.reason) == ("skipped", "'person' is annotated as a crowd, which has no number")
    assert verdict(truth, "count", object="dog", count=2).outcome == "contradicted"
    assert verdict(truth, "scale", object="dog", scale="tall").outcome == "supported"
    named = {"instances": {**INSTANCES, "categories": ["Tree"]}}
    assert verdict(named, "object", object="tree").outcome == "contradicted"
    assert read(truth).things["0"].box == (0.0, 0.0, 0.5, 0.5)


def test_what_is_not_annotated_can_be_left_open_or_be_wrong() -> None:
    truth = {"scene_graph": GQA}
    open_ = AnnotationsOptions(absent="skipped")
    strict = AnnotationsOptions(unlisted="contradicted")
    assert verdict(truth, "object", open_, object="cat").reason == "no 'cat' is annotated"
    assert verdict(truth, "attribute", strict, object="dog", attribute="black").outcome == "contradicted"
    assert verdict(truth, "attribute", strict, object="cat", attribute="black").outcome == "skipped"
    said = verdict(truth, "attribute", object="dog", attribute="black")
    assert said.evidence == {"attributes": ["brown", "sitting"]}


def test_synonyms_go_by_the_first_of_their_line(tmp_path: Path) -> None:
    path = tmp_path / "names.txt"
    path.write_text("dog, hound, puppy\n\ntable,desk\n")
    options = AnnotationsOptions(synonyms=path)
    assert verdict({"scene_graph": GQA}, "object", options, object="hounds").outcome == "supported"
    assert verdict({"scene_graph": GQA}, "object", options, object="desk").outcome == "supported"
    assert verdict({"scene_graph": GQA}, "object", options, object="cat").outcome == "contradicted"
    with pytest.raises(StageError, match=r"synonyms = .*none.txt' cannot be read"):
        verdict({"scene_graph": GQA}, "object", AnnotationsOptions(synonyms=tmp_path / "none.txt"), object="cat")


def test_things_without_a_place_can_be_counted_only() -> None:
    truth = {"scene_graph": {"objects": {"1": {"name": "dog"}, "2": {"name": "dog"}}}}
    assert verdict(truth, "object", object="dog").outcome == "supported"
    assert verdict(truth, "count", object="dog", count=2).outcome == "supported"
    assert verdict(truth, "scale", object="dog", scale="large").reason == "it is there, but nobody says where"


def test_a_sample_without_truth_is_named() -> None:
    with pytest.raises(
        StageError, match=r"sample 's' has no 'scene_graph' and no 'instances' .* which holds 'reference'"
    ):
        verdict({"reference": "A dog."}, "object", object="dog")


def test_published_annotations_contradict_what_they_say_is_hallucinated(amber) -> None:
    for row in amber[:50]:
        objects = {str(number): {"name": name} for number, name in enumerate(row["truth"])}
        truth = {"scene_graph": {"objects": objects}}
        assert all(verdict(truth, "object", object=name).outcome == "supported" for name in row["truth"])
        absent = [name for name in row["hallu"] if name not in row["truth"]]
        assert all(verdict(truth, "object", object=name).outcome == "contradicted" for name in absent)

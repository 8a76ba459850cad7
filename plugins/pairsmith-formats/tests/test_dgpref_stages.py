"""DecompGen's captions, decompositions and expert scores in place of the stages that made them."""

import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from pairsmith.cli import main
from pairsmith.errors import StageError
from pairsmith.interfaces import Run
from pairsmith.options import read as read_options
from pairsmith.registry import Registry
from pairsmith.testing import DecomposerContract, ImageSourceContract, JudgeContract
from pairsmith.values import Case, Claim, turns, user

CAPTIONS = {
    "1_0": "Two brown dogs near a fence.",
    "1_1": 'A dog on grass by a sign "STOP".',
    "0_0": "A cat.",
    "2_0": "A",
}
REPLIES = {
    "1_0": {
        "entity": "(dogs, fence)",
        "attribute": "(brown, dogs); (huge, fence); (two, dogs); (dogs, dogs); (bad); (clear, image)",
        "count": "(two, dogs); (3, cars); (1, fence); (many, dogs); (21, birds)",
        "relation": "(dogs, near, fence); (dogs, watching brightly, fence); (dogs, in, image); (a, b)",
    },
    "1_1": {"entity": "NONE", "attribute": "NONE", "count": "NONE", "relation": "NONE"},
}
SCORES = {
    "b": {
        "image_path": "VG_100K/b.jpg",
        "all_program": [],
        "expert_scores": {
            "object_result": {
                "dogs": {"scores": [0.9, 0.4], "bboxs": [[0, 0, 1, 1], [2, 2, 3, 3]]},
                "fence": {"scores": [], "bboxs": []},
                "cars": {"scores": [0.3], "bboxs": [[0, 0, 9, 9]]},
            },
            "attribute_result": {"questions": {}, "scores": {"brown###dogs": 1}},
            "relation_result": {"scores": {"dogs###watching brightly###fence": -2, "dogs###in###image": 0}},
            "scale_result": {"large###fence": -2},
            "spatial_result": {"dogs###near###fence": -1},
            "text_result": {"scores": {"STOP": 1}},
        },
    }
}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return make(tmp_path / "dgpref")


def make(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    for name, value in (("captions", CAPTIONS), ("replies", REPLIES), ("scores", SCORES)):
        (folder / f"{name}.pkl").write_bytes(pickle.dumps(value))
    (folder / "graphs.json").write_text(json.dumps({name: {"objects": {}} for name in ("a", "b", "c")}))
    (folder / "templates.txt").write_text("Describe it.\nTell all.\n")
    for name in ("a", "b", "c"):
        (folder / f"{name}.jpg").write_bytes(name.encode())
    return folder


def component(kind: Any, name: str, folder: Path, **options: Any) -> Any:
    found = Registry.discover().find(kind, f"pairsmith-formats/{name}").component
    return found.build(read_options(options, found.options_class, name), Run(directory=folder, images=None))  # type: ignore[arg-type]


def samples(data: Path, **options: Any) -> list[Any]:
    given = {"path": "captions.pkl", "scene_graphs": "graphs.json", "images": "."} | options
    table = {name: str(data / value) if name != "prompt" else value for name, value in given.items()}
    return list(component("image_sources", "dgpref-captions", data, **table).samples())


def claims(data: Path) -> list[Claim]:
    sample = samples(data)[1]
    return component("decomposers", "dgpref", data, path=str(data / "replies.pkl")).decompose(sample, sample.given)


class TestCaptions(ImageSourceContract):
    name = "pairsmith-formats/dgpref-captions"

    def make_options(self, tmp_path: Path) -> dict[str, Any]:
        data = make(tmp_path / "dgpref")
        return {"path": str(data / "captions.pkl"), "scene_graphs": str(data / "graphs.json"), "images": str(data)}


class TestClaims(DecomposerContract):
    name = "pairsmith-formats/dgpref"

    def make_options(self, tmp_path: Path) -> dict[str, Any]:
        path = tmp_path / "replies.pkl"
        path.write_bytes(
            pickle.dumps({str(n): {"entity": "(cat, dog)", "attribute": "(black, cat)"} for n in range(3)})
        )
        return {"path": str(path)}


class TestVerdicts(JudgeContract):
    name = "pairsmith-formats/dgpref"

    def make_options(self, tmp_path: Path) -> dict[str, Any]:
        return {"path": str(make(tmp_path / "dgpref") / "scores.pkl")}


def test_captions_find_their_image_and_instruction(data: Path) -> None:
    found = samples(data, templates="templates.txt")
    assert [one.id for one in found] == ["a", "b", "c"]
    assert found[1].images[0].path == data / "b.jpg"
    assert [(one.id, one.text, turns(found[1], one), one.parameters) for one in found[1].given] == [
        ("b/0", "Two brown dogs near a fence.", user("Describe it."), {"dgpref": "1_0"}),
        ("b/1", 'A dog on grass by a sign "STOP".', user("Tell all."), {"dgpref": "1_1"}),
    ]


def test_log_probabilities_come_without_their_tensors(data: Path) -> None:
    torch = pytest.importorskip("torch")
    logps = {"1_0": {"logp": -20.5, "avg_logp": -0.5, "per_token_logp": torch.zeros(3)}, "0_0": None}
    (data / "logps.pkl").write_bytes(pickle.dumps(logps))
    found = samples(data, logps="logps.pkl")
    assert found[1].given[0].parameters == {"dgpref": "1_0", "logp": -20.5, "avg_logp": -0.5}
    assert found[1].given[1].parameters == {"dgpref": "1_1"}


def test_replies_become_claims(data: Path) -> None:
    found = claims(data)
    assert [(one.aspect, one.text) for one in found if one.response_id == "b/0"] == [
        ("object", "dogs"),
        ("object", "fence"),
        ("object", "cars"),
        ("attribute", "brown dogs"),
        ("scale", "huge fence"),
        ("count", "two dogs"),
        ("count", "3 cars"),
        ("spatial", "dogs near fence"),
        ("relation", "dogs watching brightly fence"),
        ("relation", "dogs in image"),
    ]
    assert [(one.aspect, one.data) for one in found if one.response_id == "b/1"] == [("text", {"text": "STOP"})]
    by_text = {one.text: one for one in found}
    assert by_text["huge fence"].data == {"object": "fence", "attribute": "huge", "scale": "large"}
    assert by_text["dogs near fence"].depends_on == (by_text["dogs"].id, by_text["fence"].id)
    assert by_text["dogs in image"].data["whole"] == "image"
    assert by_text["3 cars"].data["count"] == 3


def test_scores_become_verdicts(data: Path) -> None:
    sample, found = samples(data)[1], claims(data)
    judge = component("judges", "dgpref", data, path=str(data / "scores.pkl"))
    (verdicts,) = judge.judge([Case(sample=sample, responses=sample.given, claims=tuple(found))])
    said = {claim.text: verdict.outcome for claim, verdict in zip(found, verdicts, strict=True)}
    assert said == {
        "dogs": "supported",
        "fence": "contradicted",
        "cars": "supported",
        "brown dogs": "supported",
        "huge fence": "skipped",
        "two dogs": "supported",
        "3 cars": "contradicted",
        "dogs near fence": "contradicted",
        "dogs watching brightly fence": "skipped",
        "dogs in image": "skipped",
        "STOP": "supported",
    }
    assert verdicts[0].evidence == {"boxes": [[0, 0, 1, 1], [2, 2, 3, 3]]}
    reasons = {claim.text: verdict.reason for claim, verdict in zip(found, verdicts, strict=True)}
    assert reasons["dogs in image"] == "the published question was found ungrammatical"
    assert reasons["huge fence"] == "the published detector did not find what it is about"


def test_a_recipe_pairs_published_captions_without_a_model(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(data)
    Path("recipe.toml").write_text(
        'schema = 1\n[images]\nuse = "dgpref-captions"\npath = "captions.pkl"\nscene_graphs = "graphs.json"\nimages = "."\n'
        '[image_check]\nuse = "none"\n[claims]\nuse = "dgpref"\npath = "replies.pkl"\n'
        '[[judges]]\nuse = "pairsmith-formats/dgpref"\npath = "scores.pkl"\n[pairs]\nuse = "margin"\nmin_margin = 0.1\n'
    )
    assert main(["run", "recipe.toml", "--until", "pairs", "--out", "run"]) == 0
    assert main(["export", "run", "--to", "dgpref", "--out", "out"]) == 0
    from pairsmith_formats.pickles import read_pickle

    (about,) = read_pickle(Path("out/pos_neg_pairs.pkl")).values()
    assert about["sample_pair"][0]["prefer"] == CAPTIONS["1_1"]
    assert about["sample_pair"][0]["reject"] == CAPTIONS["1_0"]


@pytest.mark.parametrize(("name", "content", "said"), [
    ("captions", [1], "holds a list, and captions come as a dict"),
    ("captions", {"x": "y"}, "has an entry 'x' that is no 'IMAGE_INSTRUCTION' to text"),
    ("captions", {"1_0": 5}, "has an entry '1_0' that is no 'IMAGE_INSTRUCTION' to text: 5"),
    ("captions", {"9_0": "A"}, "has captions of image 9, and the scene graphs"),
    ("captions", {"0_7": "A"}, "speaks of instruction 7, and the templates hold 2"),
    ("captions", {"0_0": pickle.PickleError()}, "would load"),
])  # fmt: skip
def test_captions_that_do_not_fit_are_named(data: Path, name: str, content: Any, said: str) -> None:
    (data / f"{name}.pkl").write_bytes(pickle.dumps(content))
    with pytest.raises(StageError) as error:
        samples(data, templates="templates.txt")
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_images_of_scene_graphs_stay_in_their_folder(data: Path) -> None:
    (data / "graphs.json").write_text(json.dumps({"../../etc/a": {}, "b": {}, "c": {}}))
    with pytest.raises(StageError, match="leaves the folder"):
        samples(data)


def test_other_pickles_are_named(data: Path) -> None:
    (data / "list.pkl").write_bytes(pickle.dumps([1]))
    for kind in ("decomposers", "judges"):
        with pytest.raises(StageError, match="holds a list, not a dict of"):
            component(kind, "dgpref", data, path=str(data / "list.pkl"))
    (data / "replies.pkl").write_bytes(pickle.dumps({"1_0": "text"}))
    with pytest.raises(StageError, match="entry '1_0' of sample 'b' is no dict of aspects to texts"):
        claims(data)
    (data / "scores.pkl").write_bytes(pickle.dumps({"b": {"expert_scores": 3}}))
    judge = component("judges", "dgpref", data, path=str(data / "scores.pkl"))
    with pytest.raises(StageError, match="image 'b' has no dict 'expert_scores'"):
        judge.judge([Case(sample=samples(data)[1], responses=())])

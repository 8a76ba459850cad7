"""Detectors on tiny random models: the right boxes, asked for once."""

from itertools import chain
from pathlib import Path

import pytest
from attrs import evolve

from pairsmith.errors import OptionsError, StageError
from pairsmith.options import read
from pairsmith.testing import make_run
from pairsmith.testing.pickles import hostile, pickled
from pairsmith.values import Case, Claim, Image, Response, Sample, user
from pairsmith_grounding import loading
from pairsmith_grounding.detector import grounding_dino, owl_vit
from pairsmith_grounding.options import GroundingDinoOptions, OwlVitOptions

KINDS = ("owl-vit", "owlv2", "grounding-dino")
NAMES = ("cat", "dog", "wooden table", "lamp", "red chair")


def build(kind: str, detectors: dict[str, str], run_directory: Path, **more):
    if kind == "owlv2":
        pytest.importorskip("scipy")  # its image processor needs it
    options = {"model": detectors[kind], "floor": 0.0, "threshold": 0.0, **more}
    run = make_run(run_directory)
    return (
        grounding_dino(GroundingDinoOptions(**options), run)
        if kind == "grounding-dino"
        else owl_vit(OwlVitOptions(**options), run)
    )


def case(path: Path, number: int = 0, answers: int = 1, names: tuple[str, ...] = NAMES) -> Case:
    sample = Sample(id=f"s{number}", images=(Image(path=path),), prompt=user("?"))
    responses = tuple(Response(id=f"s{number}/{k}", sample_id=sample.id, text="?") for k in range(answers))
    claims = [
        Claim(id=f"{response.id}#{n}", response_id=response.id, aspect="object", text=name, data={"object": name})
        for response in responses
        for n, name in enumerate(names)
    ]
    return Case(sample=sample, responses=responses, claims=tuple(claims))


def boxes(verdicts) -> list:
    return [verdict.evidence["found"] for verdict in verdicts]


def flat(verdicts) -> list[float]:
    found = [one for each in boxes(verdicts) for one in each.values()]
    return [
        value
        for one in found
        for box, score in zip(one["boxes"], one["scores"], strict=True)
        for value in (*box, score)
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_boxes_are_the_librarys_own(kind: str, detectors, pictures, tmp_path: Path) -> None:
    import torch
    from PIL import Image as Pillow
    from transformers import AutoModelForZeroShotObjectDetection, AutoProcessor

    judge = build(kind, detectors, tmp_path / "run", nms=1.0)
    (verdicts,) = judge.judge([case(pictures[1], names=("wooden table",))])
    picture = Pillow.open(pictures[1])
    processor = AutoProcessor.from_pretrained(detectors[kind])
    model = AutoModelForZeroShotObjectDetection.from_pretrained(detectors[kind]).eval()
    if kind == "grounding-dino":
        batch = processor(images=picture, text="wooden table.", return_tensors="pt")
        with torch.no_grad():
            output = model(**batch)
        size = [picture.size[::-1]]
        found = processor.post_process_grounded_object_detection(output, batch["input_ids"], -1.0, 0.0, size)[0]
    else:
        batch = processor(
            text=[["wooden table"]], images=picture, return_tensors="pt", padding="max_length", max_length=16
        )
        with torch.no_grad():
            output = model(**batch)
        size = torch.tensor([picture.size[::-1]])
        found = processor.post_process_grounded_object_detection(output, -1.0, size)[0]
    order = found["scores"].argsort(descending=True)
    wanted = (found["boxes"][order] / torch.tensor(picture.size * 2)).clamp(0, 1)
    evidence = verdicts[0].evidence["found"]["wooden table"]
    shown = len(evidence["boxes"])
    assert shown == min(20, len(order))
    assert torch.allclose(torch.tensor(evidence["scores"]), found["scores"][order][:shown], atol=1e-4)
    assert torch.allclose(torch.tensor(evidence["boxes"]), wanted[:shown], atol=2e-4)
    assert len(set(map(tuple, evidence["boxes"]))) > 1


@pytest.mark.parametrize("kind", KINDS)
def test_what_else_is_asked_for_changes_nothing(kind: str, detectors, pictures, tmp_path: Path) -> None:
    together = build(kind, detectors, tmp_path / "a" / "run", nms=1.0).judge(
        [case(path, number) for number, path in enumerate(pictures)]
    )
    for number, path in enumerate(pictures):
        for n, name in list(enumerate(NAMES))[number::2]:
            alone = build(kind, detectors, tmp_path / f"b{number}{n}" / "run", nms=1.0)
            ((verdict,),) = alone.judge([case(path, number, names=(name,))])
            assert flat([verdict]) == pytest.approx(flat([together[number][n]]), abs=2e-4)
    assert flat(together[0]) != pytest.approx(flat(together[2]), abs=2e-4)
    assert boxes(together[0])[0]["cat"] != boxes(together[0])[1]["dog"]


def test_names_asked_for_together_share_boxes_as_in_the_library(detectors, pictures, tmp_path: Path) -> None:
    """As published: each place in the image has one name, the best of those that were asked for together."""
    import torch
    from PIL import Image as Pillow
    from transformers import AutoModelForZeroShotObjectDetection, AutoProcessor

    judge = build("owl-vit", detectors, tmp_path / "run", nms=1.0, together=3, threshold=0.02)
    (verdicts,) = judge.judge([case(pictures[0])])
    with Pillow.open(pictures[0]) as opened:
        picture = opened.convert("RGB")
    processor = AutoProcessor.from_pretrained(detectors["owl-vit"])
    model = AutoModelForZeroShotObjectDetection.from_pretrained(detectors["owl-vit"]).eval()
    for group in (NAMES[:3], NAMES[3:]):
        batch = processor(text=[list(group)], images=picture, return_tensors="pt", padding="max_length", max_length=16)
        with torch.no_grad():
            output = model(**batch)
        found = processor.post_process_grounded_object_detection(output, 0.02, torch.tensor([picture.size[::-1]]))[0]
        for number, name in enumerate(group):
            own = found["scores"][found["labels"] == number].sort(descending=True).values
            evidence = verdicts[NAMES.index(name)].evidence["found"][name]
            assert evidence.get("scores", []) == pytest.approx(own[:20].tolist(), abs=1e-4)
    assert 0 < sum(len(one["boxes"]) for each in boxes(verdicts) for one in each.values()) <= 2 * 16, (
        "two groups, of 16 places each"
    )
    again = build("owl-vit", detectors, tmp_path / "again", nms=1.0, together=5)
    (fewer,) = again.judge([case(pictures[0])])
    assert again.answers.calls == 0, "what is kept is each name's own"
    assert sum(len(one["boxes"]) for each in boxes(fewer) for one in each.values()) == 16, (
        "one group, and nothing is left out"
    )


@pytest.mark.parametrize(("kind", "calls"), [("owl-vit", 1), ("grounding-dino", 3)])
def test_the_claims_of_all_answers_and_images_are_pooled(
    kind: str, calls: int, detectors, pictures, tmp_path: Path
) -> None:
    judge = build(kind, detectors, tmp_path / "run")
    given = judge.judge([case(path, number, answers=8) for number, path in enumerate(pictures)])
    assert [len(verdicts) for verdicts in given] == [40, 40, 40]
    assert (judge.answers.asked, judge.answers.calls) == (15, calls)


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_threshold_asks_nobody_and_loads_nothing(
    kind: str, detectors, pictures, tmp_path: Path, monkeypatch
) -> None:
    cases = [case(path, number) for number, path in enumerate(pictures)]
    first = list(chain(*build(kind, detectors, tmp_path / "one").judge(cases)))
    scores = sorted(flat(first))
    monkeypatch.setattr("transformers.AutoModelForZeroShotObjectDetection.from_pretrained", lambda *_, **__: 1 / 0)
    best = [max(next(iter(found.values()))["scores"]) for found in boxes(first)]
    for number, threshold in enumerate((0.0, sorted(best)[7], min(1.0, scores[-1] + 0.01))):
        judge = build(kind, detectors, tmp_path / f"run{number}", threshold=threshold, nms=0.3, near="or")
        outcomes = [verdict.outcome for verdict in chain(*judge.judge(cases))]
        assert outcomes == ["supported" if score >= threshold else "contradicted" for score in best]
        assert judge.answers.calls == 0


def test_counts_and_places_come_from_the_same_boxes(detectors, pictures, tmp_path: Path) -> None:
    judge = build("owl-vit", detectors, tmp_path / "run", nms=1.0)
    shown = case(pictures[0], names=("cat",))
    data = {"subject": "cat", "relation": "left of", "object": "dog", "direction": "left"}
    more = (
        Claim(id="n", response_id="s0/0", aspect="count", text="16 cats", data={"object": "cat", "count": 16}),
        Claim(id="p", response_id="s0/0", aspect="spatial", text="cat left of dog", data=data),
        Claim(id="x", response_id="s0/0", aspect="scale", text="?", data={"object": "cat", "scale": "wide"}),
    )
    ((there, count, place, odd),) = judge.judge([evolve(shown, claims=(*shown.claims, *more))])
    assert (there.outcome, count.outcome, count.evidence["number"]) == ("supported", "supported", 16)
    assert place.outcome in {"supported", "contradicted"}
    assert set(place.evidence["found"]) == {"cat", "dog"}
    assert (odd.outcome, judge.answers.asked) == ("skipped", 2)


def test_what_is_said_of_an_absent_thing_is_skipped(detectors, pictures, tmp_path: Path) -> None:
    judge = build("owl-vit", detectors, tmp_path / "run", threshold=1.0)
    claim = Claim(id="n", response_id="s0/0", aspect="count", text="two cats", data={"object": "cat", "count": 2})
    ((verdict,),) = judge.judge([evolve(case(pictures[0]), claims=(claim,))])
    assert (verdict.outcome, verdict.reason) == ("skipped", "no 'cat' was found")


def test_a_large_image_is_refused_by_its_header(detectors, pictures, tmp_path: Path) -> None:
    judge = build("owl-vit", detectors, tmp_path / "run", max_pixels=100)
    with pytest.raises(StageError, match=r"is 40 x 48, more than max_pixels = 100; it was not decoded"):
        judge.judge([case(pictures[0])])


def test_images_that_cannot_be_looked_at_are_named(detectors, pictures, tmp_path: Path) -> None:
    judge = build("grounding-dino", detectors, tmp_path / "run")
    (tmp_path / "broken.png").write_bytes(b"no image")
    with pytest.raises(StageError, match=r"broken.png' cannot be read"):
        judge.judge([case(tmp_path / "broken.png")])
    none = case(pictures[0])
    with pytest.raises(StageError, match="sample 's0' has 0 images"):
        judge.judge([evolve(none, sample=evolve(none.sample, images=()))])


def test_another_kind_of_model_is_refused(detectors, tmp_path: Path) -> None:
    with pytest.raises(StageError, match=r"use = 'owl-vit': model = .* is a 'grounding-dino', not owlvit or owlv2"):
        owl_vit(OwlVitOptions(model=detectors["grounding-dino"]), make_run(tmp_path / "run"))


@pytest.mark.parametrize("kind", ["owl-vit", "grounding-dino"])
def test_pickled_weights_find_what_their_safetensors_do_and_are_read_once(
    kind: str, detectors, pictures, tmp_path: Path, monkeypatch
) -> None:
    twin = {kind: str(pickled(detectors[kind], tmp_path / "bin", shards=2 if kind == "owl-vit" else 1))}
    asked = [case(pictures[0], names=("cat", "dog"))]
    safe = flat(chain(*build(kind, detectors, tmp_path / "safe").judge(asked)))
    assert safe
    assert flat(chain(*build(kind, twin, tmp_path / "pickled").judge(asked))) == safe
    never = evolve(loading.WEIGHTS, load=lambda *_, **__: pytest.fail("a pickle was read again"))
    monkeypatch.setattr(loading, "WEIGHTS", never)
    assert flat(chain(*build(kind, twin, tmp_path / "again").judge(asked))) == safe


def test_a_pickle_that_would_run_code_is_refused(detectors, pictures, tmp_path: Path) -> None:
    bad = hostile(detectors["owl-vit"], tmp_path / "bad", tmp_path / "harm")
    judge = build("owl-vit", {"owl-vit": str(bad)}, tmp_path / "run")
    with pytest.raises(StageError, match=r"model: '.*pytorch_model.bin' holds more than tensors, .* it asks for"):
        judge.judge([case(pictures[0])])
    assert not (tmp_path / "harm").exists()


def test_a_threshold_that_nothing_was_kept_for_is_refused() -> None:
    with pytest.raises(OptionsError, match=r"'threshold' 0.01 is below 'floor' 0.05"):
        read({"threshold": 0.01}, OwlVitOptions, "judges[0]")
    with pytest.raises(OptionsError, match=r"'template' must hold '\{\}' once"):
        read({"template": "a photo"}, OwlVitOptions, "judges[0]")

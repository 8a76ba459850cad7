"""Candidate images: scored by every judge, kept by a rule; and sources and selectors that leave something out."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from attrs import define, evolve, field

from doubles import Selector, Source
from pairsmith.errors import OptionsError, RecipeError, StageError
from pairsmith.keeping import KeepOptions, kept
from pairsmith.options import read
from pairsmith.recipe import Document, resolve
from pairsmith.registry import Registry
from pairsmith.values import Dropped, Image, Judged, Pair, Sample
from pairsmith.view import DirectoryView
from test_pipeline import go, stage, tables


@define
class Candidates(Source):
    """Every sample but the first has three candidates in place of an image."""

    def samples(self, start: int = 0) -> Iterator[Sample]:
        for sample in Source.samples(self, start):
            if sample.id == "s0":
                yield sample
                continue
            paths = [self.folder / f"{int(sample.id[1:]) * 10 + k}.png" for k in range(3)]
            for path in paths:
                path.write_bytes(f"candidate {path.stem}".encode())
            yield evolve(sample, images=(), candidates=tuple(Image(path=path) for path in paths))


@define
class Second:
    """Likes the second candidate best; the last two alike with ``tie``."""

    scores: tuple[float, ...] = (0.1, 0.9, 0.9)
    calls: int = field(default=0, init=False)

    def judge(self, samples: Sequence[Sample]) -> list[list[float]]:
        self.calls += 1
        assert all(sample.candidates for sample in samples)
        return [list(self.scores) for _ in samples]


class First(Second):
    """Another judge."""


def judged(tmp_path: Path, *judges: Any, **more: Any) -> dict[str, Any]:
    source = {"use": Candidates(tmp_path / "pictures", number=6)}
    return tables(tmp_path, images=source, image_judges=[{"use": judge} for judge in judges], **more)


def test_every_score_is_kept_and_the_first_of_the_best_shown(tmp_path: Path) -> None:
    run = go(tmp_path, judged(tmp_path, Second()))
    rows = list(stage(run, "image-scores").rows())
    assert rows[0] == {"id": "s0", "scores": {}}
    assert rows[1] == {"id": "s1", "scores": {"second": [0.1, 0.9, 0.9]}}
    samples = [row["sample"] for row in stage(run, "kept-images").rows()]
    shown = [(run / sample["images"][0]["path"]).read_bytes().decode() for sample in samples]
    assert shown == ["picture 0", *(f"candidate {n}1" for n in range(1, 6))]
    states = DirectoryView(run).stages()
    assert states["image-scores"]["counts"]["candidates"] == 15
    assert states["pairs"]["counts"]["kept"] == 6
    assert DirectoryView(run).document["chain"]["samples"] == "kept-images"


def test_another_rule_asks_no_judge_again(tmp_path: Path) -> None:
    judge = Second((0.1, 0.9, 0.5))
    go(tmp_path, judged(tmp_path, judge))
    calls = judge.calls
    run = go(tmp_path, judged(tmp_path, judge, image_keep={"rule": "top-k", "k": 2}), out=tmp_path / "runs" / "two")
    assert judge.calls == calls
    names = [row["sample"]["id"] for row in stage(run, "kept-images").rows()]
    assert names == ["s0", *(name for n in range(1, 6) for name in (f"s{n}", f"s{n}+2"))]
    row = list(stage(run, "kept-images").rows())[2]
    assert (row["kept"], row["score"]) == (2, 0.5)
    assert DirectoryView(run).stages()["pairs"]["counts"]["kept"] == 11


def test_a_threshold_leaves_samples_out_with_their_best_score(tmp_path: Path) -> None:
    run = go(tmp_path, judged(tmp_path, Second(), image_keep={"rule": "threshold", "threshold": 0.95}))
    drops = list(DirectoryView(run).dropped("kept-images"))
    assert len(drops) == 5
    assert drops[0]["detail"] == "the best of 3 images scored 0.9, under 0.95"
    assert DirectoryView(run).stages()["pairs"]["counts"]["kept"] == 1


def test_nothing_kept_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    used = judged(tmp_path, Second(), image_keep={"threshold": 2.0})
    used["images"]["use"] = _Without(tmp_path / "pictures", number=3)
    with pytest.raises(StageError, match=r"no image is left; .* Lower 'threshold' in \[image_keep\]"):
        go(tmp_path, used)


class _Without(Candidates):
    def samples(self, start: int = 0) -> Iterator[Sample]:
        return (sample for sample in super().samples(max(1, start)))


def test_candidates_without_a_judge_are_not_silently_no_image(tmp_path: Path) -> None:
    with pytest.raises(StageError, match=r"sample 's1' comes with 3 candidate images, and the recipe has no table"):
        go(tmp_path, judged(tmp_path))


def test_judges_are_weighed_and_told_apart(tmp_path: Path) -> None:
    one, other = Second((1.0, 0.0, 0.0)), First((0.0, 0.0, 3.0))
    run = go(tmp_path, judged(tmp_path, one, other))
    assert list(stage(run, "kept-images").rows())[1]["kept"] == 2
    run = go(
        tmp_path, judged(tmp_path, one, other, image_keep={"weights": {"first": 0.2}}), out=tmp_path / "runs" / "two"
    )
    assert list(stage(run, "kept-images").rows())[1]["kept"] == 0
    run = go(tmp_path, judged(tmp_path, one, Second((0.0, 0.0, 3.0))), out=tmp_path / "runs" / "twice")
    assert set(list(stage(run, "image-scores").rows())[1]["scores"]) == {"second", "second-2"}


@pytest.mark.parametrize(("weights", "said"), [
    ({"thrid": 1.0}, "there is no image judge 'thrid'; there are second"),
    ({"second": 0.0}, "every image judge has the weight 0"),
])  # fmt: skip
def test_weights_of_nobody_are_refused(tmp_path: Path, weights: dict[str, float], said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        go(tmp_path, judged(tmp_path, Second(), image_keep={"weights": weights}))


@pytest.mark.parametrize("scores", [(0.1, 0.2), (0.1, 0.2, float("nan")), (0.1, 0.2, 0.3, 0.4)])
def test_a_judge_scores_each_candidate_with_a_number(tmp_path: Path, scores: tuple[float, ...]) -> None:
    with pytest.raises(StageError, match="must give each of the 3 candidates of sample 's1' a finite score"):
        go(tmp_path, judged(tmp_path, Second(scores)))


@pytest.mark.parametrize(("table", "said"), [
    ({"rule": "top-k"}, "rule 'top-k' needs 'k'"),
    ({"k": 2}, "'k' belongs to rule 'top-k', not to 'best'"),
    ({"rule": "threshold"}, "rule 'threshold' needs 'threshold'"),
    ({"rule": "worst"}, "expected one of 'best', 'threshold', 'top-k', got 'worst'"),
    ({"rule": "top-k", "k": 0}, "'k' must be >= 1"),
    ({"weights": {"a": -1.0}}, "the weight of 'a' must be a finite number of at least 0"),
])  # fmt: skip
def test_rules_that_make_no_sense_are_refused(table: dict[str, Any], said: str) -> None:
    with pytest.raises(OptionsError, match=said):
        read(table, KeepOptions, "image_keep")
    document = Document(name="r", tables={"schema": 1, "images": {"use": "x"}, "image_keep": table})
    with pytest.raises(RecipeError, match=r"image_keep"):
        resolve(document, Registry.discover())


def test_ties_go_to_the_first() -> None:
    assert kept([1.0, 1.0, 1.0], KeepOptions()) == [0]
    assert kept([1.0, 2.0, 2.0, 1.0], KeepOptions(rule="top-k", k=3)) == [1, 2, 0]
    assert kept([1.0, 2.0], KeepOptions(rule="top-k", k=9)) == [1, 0]
    assert kept([0.3, 0.3], KeepOptions(rule="threshold", threshold=0.3)) == [0, 1]


# what is left out ----------------------------------------------------------------------------------------------------


@define
class Refuses(Source):
    """Can make no picture of an odd number."""

    def samples(self, start: int = 0) -> Iterator[Sample | Dropped]:
        for n, sample in enumerate(Source.samples(self, start), start):
            yield Dropped(id=sample.id, reason="refused", detail="it was odd") if n % 2 else sample


def test_a_source_may_leave_a_sample_out_and_say_why(tmp_path: Path) -> None:
    run = go(tmp_path, tables(tmp_path, images={"use": Refuses(tmp_path / "pictures")}))
    view = DirectoryView(run)
    assert view.stages()["images"]["counts"] == {"samples": 5, "dropped: refused": 5}
    assert next(iter(view.dropped("images"))) == {"id": "s1", "reason": "refused", "detail": "it was odd"}


@define
class Surveys(Selector):
    """Leaves out what is in the second half, which only one who has seen everything can know."""

    seen: int = field(default=0, init=False)
    surveys: int = field(default=0, init=False)

    def survey(self, everything: Any) -> None:
        self.surveys += 1
        self.seen = len(list(everything))
        assert [seed for _, seed in everything] == [seed for _, seed in everything]

    def select(self, judged: Judged, *, seed: int) -> list[Pair | Dropped]:
        (pair,) = super().select(judged, seed=seed)
        late = int(judged.sample.id[1:]) >= self.seen / 2
        return [Dropped(id=pair.id, reason="late")] if late else [pair]

    def facts(self) -> dict[str, int]:
        return {"seen": self.seen}


def test_a_selector_may_look_at_the_whole_run_first(tmp_path: Path) -> None:
    choose = Surveys()
    run = go(tmp_path, tables(tmp_path, pairs={"use": choose}))
    view = DirectoryView(run)
    assert choose.surveys == 1
    assert view.stages()["pairs"]["counts"] == {"selected": 10, "kept": 5, "dropped: late": 5}
    assert view.stages()["pairs"]["facts"] == {"seen": 10}
    assert [row["id"] for row in view.dropped("pairs")] == [f"p-s{n}" for n in range(5, 10)]


def test_a_resumed_run_surveys_the_whole_again(tmp_path: Path) -> None:
    used = tables(tmp_path, pairs={"use": Surveys()})
    run = go(tmp_path, used)
    whole = {path.name: path.read_bytes() for path in stage(run, "pairs").directory.glob("part-*")}
    assert whole
    pairs = stage(run, "pairs").directory
    (pairs / "done.json").unlink()
    max(pairs.glob("part-*")).unlink()
    go(tmp_path, used)
    assert {path.name: path.read_bytes() for path in pairs.glob("part-*")} == whole


# tables within tables ------------------------------------------------------------------------------------------------


def test_faults_of_a_selectors_selector_are_named_with_the_others() -> None:
    inner = {"use": "margin", "min_margn": 0.3}
    pairs = {"use": "flip", "share": 0.5, "selector": {"use": "subset", "selector": inner}}
    document = Document(name="r", tables={"schema": 1, "images": {"use": Source(Path())}, "pairs": pairs})
    with pytest.raises(RecipeError) as error:
        resolve(document, Registry.discover())
    assert "pairs.selector.selector.min_margn: unknown option; did you mean 'min_margin'?" in str(error.value)

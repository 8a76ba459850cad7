"""The pipeline with objects passed in Python: no plugin is installed but the core."""

import json
from pathlib import Path
from typing import Any

import pytest

from doubles import (
    Benchmark,
    Check,
    Darker,
    Decomposer,
    Family,
    Generator,
    Judge,
    Loss,
    Selector,
    Source,
    Trainer,
)
from pairsmith.directory import RunDirectory
from pairsmith.errors import RunDirectoryError, StageError, UsageError
from pairsmith.images import DirectoryImageStore
from pairsmith.interfaces import Run
from pairsmith.recipe import Document
from pairsmith.registry import Registry
from pairsmith.start import start
from pairsmith.values import Dropped
from pairsmith.view import DirectoryView


class Quiet:
    """Keeps what a person would have seen."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.lines.append(line)

    def stage(self, name: str, total: int | None, done: int = 0):
        from contextlib import nullcontext

        class Task:
            def advance(self, done: int, total: int | None = None, note: str = "") -> None: ...

        return nullcontext(Task())


def tables(folder: Path, **more: Any) -> dict[str, Any]:
    return {
        "schema": 1,
        "part_size": 4,
        "images": {"use": Source(folder / "pictures")},
        "image_check": {"use": Check()},
        "responses": {"use": Generator()},
        "claims": {"use": Decomposer()},
        "judges": [{"use": Judge()}],
        "pairs": {"use": Selector()},
        "reports": [],
        **more,
    }


def go(folder: Path, tables: dict[str, Any], **how: Any) -> Path:
    document = Document(name="test", tables=tables)
    return start(document, out=how.pop("out", folder / "runs" / "one"), progress=Quiet(), registry=Registry(), **how)


def stage(run: Path, name: str) -> Any:
    return RunDirectory(run).stage(name)


@pytest.fixture
def trained(tmp_path: Path) -> dict[str, Any]:
    run = Run(directory=tmp_path, images=DirectoryImageStore(tmp_path / "runs" / "one" / "images"))
    return tables(
        tmp_path,
        model={"use": Family(tmp_path / "base")},
        loss={"use": Loss()},
        train={"use": Trainer()},
        corruptions={"image": {"use": Darker(run)}},
        control={"pairs": {"use": Selector()}},
        benchmarks=[{"use": Benchmark(tmp_path / "bench")}],
    )


def test_every_sample_comes_out_as_a_pair(tmp_path: Path) -> None:
    run = go(tmp_path, tables(tmp_path))
    view = DirectoryView(run)
    states = view.stages()
    assert states["images"]["counts"] == {"samples": 10}
    assert states["responses"]["counts"] == {"responses": 30}
    assert states["claims"]["counts"] == {"claims": 60}
    assert states["verdicts-1-judge"]["counts"] == {"supported": 40, "contradicted": 20}
    assert states["pairs"]["counts"] == {"selected": 10, "kept": 10}
    assert [state["parts"] for state in states.values()] == [3] * 5


def test_a_pair_holds_no_truth_and_its_image_is_in_the_run(tmp_path: Path) -> None:
    run = go(tmp_path, tables(tmp_path))
    row = next(stage(run, "pairs").read(0))["item"]["value"]
    assert "truth" not in row["sample"]
    assert (run / row["sample"]["images"][0]["path"]).read_bytes() == b"picture 0"


def test_a_finished_run_asks_nobody_again(tmp_path: Path) -> None:
    used = tables(tmp_path)
    go(tmp_path, used)
    calls = used["responses"]["use"].calls
    go(tmp_path, used)
    assert (used["responses"]["use"].calls, len(used["images"]["use"].asked)) == (calls, 10)


def test_a_stopped_run_goes_on_with_the_missing_parts_only(tmp_path: Path) -> None:
    whole = go(tmp_path, tables(tmp_path), out=tmp_path / "elsewhere" / "whole")
    used = tables(tmp_path)
    run = go(tmp_path, used)
    for name in ("responses", "pairs"):
        (run / "stages" / name / "done.json").unlink()
        stage(run, name).path(1).unlink()
    before = used["responses"]["use"].calls
    go(tmp_path, used)
    assert used["responses"]["use"].calls == before + 1
    for part in whole.glob("stages/*/part*"):
        assert (run / part.relative_to(whole)).read_bytes() == part.read_bytes()


def test_a_source_is_asked_for_the_rest_only(tmp_path: Path) -> None:
    used = tables(tmp_path)
    run = go(tmp_path, used, until="images")
    (run / "stages" / "images" / "done.json").unlink()
    stage(run, "images").path(2).unlink()
    used["images"]["use"].asked.clear()
    go(tmp_path, used)
    assert used["images"]["use"].asked == [8, 9]


def test_another_selector_asks_no_generator_and_no_judge(tmp_path: Path) -> None:
    first = tables(tmp_path)
    go(tmp_path, first)

    class Other(Selector):
        pass

    second = tables(tmp_path, pairs={"use": Other()})
    go(tmp_path, second, out=tmp_path / "runs" / "two")
    assert second["responses"]["use"].calls == 0
    assert second["judges"][0]["use"].shown == []
    assert second["pairs"]["use"].calls == 10


def test_another_recipe_does_not_get_the_same_directory(tmp_path: Path) -> None:
    go(tmp_path, tables(tmp_path))
    with pytest.raises(RunDirectoryError, match="seed is absent there and 7 here"):
        go(tmp_path, tables(tmp_path, seed=7))


def test_what_depends_on_a_contradicted_claim_is_not_shown_to_the_next_judge(tmp_path: Path) -> None:
    objects, colours = Judge(aspects=("object",)), Judge(aspects=("attribute",))
    run = go(tmp_path, tables(tmp_path, judges=[{"use": objects}, {"use": colours}]))
    assert "s0/0#c" in colours.shown
    assert "s0/1#c" not in colours.shown
    verdicts = [verdict for judged in DirectoryView(run).judged() for verdict in judged.verdicts]
    skipped = next(verdict for verdict in verdicts if verdict.claim_id == "s0/1#c")
    assert skipped.outcome == "skipped"
    assert skipped.reason.startswith("depends on a contradicted claim: s0 has 1")


def test_the_first_samples_go_through_everything(tmp_path: Path) -> None:
    run = go(tmp_path, tables(tmp_path), limit=5)
    assert DirectoryView(run).stages()["pairs"]["counts"] == {"selected": 5, "kept": 5}


def test_a_bad_image_is_left_out_counted_and_listed(tmp_path: Path) -> None:
    run = go(tmp_path, tables(tmp_path, image_check={"use": Check(3)}))
    view = DirectoryView(run)
    assert view.stages()["images"]["counts"] == {"dropped: bad image": 1, "samples": 9}
    assert [(drop["id"], drop["reason"]) for drop in view.dropped("images")] == [("s3", "bad image")]


def test_a_bad_image_stops_a_run_that_wants_it_to(tmp_path: Path) -> None:
    with pytest.raises(StageError, match=r"sample 's3': .*3\.png' is truncated"):
        go(tmp_path, tables(tmp_path, image_check={"use": Check(3)}, on_bad_image="stop"))


def test_a_run_without_a_usable_image_says_so(tmp_path: Path) -> None:
    with pytest.raises(StageError, match="none of 10 samples can be used"):
        go(tmp_path, tables(tmp_path, image_check={"use": Check(*range(10))}))


def test_a_source_without_samples_says_so(tmp_path: Path) -> None:
    with pytest.raises(StageError, match="found no sample"):
        go(tmp_path, tables(tmp_path, images={"use": Source(tmp_path / "pictures", 0)}))


def test_a_component_that_raises_is_one_sentence_and_the_traceback_a_file(tmp_path: Path) -> None:
    class Broken(Generator):
        def respond(self, samples, *, seed, greedy=False):
            raise RuntimeError("no memory\nat all")

    with pytest.raises(StageError, match=r"responses: RuntimeError: no memory \(the full traceback is in"):
        go(tmp_path, tables(tmp_path, responses={"use": Broken()}))
    assert "at all" in (tmp_path / "runs" / "one" / "error.txt").read_text()


def test_a_judge_that_answers_about_something_else_is_refused(tmp_path: Path) -> None:
    class Confused(Judge):
        def judge(self, cases):
            return [list(reversed(verdicts[1:])) for verdicts in super().judge(cases)]

    with pytest.raises(StageError, match="was asked about 6 of sample 's0' and gave 5 verdicts"):
        go(tmp_path, tables(tmp_path, judges=[{"use": Confused()}]))


def test_a_judge_of_claims_needs_claims(tmp_path: Path) -> None:
    without = tables(tmp_path)
    del without["claims"]
    with pytest.raises(StageError, match=r"judges\[0\]: 'judge' judges claims .* add a table \[claims\]"):
        go(tmp_path, without)


def test_no_pair_left_says_where_they_went(tmp_path: Path) -> None:
    class Same(Selector):
        def select(self, judged, *, seed):
            (pair,) = super().select(judged, seed=seed)
            return [type(pair)(id=pair.id, sample=pair.sample, chosen=pair.chosen, rejected=pair.chosen)]

    with pytest.raises(StageError, match=r"no pair is left \(10 were selected and dropped: 10 identical\)"):
        go(tmp_path, tables(tmp_path, pairs={"use": Same()}))


def test_both_arms_are_trained_from_the_base_and_all_models_evaluated(tmp_path: Path, trained: dict[str, Any]) -> None:
    run = go(tmp_path, trained)
    first, second = trained["train"]["use"].trained
    assert first[1].path == second[1].path == str(tmp_path / "base")
    assert trained["train"]["use"].referred == 20
    evaluations = DirectoryView(run).evaluations()
    assert [one["model"] for one in evaluations] == ["base", "trained", "control"]
    assert DirectoryView(run).metrics()[-1]["loss"] == 0.5
    assert DirectoryView(run).metrics("control")


def test_items_carry_their_corruptions(tmp_path: Path, trained: dict[str, Any]) -> None:
    run = go(tmp_path, trained)
    item = next(DirectoryView(run).items())
    assert item.corrupted.images is not None
    assert item.corrupted.images[0].path.read_bytes() == b"picture 0 darker"
    assert item.corrupted.draw["image"]["others"] == 10


def test_of_several_trainings_only_those_that_read_worse_images_have_them_made(
    tmp_path: Path, trained: dict[str, Any]
) -> None:
    from pairsmith.values import Cell

    class Conditional(Loss):
        cells = (Cell("chosen"), Cell("chosen", image="corrupted"))

    del trained["control"]
    first, second = Trainer(), Trainer()
    trained["stages"] = [
        {"name": "sft", "train": {"use": first}},
        {"name": "preferences", "loss": {"use": Conditional()}, "train": {"use": second}},
    ]
    run = go(tmp_path, trained)
    orders = [json.loads((run / "stages" / name / "job.json").read_text()) for name in ("sft", "preferences")]
    assert [order["items"] for order in orders] == ["pairs", "corruptions"]
    assert next(DirectoryView(run).items()).corrupted.images is not None


def test_a_finished_training_is_not_repeated(tmp_path: Path, trained: dict[str, Any]) -> None:
    go(tmp_path, trained)
    go(tmp_path, trained)
    assert len(trained["train"]["use"].trained) == 2


def test_training_starts_where_the_training_before_it_left(tmp_path: Path, trained: dict[str, Any]) -> None:
    first, second = Trainer(), Trainer()
    del trained["train"], trained["control"]
    trained["stages"] = [{"name": "sft", "train": {"use": first}}, {"name": "preferences", "train": {"use": second}}]
    run = go(tmp_path, trained)
    assert second.trained[0][1].path == str(run / "stages" / "sft" / "output" / "model")


@pytest.mark.parametrize("until", ["images", "responses", "claims", "verdicts", "pairs", "corruptions"])
def test_a_run_stops_where_it_is_told(tmp_path: Path, trained: dict[str, Any], until: str) -> None:
    run = go(tmp_path, trained, until=until)
    done = [name for name, state in DirectoryView(run).stages().items() if state["done"]]
    assert done
    assert done[-1].removeprefix("control-").startswith(until)
    assert trained["train"]["use"].trained == []


def test_objects_stop_at_the_reference_too(tmp_path: Path, trained: dict[str, Any]) -> None:
    """They train in this process, where no environment of a launched one says where to stop."""
    run = go(tmp_path, trained, until="reference")
    assert stage(run, "reference").done() is not None
    assert trained["train"]["use"].trained == []
    assert stage(run, "train").done() is None
    go(tmp_path, trained)
    assert len(trained["train"]["use"].trained) == 2
    assert stage(run, "train").done() is not None


def test_a_stage_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="'verdict' is no stage; the stages are images, responses"):
        go(tmp_path, tables(tmp_path), until="verdict")


def test_a_moved_run_still_finds_its_images(tmp_path: Path) -> None:
    run = go(tmp_path, tables(tmp_path))
    moved = run.rename(tmp_path / "moved")
    assert next(DirectoryView(moved).items()).value.sample.images[0].path.read_bytes() == b"picture 0"


def test_what_a_decomposer_could_not_split_is_counted_and_shown(tmp_path: Path) -> None:
    class Partly(Decomposer):
        def decompose(self, sample, responses):
            lost = Dropped(id=responses[0].id, reason="unparsed", detail="no bracket in 'two cats'")
            return [*super().decompose(sample, responses), lost]

    view = DirectoryView(go(tmp_path, tables(tmp_path, claims={"use": Partly()}), until="verdicts"))
    assert view.stages()["claims"]["counts"] == {"claims": 60, "dropped: unparsed": 10}
    assert [row["id"] for row in view.dropped("claims")] == [f"s{n}/0" for n in range(10)]
    assert next(view.dropped("claims"))["detail"] == "no bracket in 'two cats'"
    assert all(judged.claims for judged in view.judged())

"""The filter: which pairs go by which rule, that it does not depend on where a run stopped, and what it tells."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from attrs import evolve

from pairsmith.interfaces import Run
from pairsmith.values import Demonstration, Dropped, Judged, Sample, user
from pairsmith_quality.deduplicate import Deduplicate
from pairsmith_quality.options import DeduplicateOptions, table_inputs

LONG = "A small brown dog lies on a green sofa beside a lamp."
OTHER = "Two boats with white sails cross the bay in the evening."
LIE = "A black cat stands on a wooden table under a clock."


def filtered(run: Run, make: SimpleNamespace, pairs: list[Any], given: list[Any] | None = None, **options: Any) -> Any:
    """Return the filter after its survey, and what it made of each sample."""
    by_sample: dict[str, list[Any]] = {}
    for one in pairs:
        by_sample.setdefault(one.sample.id, []).append(one)
    inner = make.listed(pairs=by_sample)
    components = make.with_components(run, inner=inner, bench=make.listed(given=given or []))
    selector = Deduplicate(DeduplicateOptions(selector={"use": "inner"}, **options), components)
    judged = [(Judged(sample=some[0].sample, responses=()), 0) for some in by_sample.values()]
    selector.survey(judged)
    assert inner.surveyed == 1
    return selector, [one for sample, seed in judged for one in selector.select(sample, seed=seed)]


def gone(made: list[Any]) -> dict[str, str]:
    return {one.id: one.reason for one in made if isinstance(one, Dropped)}


def some_pairs(tmp_path: Path, make: SimpleNamespace) -> list[Any]:
    first, second = make.drawn(tmp_path, 1), make.drawn(tmp_path, 2)
    copy = make.drawn(tmp_path / "larger", 1, (192, 144))
    return [
        make.pair("first", LONG, LIE, image=first),
        make.pair("same image", OTHER, LIE, image=copy),
        make.pair("same text", LONG.upper(), LIE, image=second),
        make.pair("same both", f"{LONG} ", LIE.replace(".", "!"), image=copy),
        make.pair("exchanged", LIE, LONG, image=first),
    ]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("both", {"same both"}),
        ("text", {"same text", "same both"}),
        ("image", {"same image", "same both", "exchanged"}),
        ("none", set()),
    ],
)
def test_by_each_rule_its_pairs_go(
    run: Run, tmp_path: Path, make: SimpleNamespace, rule: str, expected: set[str]
) -> None:
    selector, made = filtered(run, make, some_pairs(tmp_path, make), duplicate=rule)
    assert gone(made) == dict.fromkeys(expected, "near-duplicate")
    assert len(made) == 5
    assert selector.facts()["deduplicate"] == f"{5 - len(expected)} of 5"
    assert selector.facts()["inner"] == "told"


def test_what_goes_says_what_it_repeats(run: Run, tmp_path: Path, make: SimpleNamespace) -> None:
    _, made = filtered(run, make, some_pairs(tmp_path, make))
    (drop,) = [one for one in made if isinstance(one, Dropped)]
    assert drop.detail == "nearly the same as 'first', 100% of the three-word sequences in common"


def test_all_pairs_of_one_sample_stay_by_image(run: Run, tmp_path: Path, make: SimpleNamespace) -> None:
    one = make.pair("one", LONG, LIE, image=make.drawn(tmp_path, 1))
    two = evolve(one, id="two", chosen=evolve(one.chosen, text=OTHER))
    later = make.pair("later", OTHER, LIE, image=make.drawn(tmp_path, 1))
    none = [make.pair(name, OTHER, LIE) for name in ("no image", "nor this")]
    _, made = filtered(run, make, [one, two, later, *none], duplicate="image")
    assert set(gone(made)) == {"later"}


def test_demonstrations_and_what_was_dropped_before(run: Run, tmp_path: Path, make: SimpleNamespace) -> None:
    image = make.drawn(tmp_path, 1)
    pairs = [make.pair(name, LONG, LIE, image=image) for name in "ab"]
    shown = [Demonstration(id=one.id, sample=one.sample, chosen=one.chosen) for one in pairs]
    inner = make.listed(
        pairs={shown[0].sample.id: [shown[0], Dropped(id="x", reason="before")], shown[1].sample.id: [shown[1]]}
    )
    selector = Deduplicate(DeduplicateOptions(selector={"use": "inner"}), make.with_components(run, inner=inner))
    everything = [(Judged(sample=one.sample, responses=()), 0) for one in shown]
    selector.survey(everything)
    made = [one for judged, seed in everything for one in selector.select(judged, seed=seed)]
    assert gone(made) == {"x": "before", "b": "near-duplicate"}


def test_a_part_that_is_made_again_comes_out_the_same(run: Run, tmp_path: Path, make: SimpleNamespace) -> None:
    pairs = some_pairs(tmp_path, make)
    selector, made = filtered(run, make, pairs)
    last = Judged(sample=pairs[3].sample, responses=())
    assert list(selector.select(last, seed=0)) == [made[3]]  # alone, as where a run goes on after a stop
    assert filtered(run, make, pairs)[1] == made


def benchmark(tmp_path: Path, make: SimpleNamespace) -> list[Any]:
    return [
        Sample(
            id="q0",
            images=(make.drawn(tmp_path / "bench", 9),),
            prompt=user("How many sails has the boat on the left of the picture?"),
        ),
        Sample(id="q1", images=(make.drawn(tmp_path / "bench", 8),), prompt=user("Describe this image.")),
        Dropped(id="q2", reason="broken"),
    ]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [("image", {"image"}), ("prompt", {"prompt"}), ("either", {"image", "prompt"}), ("both", set()), ("none", set())],
)
def test_contamination_by_each_rule(
    run: Run, tmp_path: Path, make: SimpleNamespace, rule: str, expected: set[str]
) -> None:
    asked = "How many SAILS has the boat, on the left of the picture"
    pairs = [
        make.pair("image", LONG, LIE, image=make.drawn(tmp_path / "own", 9, (200, 150))),
        make.pair("prompt", OTHER, LIE, image=make.drawn(tmp_path / "own", 5), prompt=asked),
        make.pair("common", LONG, OTHER, image=make.drawn(tmp_path / "own", 6), prompt="Describe this image."),
    ]
    selector, made = filtered(
        run, make, pairs, benchmark(tmp_path, make), benchmarks=({"use": "bench"},), contamination=rule
    )
    assert gone(made) == dict.fromkeys(expected, "contaminated")
    assert selector.facts()["compared with bench"] == "2 items"


def test_both_means_both(run: Run, tmp_path: Path, make: SimpleNamespace) -> None:
    asked = "How many sails has the boat on the left of the picture?"
    pairs = [make.pair("all", LONG, LIE, image=make.drawn(tmp_path / "own", 9), prompt=asked)]
    options = {"sources": ({"use": "bench"},), "contamination": "both"}
    _, (drop,) = filtered(run, make, pairs, benchmark(tmp_path, make), **options)
    assert drop.detail == "its image is like that of 'q0' of bench and its prompt is like that of 'q0' of bench"


def test_files_of_all_tables_are_inputs(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("[]")
    table = {"use": "bench", "path": str(tmp_path), "deep": [{"file": str(tmp_path / "a.json")}], "prompt": "x" * 5000}
    options = DeduplicateOptions(selector={"use": "inner", "path": "not there"}, benchmarks=(table,))
    assert table_inputs(options) == [tmp_path, tmp_path / "a.json"]


def test_options_that_make_no_sense() -> None:
    with pytest.raises(ValueError, match="'benchmarks' must hold tables with use = NAME: 'pope'"):
        DeduplicateOptions(selector={"use": "x"}, benchmarks=("pope",))

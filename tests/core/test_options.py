"""Options are read strictly, and every fault of a table is said at once."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import pytest
from attrs import Factory, field, frozen
from attrs.validators import ge

from pairsmith.errors import OptionsError, PluginError
from pairsmith.options import describe, plain, read, read_all


@frozen(kw_only=True)
class Adapter:
    r: int = field(validator=ge(1))
    alpha: float = 32.0


@frozen(kw_only=True)
class Part:
    where: tuple[Literal["eye", "hand"], ...] = ("hand",)
    size: int = 3


@frozen(kw_only=True)
class Options:
    path: Path
    name: str = ""
    steps: int = field(default=1, validator=ge(1))
    rate: float = 0.5
    shuffle: bool = False
    mode: Literal["worst", "random"] = "worst"
    words: tuple[str, ...] = ()
    betas: tuple[float, float] = (0.9, 0.98)
    weights: Mapping[str, float] = Factory(dict)
    adapter: Adapter | None = None
    most: int | None = None
    part: Part | None = field(default=None, metadata={"word": "where"})
    texts: tuple[str, ...] | Path = ()


def said(table: Mapping[str, Any], options: type[Any] = Options) -> list[str]:
    """The faults of a table, whose required option is there."""
    required = {"path": "p"} if options is Options else {}
    _, faults = read_all({**required, **table}, options, "train")
    return [str(fault) for fault in faults]


def test_a_table_becomes_options_of_the_right_types() -> None:
    table = {"path": "a/b", "rate": 1, "words": ["x"], "weights": {"object": 2}, "adapter": {"r": 4}, "betas": [0, 1]}
    assert read(table, Options, "train") == Options(
        path=Path("a/b"), rate=1.0, words=("x",), weights={"object": 2.0}, adapter=Adapter(r=4), betas=(0.0, 1.0)
    )
    assert type(read(table, Options, "train").rate) is float


def test_a_table_may_be_one_word_of_its_array() -> None:
    made = read({"path": "p", "part": "eye"}, Options, "train")
    assert made.part == Part(where=("eye",))
    assert made == read({"path": "p", "part": {"where": ["eye"]}}, Options, "train")
    assert plain(made)["part"] == {"where": ["eye"], "size": 3}, "what is kept is the table, however it was written"
    (kind,) = [one.kind for one in describe(Options) if one.name == "part"]
    assert kind == "table or string"


def test_an_array_may_be_a_path_instead() -> None:
    assert read({"path": "p", "texts": ["a", "b"]}, Options, "train").texts == ("a", "b")
    assert read({"path": "p", "texts": "a/b"}, Options, "train").texts == Path("a/b")


@pytest.mark.parametrize(("table", "expected"), [
    ({"stepz": 1}, "train.stepz: unknown option; did you mean 'steps'?"),
    ({"path": 3}, "train.path: expected a path, got 3"),
    ({"name": 3}, "train.name: expected a string, got 3"),
    ({"name": ["a"]}, "train.name: expected a string, got ['a']"),
    ({"steps": "two"}, "train.steps: expected an integer, got 'two'"),
    ({"steps": 1.0}, "train.steps: expected an integer, got 1.0"),
    ({"steps": True}, "train.steps: expected an integer, got True"),
    ({"steps": 0}, "train.steps: 'steps' must be >= 1: 0"),
    ({"rate": "0.5"}, "train.rate: expected a number, got '0.5'"),
    ({"rate": False}, "train.rate: expected a number, got False"),
    ({"shuffle": "false"}, "train.shuffle: expected true or false, got 'false'"),
    ({"shuffle": 0}, "train.shuffle: expected true or false, got 0"),
    ({"mode": "wurst"}, "train.mode: expected one of 'worst', 'random', got 'wurst'; did you mean 'worst'?"),
    ({"words": "abc"}, "train.words: expected an array, got 'abc'"),
    ({"words": ["a", 2]}, "train.words[1]: expected a string, got 2"),
    ({"betas": [0.9]}, "train.betas: expected an array of 2, got 1: [0.9]"),
    ({"weights": 3}, "train.weights: expected a table, got 3"),
    ({"weights": {"object": "heavy"}}, "train.weights.object: expected a number, got 'heavy'"),
    ({"adapter": 8}, "train.adapter: expected a table, got 8"),
    ({"adapter": {"r": 4, "alfa": 1.0}}, "train.adapter.alfa: unknown option; did you mean 'alpha'?"),
    ({"adapter": {}}, "train.adapter.r: is required, and missing"),
    ({"adapter": {"r": 0}}, "train.adapter.r: 'r' must be >= 1: 0"),
    ({"most": "all"}, "train.most: expected an integer, got 'all'"),
    ({"part": "eyes"}, "train.part: expected one of 'eye', 'hand', got 'eyes'; did you mean 'eye'?"),
    ({"part": 3}, "train.part: expected a table, got 3"),
    ({"part": {"where": "eye"}}, "train.part.where: expected an array, got 'eye'"),
    ({"texts": 3}, "train.texts: expected an array or a path, got 3"),
    ({"texts": ["a", 3]}, "train.texts[1]: expected a string, got 3"),
])  # fmt: skip
def test_a_fault_has_its_place_its_value_and_what_is_right(table: dict[str, Any], expected: str) -> None:
    assert said(table) == [expected]


def test_what_is_nearest_to_nothing_gets_the_whole_list() -> None:
    assert said({"zzz": 1}, Adapter)[0] == "train.zzz: unknown option; there are r, alpha"


def test_all_faults_are_said_at_once() -> None:
    table = {"stepz": 1, "rate": "high", "steps": -1, "adapter": {"r": "four", "alfa": 1}, "words": [1, "a", 2]}
    with pytest.raises(OptionsError) as error:
        read(table, Options, "stages[1].train")
    assert str(error.value).splitlines() == [
        "stages[1].train.stepz: unknown option; did you mean 'steps'?",
        "stages[1].train.path: is required, and missing",
        "stages[1].train.steps: 'steps' must be >= 1: -1",
        "stages[1].train.rate: expected a number, got 'high'",
        "stages[1].train.words[0]: expected a string, got 1",
        "stages[1].train.words[2]: expected a string, got 2",
        "stages[1].train.adapter.alfa: unknown option; did you mean 'alpha'?",
        "stages[1].train.adapter.r: expected an integer, got 'four'",
    ]


@frozen(kw_only=True)
class Range:
    low: float = 0.0
    high: float = field(default=1.0)
    made: float = field(init=False, default=3.0)

    @high.validator
    def _above(self, _: object, value: float) -> None:
        if value < self.low:
            msg = f"'high' must not be below 'low' = {self.low}: {value}"
            raise ValueError(msg)


def test_a_validator_may_look_at_the_other_options() -> None:
    assert read({"low": 0.2, "high": 0.4}, Range, "images") == Range(low=0.2, high=0.4)
    assert read({"high": 0.4}, Range, "images") == Range(high=0.4)
    assert said({"low": 0.5, "high": 0.4}, Range) == ["train.high: 'high' must not be below 'low' = 0.5: 0.4"]
    assert said({"high": -1}, Range) == ["train.high: 'high' must not be below 'low' = 0.0: -1.0"]
    assert said({"low": 2.0}, Range) == ["train: 'high' must not be below 'low' = 2.0: 1.0"]


def test_a_validator_that_looks_at_a_missing_option_adds_no_fault() -> None:
    @frozen(kw_only=True)
    class Share:
        whole: float
        part: float = field(default=1.0)

        @part.validator
        def _below(self, _: object, value: float) -> None:
            if value > self.whole:
                raise ValueError("'part' is more than 'whole'")

    assert said({"part": 3.0}, Share) == ["train.whole: is required, and missing"]
    assert said({"part": 3.0, "whole": 2.0}, Share) == ["train.part: 'part' is more than 'whole'"]


def test_a_validator_is_not_asked_about_what_is_wrong_already() -> None:
    assert said({"low": "x", "high": 0.4}, Range) == ["train.low: expected a number, got 'x'"]


def test_what_a_class_makes_itself_is_no_option() -> None:
    assert said({"made": 4.0}, Range) == ["train.made: unknown option; there are low, high"]
    assert [option.name for option in describe(Range)] == ["low", "high"]


@pytest.mark.parametrize(("error", "named"), [(ValueError, ""), (TypeError, ""), (LookupError, "LookupError: ")])
def test_options_that_refuse_to_be_made_together_are_one_fault(error: type[Exception], named: str) -> None:
    @frozen
    class Strict:
        a: int = 1

        def __attrs_post_init__(self) -> None:
            raise error("a and b\nexclude each other")

    assert said({}, Strict) == [f"train: {named}a and b"]


def test_an_options_class_of_unknown_types_is_its_plugins_fault() -> None:
    @frozen
    class Odd:
        when: complex = 1j

    with pytest.raises(PluginError, match=r"train\.when: .*complex.* use str, bool, int"):
        read({"when": 3}, Odd, "train")


def test_an_options_class_whose_types_cannot_be_looked_up_is_its_plugins_fault() -> None:
    @frozen
    class Lost:
        when: "Nowhere" = None  # type: ignore[name-defined] # noqa: F821

    with pytest.raises(PluginError, match=r"Lost: name 'Nowhere' is not defined"):
        read({}, Lost, "train")


def test_options_are_described_in_order_with_type_default_and_help() -> None:
    @frozen(kw_only=True)
    class Some:
        path: Path = field(metadata={"help": "where"})
        n: int | None = None
        words: tuple[str, ...] = ("a",)
        mode: Literal["x", "y"] = "x"
        flag: bool = True
        weights: Mapping[str, float] = Factory(dict)
        adapter: Adapter | None = None
        twice: int = Factory(lambda self: 2 * (self.n or 0), takes_self=True)

    assert [(one.name, one.kind, one.default, one.help) for one in describe(Some)] == [
        ("path", "path", "required", "where"),
        ("n", "integer", "none", ""),
        ("words", "array of string", "['a']", ""),
        ("mode", "'x' | 'y'", "'x'", ""),
        ("flag", "bool", "true", ""),
        ("weights", "table of number", "{}", ""),
        ("adapter", "table", "none", ""),
        ("twice", "integer", "computed", ""),
    ]


def test_options_as_json_hold_no_objects() -> None:
    options = Options(path=Path("a"), words=("x",), adapter=Adapter(r=4))
    assert plain(options)["path"] == "a"
    assert plain(options)["words"] == ["x"]
    assert plain(options)["adapter"] == {"r": 4, "alpha": 32.0}

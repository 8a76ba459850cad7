"""A component that another one's options name is checked at once and built when it is needed."""

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from attrs import field, frozen

from pairsmith import hookimpl
from pairsmith.component import Component
from pairsmith.errors import ComponentNotFoundError, OptionsError, RecipeError, UsageError
from pairsmith.interfaces import Run
from pairsmith.recipe import Document, Use, resolve
from pairsmith.registry import Registry
from pairsmith.testing import make_run
from pairsmith.within import builder, check_within

BUILT: list[Any] = []


@frozen(kw_only=True)
class Options:
    size: int = field(default=1, metadata={"help": "a size"})


@frozen(kw_only=True)
class OuterOptions:
    one: Mapping[str, Any] | None = field(default=None, metadata={"help": "a table", "component": "generators"})
    many: tuple[Mapping[str, Any], ...] = field(
        default=(), metadata={"help": "tables", "component": "generators", "besides": ("weight",)}
    )
    other: Mapping[str, Any] | None = field(default=None, metadata={"help": "a table of something else"})


def make(options: Options, run: Run) -> tuple[Options, Run]:
    BUILT.append(options)
    return options, run


@pytest.fixture
def registry() -> Registry:
    made = Registry()
    offered = [
        Component(name="asked", factory=f"{__name__}:make", options=Options, summary="Answers."),
        Component(name="outer", factory=f"{__name__}:make", options=OuterOptions, summary="Asks others."),
    ]
    made.add("pairsmith-x", lambda: SimpleNamespace(pairsmith_generators=hookimpl(lambda: offered)))
    return made


def test_it_is_built_when_called_and_given_the_run(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pairsmith.component.resolve", lambda _: make)
    run = make_run(tmp_path)
    BUILT.clear()
    build = builder(registry, lambda: run)("generators", {"use": "asked", "size": 3}, "benchmarks[0].judge")
    assert not BUILT
    assert build() == (Options(size=3), run)


@pytest.mark.parametrize(
    ("table", "error", "message"),
    [
        ({"size": 3}, OptionsError, r'benchmarks\[0\].judge: needs use = "NAME", one of the generators: None'),
        (
            {"use": "aksed"},
            ComponentNotFoundError,
            r"benchmarks\[0\].judge.use: no generator 'aksed'; did you mean 'asked'",
        ),
        ({"use": "asked", "size": "x"}, OptionsError, r"benchmarks\[0\].judge.size: expected an integer, got 'x'"),
    ],
)
def test_what_is_wrong_is_said_at_once(
    registry: Registry, tmp_path: Path, table: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        builder(registry, lambda: make_run(tmp_path))("generators", table, "benchmarks[0].judge")


def test_outside_a_run_there_is_nothing_to_choose_from(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="judge: there are no generators to choose from outside a recipe's run"):
        make_run(tmp_path).component("generators", {"use": "asked"}, "judge")


def checked(registry: Registry, **options: Any) -> None:
    use = Use(
        kind="generators",
        where="responses",
        offer=registry.find("generators", "outer"),
        options=OuterOptions(**options),
    )
    check_within(SimpleNamespace(uses=lambda: [use]), registry)  # type: ignore[arg-type] - all it reads of a recipe


def test_tables_within_options_that_fit_pass(registry: Registry) -> None:
    deep = {"use": "outer", "many": ({"use": "asked"},)}
    checked(registry, one={"use": "asked", "size": 2}, many=(deep, {"use": "asked", "weight": 2}), other={"size": "x"})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"one": {"use": "asked", "size": "x"}}, r"responses\.one\.size: expected an integer, got 'x'"),
        ({"many": ({"use": "asked"}, {"use": "aksed"})}, r"responses\.many\[1\]\.use: no generator 'aksed'"),
        ({"one": {"use": "asked", "weight": 2}}, r"responses\.one\.weight: unknown option"),
        (
            {"one": {"use": "outer", "many": [{"use": "asked", "sise": 1}]}},
            r"responses\.one\.many\[0\]\.sise: unknown option",
        ),
    ],
)
def test_tables_within_options_are_checked_before_a_run(
    registry: Registry, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        checked(registry, **options)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"one": {"use": "asked", "size": "x"}}, ["responses[0].one.size: expected an integer, got 'x'"]),
        (
            {"many": [{"use": "asked", "weight": 2}, {"use": "aksed"}]},
            ["responses[0].many[1].use: no generator 'aksed'"],
        ),
        ({"many": [{"use": "asked", "weight": 2}]}, []),
    ],
)
def test_a_recipe_says_what_is_wrong_in_each_of_several_tables(
    registry: Registry, options: dict[str, Any], said: list[str]
) -> None:
    tables = {"schema": 1, "images": {"use": "asked"}, "responses": [{"use": "outer", **options}]}
    with pytest.raises(RecipeError) as error:
        resolve(Document(name="r", path=None, tables=tables), registry)
    lines = [line.strip() for line in str(error.value).splitlines()]
    about = [line for line in lines if line.startswith("responses")]
    assert [line[: len(start)] for line, start in zip(about, said, strict=True)] == said

"""A component that another one's options name is checked at once and built when it is needed."""

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from attrs import evolve, field, frozen

from pairsmith import hookimpl
from pairsmith.component import Component
from pairsmith.errors import ComponentNotFoundError, OptionsError, RecipeError, UsageError
from pairsmith.interfaces import Run, Weights
from pairsmith.recipe import Use
from pairsmith.registry import Registry
from pairsmith.testing import make_run
from pairsmith.within import builder, check_within, own_model

BUILT: list[Any] = []


@frozen(kw_only=True)
class Options:
    size: int = field(default=1, metadata={"help": "a size"})


@frozen(kw_only=True)
class OuterOptions:
    model: Mapping[str, Any] | None = field(default=None, metadata={"help": "a table", "component": "model_families"})
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
    families = [Component(name="made", factory=f"{__name__}:Family", options=Options, summary="A model.")]
    judges = [Component(name="judge", factory=f"{__name__}:make", options=OuterOptions, summary="Judges.")]
    hooks = {"pairsmith_generators": offered, "pairsmith_model_families": families, "pairsmith_judges": judges}
    made.add(
        "pairsmith-x", lambda: SimpleNamespace(**{name: hookimpl(lambda own=own: own) for name, own in hooks.items()})
    )
    return made


class Family:
    def __init__(self, options: Options, run: Run) -> None:
        self.size, self.weights = options.size, Weights(path=f"model-{options.size}")

    def fingerprint(self, weights: Weights) -> str:
        return f"{weights.path}!"


def outer(registry: Registry, kind: Any = "generators", name: str = "outer", **options: Any) -> Use:
    return Use(kind=kind, where="responses", offer=registry.find(kind, name), options=OuterOptions(**options))


@pytest.mark.parametrize(
    "options",
    [
        {"model": {"use": "made", "size": 3}},
        {"one": {"use": "outer", "model": {"use": "made", "size": 3}}},  # as where a generator asks another
    ],
)
def test_a_model_of_its_own_is_named_in_its_options(
    registry: Registry, tmp_path: Path, options: dict[str, Any]
) -> None:
    own = own_model(outer(registry, **options), registry, make_run(tmp_path))
    assert own is not None
    assert (own.weights.path, own.identity()) == ("model-3", "model-3!")
    assert own_model(outer(registry), registry, make_run(tmp_path)) is None


def test_a_judge_within_a_component_of_another_kind_keeps_its_model_for_itself(
    registry: Registry, tmp_path: Path
) -> None:
    table = {"use": "outer", "model": {"use": "made"}}
    assert own_model(outer(registry, "judges", "judge", one=table), registry, make_run(tmp_path)) is None


def test_two_models_are_one_too_many(registry: Registry) -> None:
    both = outer(registry, model={"use": "made"}, one={"use": "outer", "model": {"use": "made"}})
    with pytest.raises(RecipeError, match=r"responses\.one\.model: responses has a model already, responses\.model"):
        check_within(SimpleNamespace(uses=lambda: [both]), registry)  # type: ignore[arg-type] - all it reads of a recipe


def test_what_is_built_within_another_has_its_own_model_unless_one_is_given(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pairsmith.component.resolve", lambda target: Family if "Family" in target else make)
    run = make_run(tmp_path)
    build = builder(registry, lambda: run)("generators", {"use": "outer", "model": {"use": "made", "size": 2}}, "x")
    assert build()[1].weights == Weights(path="model-2")
    evaluated = evolve(run, family=Family(Options(size=9), run), weights=Weights(path="trained"))
    assert build(evaluated)[1].weights == Weights(path="trained")


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

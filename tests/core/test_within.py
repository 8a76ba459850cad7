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
from pairsmith.model import check_models, own_model
from pairsmith.recipe import Document, Use, resolve
from pairsmith.registry import Registry
from pairsmith.testing import make_run
from pairsmith.within import builder

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
        "pairsmith-x", lambda: SimpleNamespace(**{one: hookimpl(lambda own=own: own) for one, own in hooks.items()})
    )
    nothing = [Component(name="none", factory=f"{__name__}:make", summary="Nothing.")]
    made.add("pairsmith-y", lambda: SimpleNamespace(pairsmith_image_sources=hookimpl(lambda: nothing)))
    checks = [Component(name="pillow", factory=f"{__name__}:make", summary="Nothing.")]
    made.add("pairsmith-z", lambda: SimpleNamespace(pairsmith_image_checks=hookimpl(lambda: checks)))
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


def read(registry: Registry, **options: Any) -> Use:
    tables = {"schema": 1, "images": {"use": "none"}, "responses": {"use": "outer", **options}}
    recipe = resolve(Document(name="r", path=None, tables=tables), registry)
    return recipe.responses[0]


def test_tables_within_options_that_fit_pass(registry: Registry) -> None:
    deep = {"use": "outer", "many": [{"use": "asked"}]}
    many = [deep, {"use": "asked", "weight": 2}]
    use = read(registry, one={"use": "asked", "size": 2}, many=many, other={"size": "x"})
    assert [one.where for one in use.all()] == [
        "responses",
        "responses.one",
        "responses.many[0]",
        "responses.many[0].many[0]",
        "responses.many[1]",
    ]


def test_what_a_component_is_made_of_counts_in_its_key(registry: Registry) -> None:
    before = read(registry, one={"use": "asked"}).key()
    assert before == read(registry, one={"use": "asked"}).key()
    object.__setattr__(registry.find("generators", "asked").component, "revision", 2)
    assert read(registry, one={"use": "asked"}).key() != before
    assert "inner" not in read(registry).key(), "what is made of nothing keeps the key that it always had"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"one": {"use": "asked", "size": "x"}}, r"responses\.one\.size: expected an integer, got 'x'"),
        ({"one": "asked"}, r"responses\.one: expected a table with a line use = \"NAME\", got 'asked'"),
        ({"many": [{"use": "asked"}, {"use": "aksed"}]}, r"responses\.many\[1\]\.use: no generator 'aksed'"),
        ({"one": {"use": "asked", "weight": 2}}, r"responses\.one\.weight: unknown option"),
        (
            {"one": {"use": "outer", "many": [{"use": "asked", "sise": 1}]}},
            r"responses\.one\.many\[0\]\.sise: unknown option",
        ),
    ],
)
def test_tables_within_options_are_checked_with_the_recipe(
    registry: Registry, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        read(registry, **options)


class Family:
    def __init__(self, options: Options, run: Run) -> None:
        self.size, self.weights = options.size, Weights(path=f"model-{options.size}")

    def fingerprint(self, weights: Weights) -> str:
        return f"{weights.path}!"


@pytest.mark.parametrize(
    "options",
    [
        {"model": {"use": "made", "size": 3}},
        {"one": {"use": "outer", "model": {"use": "made", "size": 3}}},  # as where a generator asks another
    ],
)
def test_a_model_of_its_own_is_named_in_its_options(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]
) -> None:
    monkeypatch.setattr("pairsmith.component.resolve", lambda _: Family)
    own = own_model(read(registry, **options), registry, make_run(tmp_path))
    assert own is not None
    assert (own.weights.path, own.identity()) == ("model-3", "model-3!")
    assert own_model(read(registry), registry, make_run(tmp_path)) is None


def test_what_another_kind_holds_keeps_its_model_for_itself(registry: Registry, tmp_path: Path) -> None:
    generator = read(registry, one={"use": "outer", "model": {"use": "made"}})
    judge = evolve(generator, kind="judges", offer=registry.find("judges", "judge"))
    assert own_model(judge, registry, make_run(tmp_path)) is None


def test_two_models_are_one_too_many(registry: Registry) -> None:
    both = {"model": {"use": "made"}, "one": {"use": "outer", "model": {"use": "made"}}}
    tables = {"schema": 1, "images": {"use": "none"}, "responses": {"use": "outer", **both}}
    with pytest.raises(RecipeError, match=r"responses\.one\.model: responses has a model already, responses\.model"):
        check_models(resolve(Document(name="r", path=None, tables=tables), registry))


def test_what_is_built_within_another_has_its_own_model_unless_one_is_given(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pairsmith.component.resolve", lambda target: Family if "Family" in target else make)
    run = make_run(tmp_path)
    build = builder(registry, lambda: run)("generators", {"use": "outer", "model": {"use": "made", "size": 2}}, "x")
    assert build()[1].weights == Weights(path="model-2")
    evaluated = evolve(run, family=Family(Options(size=9), run), weights=Weights(path="trained"))
    assert build(evaluated)[1].weights == Weights(path="trained")

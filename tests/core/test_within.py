"""A component that another one's options name is checked at once and built when it is needed."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from attrs import field, frozen

from pairsmith import hookimpl
from pairsmith.component import Component
from pairsmith.errors import ComponentNotFoundError, OptionsError, UsageError
from pairsmith.interfaces import Run
from pairsmith.registry import Registry
from pairsmith.testing import make_run
from pairsmith.within import builder

BUILT: list[Any] = []


@frozen(kw_only=True)
class Options:
    size: int = field(default=1, metadata={"help": "a size"})


def make(options: Options, run: Run) -> tuple[Options, Run]:
    BUILT.append(options)
    return options, run


@pytest.fixture
def registry() -> Registry:
    made = Registry()
    offered = Component(name="asked", factory=f"{__name__}:make", options=Options, summary="Answers.")
    made.add("pairsmith-x", lambda: SimpleNamespace(pairsmith_generators=hookimpl(lambda: [offered])))
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

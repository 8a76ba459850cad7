"""docs/efficacy.md says what was measured: its tables are made of the scores that the benchmark keeps, and none is missing."""

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from pairsmith.registry import Registry

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "efficacy.md").read_text(encoding="utf-8")
SEEDS = 5


@pytest.fixture(scope="module")
def grid() -> Iterator[ModuleType]:
    folder = ROOT / "benchmarks"
    sys.path.insert(0, str(folder))
    try:
        spec = importlib.util.spec_from_file_location("efficacy_grid", folder / "efficacy_grid.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        yield module
    finally:
        sys.path.remove(str(folder))


def test_the_tables_are_those_of_the_scores_that_are_kept(grid: ModuleType) -> None:
    results = grid.read(ROOT / "benchmarks" / "efficacy_results.json")
    assert not list(grid.missing(results, SEEDS))
    for compared, entries in grid.rows(results, SEEDS).items():
        assert grid.table(entries, results["before"], compared) in PAGE


@pytest.mark.parametrize(("hook", "compared"), [("losses", "losses"), ("pair_selectors", "selectors")])
def test_what_is_packaged_is_compared_or_said_not_to_be(grid: ModuleType, hook: str, compared: str) -> None:
    settings = [setting for entries in grid.grid().values() for group in entries.values() for setting in group]
    left_out = PAGE.partition("## Not compared")[2]
    offered = {offer.component.name for offer in Registry.discover().offers(hook)}
    assert len(offered) > 10
    missing = {
        name
        for name in offered - {"dpo", "best-worst"}  # of the recipe that the grid changes
        if not any(f'use="{name}"' in setting for setting in settings) and f"`{name}`" not in left_out
    }
    assert not missing, f"{compared} of efficacy_grid.toml"

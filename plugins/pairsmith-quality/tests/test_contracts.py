"""Every component of this plugin keeps the contract of its kind."""

from pathlib import Path

from attrs import evolve

from pairsmith.interfaces import Run
from pairsmith.registry import Registry
from pairsmith.testing import PairSelectorContract, ReporterContract, make_run
from pairsmith.within import builder


class TestDeduplicate(PairSelectorContract):
    name = "pairsmith-quality/deduplicate"
    options = {"selector": {"use": "best-worst"}}

    def make_run(self, tmp_path: Path) -> Run:
        run = make_run(tmp_path / "run")
        return evolve(run, component=builder(Registry.discover(), lambda: run))


class TestQuality(ReporterContract):
    name = "pairsmith-quality/quality"

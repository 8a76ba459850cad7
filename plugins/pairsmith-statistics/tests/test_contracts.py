"""Every component of this plugin keeps the contract of its kind."""

from pairsmith.testing import ReporterContract


class TestComparison(ReporterContract):
    name = "pairsmith-statistics/comparison"


class TestJudges(ReporterContract):
    name = "pairsmith-statistics/judges"

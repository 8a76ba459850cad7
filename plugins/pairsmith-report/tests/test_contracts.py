"""Every component of this plugin keeps the contract of its kind."""

from pairsmith.testing import ReporterContract


class TestHtml(ReporterContract):
    name = "pairsmith-report/html"


class TestMarkdown(ReporterContract):
    name = "pairsmith-report/markdown"

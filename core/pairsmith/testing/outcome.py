"""What every trainer, benchmark, exporter and reporter must do, as far as it can be said without running one."""

import math
from typing import Any, ClassVar

from pairsmith.interfaces import Kind, Scores
from pairsmith.testing.component import ComponentContract
from pairsmith.values import Response


class TrainerContract(ComponentContract):
    """For components of ``pairsmith_trainers``."""

    kind: ClassVar[Kind] = "trainers"

    def test_it_launches_the_worker_it_is_given(self, component: Any) -> None:
        """The run directory and the stage reach the process that trains."""
        worker = ["python", "-m", "pairsmith.worker", "RUN", "STAGE"]
        command = list(component.launch(worker))
        assert command[-3:] == worker[-3:]

    def test_what_changes_the_reference_is_plain(self, component: Any) -> None:
        """It becomes part of a stage's key."""
        import json

        assert json.loads(json.dumps(dict(component.reference_settings()))) == dict(component.reference_settings())


class BenchmarkContract(ComponentContract):
    """For components of ``pairsmith_benchmarks``."""

    kind: ClassVar[Kind] = "benchmarks"

    def test_samples_are_the_same_every_time(self, component: Any) -> None:
        """Models are compared on the same items."""
        assert list(component.samples()) == list(component.samples())

    def test_it_names_its_source(self, component: Any) -> None:
        """A number without a source is nobody's benchmark."""
        assert component.source

    def test_any_answer_has_a_score(self, component: Any) -> None:
        """Silence and nonsense are answers too; every score is a number, and each item has a record."""
        samples = list(component.samples())
        for text in ("", "xyzzy " * 50):
            responses = [Response(id=f"{one.id}/0", sample_id=one.id, text=text) for one in samples]
            scores = component.score(samples, responses)
            assert isinstance(scores, Scores)
            assert all(value == value and abs(value) != float("inf") for value in scores.metrics.values())  # noqa: PLR0124
            assert set(scores.lower_is_better) | set(scores.neutral) <= set(scores.metrics)
            assert len(scores.items) in {0, len(samples)}
            self._sums_make_the_metrics(component, scores, len(samples))

    def _sums_make_the_metrics(self, component: Any, scores: Scores, samples: int) -> None:
        """What each item adds, added up, must give the very numbers: intervals are computed from it."""
        if not scores.sums:
            return
        assert len(scores.sums) == samples
        totals: dict[str, float] = {}
        for one in scores.sums:
            for name, value in one.items():
                totals[name] = totals.get(name, 0) + value
        again = component.metrics(totals)
        assert all(math.isclose(again[name], scores.metrics[name], abs_tol=1e-9) for name in again)
        assert set(again) <= set(scores.metrics)
        component.metrics(dict.fromkeys(totals, 0.0))  # a resample may hold none of what a number is a share of


class ReporterContract(ComponentContract):
    """For components of ``pairsmith_reporters``."""

    kind: ClassVar[Kind] = "reporters"


class ExporterContract(ComponentContract):
    """For components of ``pairsmith_exporters``."""

    kind: ClassVar[Kind] = "exporters"

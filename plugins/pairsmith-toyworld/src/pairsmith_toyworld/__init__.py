"""A self-contained world in which preference alignment can be tried and measured in minutes on a CPU."""

from collections.abc import Iterable

from pairsmith import Component, hookimpl
from pairsmith.hookspecs import ModelDirectory


@hookimpl
def pairsmith_image_sources() -> Iterable[Component]:
    """Offer the pictures."""
    yield Component(
        name="toyworld",
        factory="pairsmith_toyworld.source:ToyworldSource",
        options="pairsmith_toyworld.options:SourceOptions",
        summary="Pictures of coloured shapes with their scene graph, drawn on the spot.",
    )


@hookimpl
def pairsmith_decomposers() -> Iterable[Component]:
    """Offer the grammar."""
    yield Component(
        name="toyworld-grammar",
        factory="pairsmith_toyworld.grammar:GrammarDecomposer",
        summary="Parses captions of the toy world into claims.",
    )


@hookimpl
def pairsmith_judges() -> Iterable[Component]:
    """Offer the oracle."""
    yield Component(
        name="toyworld-oracle",
        factory="pairsmith_toyworld.oracle:OracleJudge",
        options="pairsmith_toyworld.options:OracleOptions",
        summary="Checks claims against the scene graph; can be made to err with a given probability.",
    )


@hookimpl
def pairsmith_benchmarks() -> Iterable[Component]:
    """Offer the benchmark."""
    yield Component(
        name="toyworld",
        factory="pairsmith_toyworld.benchmark:ToyworldBenchmark",
        options="pairsmith_toyworld.options:BenchmarkOptions",
        summary="Hallucination, recall and claim accuracy of captions on held-out pictures.",
    )


@hookimpl
def pairsmith_trainers() -> Iterable[Component]:
    """Offer the vision pre-training."""
    yield Component(
        name="toyworld-vision",
        factory="pairsmith_toyworld.vision:VisionTrainer",
        options="pairsmith_toyworld.options:VisionOptions",
        summary="Teaches a blank model's vision tower the shapes, colours, sizes and words of the toy world.",
    )


@hookimpl
def pairsmith_model_dirs() -> Iterable[ModelDirectory]:
    """Offer the base model, and the blank one it was made from."""
    yield ModelDirectory(name="toyworld-base", package="pairsmith_toyworld", path="base")
    yield ModelDirectory(name="toyworld-blank", package="pairsmith_toyworld", path="blank")

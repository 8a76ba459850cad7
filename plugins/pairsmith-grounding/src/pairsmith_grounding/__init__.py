"""Claims checked by where things are: box geometry, annotations."""

from collections.abc import Iterable

from pairsmith import Component, hookimpl
from pairsmith_grounding.options import AnnotationsOptions


@hookimpl
def pairsmith_judges() -> Iterable[Component]:
    """Offer the judges."""
    yield Component(
        name="annotations",
        factory="pairsmith_grounding.annotations:Annotations",
        options=AnnotationsOptions,
        inputs="pairsmith_grounding.options:annotations_inputs",
        summary="Checks claims against the scene graph or COCO instances that came with a sample.",
    )

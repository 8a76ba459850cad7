"""Claims checked by where things are: detectors, box geometry, annotations."""

from collections.abc import Iterable

from pairsmith import Component, hookimpl
from pairsmith_grounding.options import AnnotationsOptions, GroundingDinoOptions, OwlVitOptions


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
    yield Component(
        name="owl-vit",
        factory="pairsmith_grounding.detector:owl_vit",
        options=OwlVitOptions,
        needs="pairsmith_grounding.options:detector_needs",
        inputs="pairsmith_grounding.options:detector_inputs",
        summary="Looks for things with OWL-ViT: whether they are there, how many, how large, where.",
    )
    yield Component(
        name="grounding-dino",
        factory="pairsmith_grounding.detector:grounding_dino",
        options=GroundingDinoOptions,
        needs="pairsmith_grounding.options:detector_needs",
        inputs="pairsmith_grounding.options:detector_inputs",
        summary="Looks for things with Grounding DINO: whether they are there, how many, how large, where.",
    )

"""Scene graphs of GQA and Visual Genome, and COCO's instances, as image sources with their truth."""

from collections.abc import Iterator

from pairsmith import Component, hookimpl
from pairsmith_visual_genome.options import AnnotatedOptions, VisualGenomeOptions


@hookimpl
def pairsmith_image_sources() -> Iterator[Component]:
    """Offer annotated images."""
    yield Component(
        name="gqa",
        factory="pairsmith_visual_genome.graphs:Gqa",
        options=AnnotatedOptions,
        inputs="pairsmith_visual_genome.options:annotated_inputs",
        summary="Images of GQA's scene graphs, with their graph as truth (the images of DecompGen, arXiv 2411.13697).",
    )
    yield Component(
        name="visual-genome",
        factory="pairsmith_visual_genome.graphs:VisualGenome",
        options=VisualGenomeOptions,
        inputs="pairsmith_visual_genome.options:visual_genome_inputs",
        summary="Images of Visual Genome, with their scene graph as truth.",
    )
    yield Component(
        name="coco",
        factory="pairsmith_visual_genome.coco:Coco",
        options=AnnotatedOptions,
        inputs="pairsmith_visual_genome.options:annotated_inputs",
        summary="Images of COCO, with their instances as truth.",
    )

"""Options of the sources."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from attrs import field, frozen
from attrs.validators import in_, min_len


@frozen(kw_only=True)
class AnnotatedOptions:
    """Options of ``gqa`` and ``coco``."""

    path: Path = field(metadata={"help": "the file of annotations: *_sceneGraphs.json, or instances_*.json"})
    images: Path = field(metadata={"help": "the folder of the images, or one that holds their folders"})
    prompt: str = field(
        default="Describe this image in detail.",
        validator=min_len(1),
        metadata={"help": "what is asked of every image"},
    )
    annotated_only: bool = field(default=True, metadata={"help": "leave out images in which nothing is annotated"})
    on_bad_row: Literal["stop", "skip"] = field(
        default="stop",
        validator=in_(("stop", "skip")),
        metadata={"help": "stop at an entry that cannot be used, or leave it out and log why"},
    )


def annotated_inputs(options: AnnotatedOptions) -> Sequence[Path]:
    """Return the annotations and the images."""
    return (options.path, options.images)


@frozen(kw_only=True)
class VisualGenomeOptions(AnnotatedOptions):
    """Options of ``visual-genome``."""

    path: Path = field(metadata={"help": "Visual Genome's scene_graphs.json"})
    image_data: Path | None = field(
        default=None,
        metadata={"help": "Visual Genome's image_data.json, for the images' sizes, without which boxes say nothing"},
    )


def visual_genome_inputs(options: VisualGenomeOptions) -> Sequence[Path]:
    """Return the annotations and the images."""
    return (options.path, options.images, *([options.image_data] if options.image_data else []))

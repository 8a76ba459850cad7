"""Options of the formats."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from attrs import field, frozen
from attrs.validators import in_


@frozen(kw_only=True)
class RowsOptions:
    """Options of every source that reads rows."""

    path: Path = field(
        metadata={"help": "the .json, .jsonl or .parquet file, or a folder with one (beside its images)"}
    )
    images: Path | None = field(
        default=None, metadata={"help": "the folder that image paths start from; the file's own where left out"}
    )
    on_bad_row: Literal["stop", "skip"] = field(
        default="stop",
        validator=in_(("stop", "skip")),
        metadata={"help": "stop at a row that cannot be used, or leave it out and log why"},
    )
    follow_links: bool = field(
        default=False, metadata={"help": "allow images that are links out of the folder, as download caches make them"}
    )


def row_inputs(options: RowsOptions) -> Sequence[Path]:
    """Return the file or folder, and the folder of images."""
    return (options.path, *([options.images] if options.images else []))


@frozen(kw_only=True)
class ExportOptions:
    """Options of every exporter that writes rows."""

    file: Literal["default", "json", "jsonl", "parquet"] = field(
        default="default",
        validator=in_(("default", "json", "jsonl", "parquet")),
        metadata={"help": "a JSON array, JSON lines, or Parquet with the images inside; the format's own by default"},
    )
    image_names: Literal["published", "sample", "hash"] = field(
        default="published",
        validator=in_(("published", "sample", "hash")),
        metadata={
            "help": "call images as the rows they came from did, after their sample, or by the sha256 of their bytes"
        },
    )
    card: bool = field(
        default=True, metadata={"help": "write README.md, a dataset card that says where the rows are from"}
    )
    licence: str = field(default="unknown", metadata={"help": "the licence that the card names, e.g. apache-2.0"})


@frozen(kw_only=True)
class RatingsOptions:
    """Options of the judge ``ratings``."""

    attributes: tuple[str, ...] = field(
        default=(), metadata={"help": "the ratings to take, e.g. Helpfulness; all that an answer has where left out"}
    )
    combine: Literal["mean", "sum"] = field(
        default="mean",
        validator=in_(("mean", "sum")),
        metadata={"help": "one score of several ratings (VLFeedback: mean; mllm-dpo: sum of the first three)"},
    )


@frozen(kw_only=True)
class DgprefOptions:
    """Options of the source ``dgpref``."""

    path: Path = field(metadata={"help": "the pickle of pairs (pos_neg_pairs-*.pkl)"})
    images: Path = field(metadata={"help": "the folder of the images, with VG_100K and VG_100K_2 in it or flat"})
    templates: Path | None = field(
        default=None, metadata={"help": "the instructions, one a line, as the pairs' indices count them"}
    )
    prompt: str = field(
        default="Describe this image in detail.",
        metadata={"help": "the instruction of every answer where there is no file of templates"},
    )
    on_bad_row: Literal["stop", "skip"] = field(
        default="stop",
        validator=in_(("stop", "skip")),
        metadata={"help": "stop at a pair that cannot be used, or leave it out and log why"},
    )


def dgpref_inputs(options: DgprefOptions) -> Sequence[Path]:
    """Return the pickle, the images and the templates."""
    return (options.path, options.images, *([options.templates] if options.templates else []))


@frozen(kw_only=True)
class DgprefCaptionsOptions:
    """Options of the source ``dgpref-captions``."""

    path: Path = field(metadata={"help": "the pickle of captions (vsg.pkl)"})
    scene_graphs: Path = field(
        metadata={"help": "GQA's train_sceneGraphs.json, whose order the captions' numbers follow"}
    )
    images: Path = field(metadata={"help": "the folder of the images, with VG_100K and VG_100K_2 in it or flat"})
    templates: Path | None = field(
        default=None, metadata={"help": "the instructions, one a line, as the captions' numbers count them"}
    )
    prompt: str = field(
        default="Describe this image in detail.",
        metadata={"help": "the instruction of every answer where there is no file of templates"},
    )
    logps: Path | None = field(
        default=None, metadata={"help": "the pickle of log-probabilities, kept with each answer; tensors are left out"}
    )


def captions_inputs(options: DgprefCaptionsOptions) -> Sequence[Path]:
    """Return every file, and the images."""
    files = (options.path, options.scene_graphs, options.images, options.templates, options.logps)
    return tuple(file for file in files if file is not None)


@frozen(kw_only=True)
class DgprefPickleOptions:
    """Options of the decomposer and the judge ``dgpref``."""

    path: Path = field(
        metadata={"help": "the pickle: decompositions (all_vsg_llama3.pkl), or scores (expert_check_scores.pkl)"}
    )


def pickle_inputs(options: DgprefPickleOptions) -> Sequence[Path]:
    """Return the pickle."""
    return (options.path,)

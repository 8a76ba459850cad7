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
        metadata={
            "help": "the .json, .jsonl or .parquet file, or a folder with one (beside its images); also "
            "hub:OWNER/NAME@REVISION, with :FILE or :data/*.parquet after it"
        }
    )
    images: Path | None = field(
        default=None,
        metadata={
            "help": "the folder that image paths start from, or a tar or zip file, or hub:...; the file's own where left out"
        },
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
class AltTextOptions(RowsOptions):
    """Options of ``alt-text``; those of ``lrv-instruct`` and ``scigraphqa`` differ in their defaults.

    A place in a row is the name of a column, or of what is inside of it: ``q_a_pairs.0.1``.
    """

    id: str = field(default="id", metadata={"help": "where a row's id is; rows without one are numbered"})
    image: str = field(
        default="{image}", metadata={"help": "the image's path, with places of the row in braces: {image_id}.jpg"}
    )
    question: str = field(
        default="", metadata={"help": "where the question is; none where prompt is asked of every image"}
    )
    prompt: str = field(
        default="Write an alt text for the image, which was posted with this text:\n<context>",
        metadata={"help": "what is asked where there is no question; <context> is where the context goes"},
    )
    context: str = field(
        default="context", metadata={"help": "where the text is that comes with the image, if there is one"}
    )
    answer: str = field(
        default="", metadata={"help": "where an answer is that comes with the question, if there is one"}
    )
    references: str = field(
        default="references", metadata={"help": "where reference answers are, a text or several; kept as truth"}
    )


@frozen(kw_only=True)
class LrvInstructOptions(AltTextOptions):
    """Options of ``lrv-instruct``."""

    id: str = field(default="", metadata={"help": "where a row's id is; rows without one are numbered"})
    image: str = field(
        default="{image_id}.jpg", metadata={"help": "the image's path, with places of the row in braces"}
    )
    question: str = field(default="question", metadata={"help": "where the question is"})
    context: str = field(default="", metadata={"help": "where the text is that comes with the image, if there is one"})
    answer: str = field(default="answer", metadata={"help": "where the answer is"})
    references: str = field(default="", metadata={"help": "where reference answers are; kept as truth"})


@frozen(kw_only=True)
class SciGraphQaOptions(AltTextOptions):
    """Options of ``scigraphqa``."""

    image: str = field(default="{image_file}", metadata={"help": "the image's path, with places of the row in braces"})
    question: str = field(default="q_a_pairs.0.0", metadata={"help": "where the question is"})
    context: str = field(default="", metadata={"help": "where the text is that comes with the image, if there is one"})
    answer: str = field(default="q_a_pairs.0.1", metadata={"help": "where the answer is"})
    references: str = field(default="", metadata={"help": "where reference answers are; kept as truth"})


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

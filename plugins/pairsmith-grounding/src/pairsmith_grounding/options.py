"""Options of this plugin's judges. Imports no model library."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from attrs import field, frozen
from attrs.validators import and_, deep_iterable, ge, gt, in_, le, min_len

from pairsmith.checkpoints import model_needs
from pairsmith.component import Needs
from pairsmith.sizes import Size

Boxed = Literal["object", "count", "scale", "spatial"]
BOXED: tuple[Boxed, ...] = ("object", "count", "scale", "spatial")
Annotated = Literal["object", "count", "scale", "spatial", "attribute", "relation"]
ANNOTATED: tuple[Annotated, ...] = (*BOXED, "attribute", "relation")
DTYPES = ("auto", "float32", "bfloat16", "float16")
BYTES = {"auto": 4, "float32": 4, "bfloat16": 2, "float16": 2}
SIZES = {
    "google/owlvit-base-patch32": Size(parameters=0.153e9, stored=4),
    "google/owlvit-base-patch16": Size(parameters=0.153e9, stored=4),
    "google/owlvit-large-patch14": Size(parameters=0.434e9, stored=4),
    "google/owlv2-base-patch16": Size(parameters=0.155e9, stored=4),
    "google/owlv2-base-patch16-ensemble": Size(parameters=0.155e9, stored=4),
    "google/owlv2-large-patch14": Size(parameters=0.438e9, stored=4),
    "google/owlv2-large-patch14-ensemble": Size(parameters=0.438e9, stored=4),
    "IDEA-Research/grounding-dino-tiny": Size(parameters=0.172e9, stored=4),
    "IDEA-Research/grounding-dino-base": Size(parameters=0.232e9, stored=4),
}
"""Published detectors, whose names do not tell how large they are."""
_SHARE = and_(ge(0.0), le(1.0))


@frozen(kw_only=True)
class _Detector:
    revision: str | None = field(default=None, metadata={"help": "branch, tag or commit of a hub id"})
    aspects: tuple[Boxed, ...] = field(
        default=BOXED,
        validator=[min_len(1), deep_iterable(in_(BOXED))],
        metadata={"help": "the claims it judges: whether things are there, how many, how large, where"},
    )
    floor: float = field(
        default=0.05, validator=_SHARE, metadata={"help": "least score of a box that is kept for later thresholds"}
    )
    nms: float = field(
        default=0.5, validator=_SHARE, metadata={"help": "overlap above which the worse of two boxes goes; 1 keeps all"}
    )
    near: Literal["and", "or"] = field(
        default="and",
        validator=in_(("and", "or")),
        metadata={"help": "near means close in x and in y, or in one of them as published"},
    )
    near_distance: float = field(
        default=0.1, validator=_SHARE, metadata={"help": "how far apart centres of near things are, share of the image"}
    )
    batch_size: int = field(default=8, validator=ge(1), metadata={"help": "images (grounding-dino: questions) a pass"})
    max_pixels: int = field(
        default=40_000_000, validator=ge(1), metadata={"help": "width times height beyond which no image is decoded"}
    )
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = field(
        default="auto", validator=in_(DTYPES), metadata={"help": "type of the weights; auto: float32"}
    )
    device: str = field(default="auto", metadata={"help": "auto, cpu, cuda or cuda:N"})
    trust_remote_code: bool = field(
        default=False, metadata={"help": "run Python code that comes with the model; read it first"}
    )


def _above_floor(threshold: float, floor: float) -> None:
    if threshold < floor:
        msg = f"'threshold' {threshold!r} is below 'floor' {floor!r}; boxes under the floor are not kept, lower it as well"
        raise ValueError(msg)


def _template(_: object, __: object, value: str) -> None:
    if value.count("{}") != 1:
        msg = f"'template' must hold '{{}}' once, where the name goes: {value!r}"
        raise ValueError(msg)


@frozen(kw_only=True)
class OwlVitOptions(_Detector):
    """Options of ``[[judges]] use = "owl-vit"``."""

    model: str = field(
        default="google/owlvit-large-patch14",
        validator=min_len(1),
        metadata={"help": "an OWL-ViT or OWLv2: a directory or a hub id"},
    )
    threshold: float = field(
        default=0.25, validator=_SHARE, metadata={"help": "score from which a box counts (DecompGen: 0.25)"}
    )
    template: str = field(
        default="{}", validator=_template, metadata={"help": "how a name is asked for, e.g. 'a photo of a {}'"}
    )
    together: int = field(
        default=1,
        validator=ge(1),
        metadata={
            "help": "names of an image that share its boxes, each box going to the best; 1: none does (DecompGen: 8)"
        },
    )

    def __attrs_post_init__(self) -> None:
        """Refuse a threshold that nothing was kept for."""
        _above_floor(self.threshold, self.floor)


@frozen(kw_only=True)
class GroundingDinoOptions(_Detector):
    """Options of ``[[judges]] use = "grounding-dino"``."""

    model: str = field(
        default="IDEA-Research/grounding-dino-base",
        validator=min_len(1),
        metadata={"help": "a Grounding DINO: a directory or a hub id"},
    )
    threshold: float = field(default=0.35, validator=_SHARE, metadata={"help": "score from which a box counts"})
    template: str = field(default="{}.", validator=_template, metadata={"help": "how a name is asked for"})

    def __attrs_post_init__(self) -> None:
        """Refuse a threshold that nothing was kept for."""
        _above_floor(self.threshold, self.floor)


DetectorOptions = OwlVitOptions | GroundingDinoOptions


def detector_needs(options: DetectorOptions) -> Needs:
    """Return what a detector asks of the machine."""
    return model_needs(options.model, loaded=BYTES[options.dtype], known=SIZES)


def detector_inputs(options: DetectorOptions) -> Sequence[Path]:
    """Return the model where it is a directory."""
    return (Path(options.model),) if Path(options.model).is_dir() else ()


@frozen(kw_only=True)
class AnnotationsOptions:
    """Options of ``[[judges]] use = "annotations"``."""

    aspects: tuple[Annotated, ...] = field(
        default=ANNOTATED,
        validator=[min_len(1), deep_iterable(in_(ANNOTATED))],
        metadata={"help": "the claims it judges"},
    )
    absent: Literal["contradicted", "skipped"] = field(
        default="contradicted",
        validator=in_(("contradicted", "skipped")),
        metadata={"help": "what becomes of the claim that a thing is there which is not annotated"},
    )
    unlisted: Literal["contradicted", "skipped"] = field(
        default="skipped",
        validator=in_(("contradicted", "skipped")),
        metadata={"help": "what becomes of an attribute or relation that is not annotated"},
    )
    synonyms: Path | None = field(
        default=None,
        metadata={"help": "a file with lines of names that mean the same: dog, puppy, hound"},
    )
    near: Literal["and", "or"] = field(
        default="and",
        validator=in_(("and", "or")),
        metadata={"help": "near means close in x and in y, or in one of them as published"},
    )
    near_distance: float = field(
        default=0.1,
        validator=and_(gt(0.0), le(1.0)),
        metadata={"help": "how far apart centres of near things are, share of the image"},
    )


def annotations_inputs(options: AnnotationsOptions) -> Sequence[Path]:
    """Return the file of synonyms."""
    return (options.synonyms,) if options.synonyms else ()

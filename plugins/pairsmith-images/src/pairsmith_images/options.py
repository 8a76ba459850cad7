"""Options of the components, readable without Pillow."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from attrs import Attribute, field, frozen
from attrs.validators import and_, deep_iterable, ge, gt, in_, le, min_len

_SHARE = and_(ge(0.0), le(1.0))


def _ordered(low: float, high: float, names: str) -> None:
    if low > high:
        msg = f"{names} must be in order: {low!r} is more than {high!r}"
        raise ValueError(msg)


def _suffix(_: object, attribute: "Attribute[Any]", value: str) -> None:
    if not value.startswith(".") or value != value.lower():
        msg = f"{attribute.name!r} must be lower-case file endings such as '.jpg': {value!r}"
        raise ValueError(msg)


@frozen(kw_only=True)
class FolderOptions:
    """Options of ``folder``. Exactly one of ``prompt``, ``prompts`` and ``prompt_file`` is given."""

    path: Path = field(metadata={"help": "the folder of images"})
    recursive: bool = field(default=False, metadata={"help": "look into folders inside the folder as well"})
    prompt: str = field(default="", metadata={"help": "one prompt for every image"})
    prompts: tuple[str, ...] = field(default=(), metadata={"help": "several prompts, each put to every image"})
    prompt_file: Path | None = field(
        default=None,
        metadata={"help": "a .txt with a prompt a line, or .jsonl, .json or .csv rows of image and prompt"},
    )
    suffixes: tuple[str, ...] = field(
        default=(".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"),
        validator=deep_iterable(_suffix, min_len(1)),
        metadata={"help": "endings of the files that are images, in lower case"},
    )

    def __attrs_post_init__(self) -> None:
        """Ask for one way of giving prompts."""
        given = [name for name in ("prompt", "prompts", "prompt_file") if getattr(self, name)]
        if len(given) != 1:
            msg = f"give one of 'prompt', 'prompts' and 'prompt_file': there is {' and '.join(given) or 'none'}"
            raise ValueError(msg)
        if any(not text.strip() for text in self.prompts):
            msg = f"'prompts' must not hold an empty text: {self.prompts!r}"
            raise ValueError(msg)


def folder_inputs(options: FolderOptions) -> Sequence[Path]:
    """Return the folder and the file of prompts."""
    return (options.path, *([options.prompt_file] if options.prompt_file else []))


@frozen(kw_only=True)
class PillowOptions:
    """Options of the check ``pillow``."""

    max_pixels: int = field(
        default=40_000_000,
        validator=ge(1),
        metadata={"help": "width times height beyond which an image is refused before it is decoded"},
    )


@frozen(kw_only=True)
class CropOptions:
    """Options of ``crop``."""

    smallest: float = field(default=0.01, validator=_SHARE, metadata={"help": "least share of the area kept, 0 to 1"})
    largest: float = field(
        default=0.2, validator=and_(gt(0.0), le(1.0)), metadata={"help": "largest share of the area kept, 0 to 1"}
    )

    def __attrs_post_init__(self) -> None:
        """Refuse a range that is upside down."""
        _ordered(self.smallest, self.largest, "'smallest' and 'largest'")


@frozen(kw_only=True)
class MeanOptions:
    """Options of ``mean``."""

    of: Literal["clip", "image"] = field(
        default="clip",
        validator=in_(("clip", "image")),
        metadata={"help": "clip: the colour that CLIP's normalisation makes zero; image: the image's own mean"},
    )


@frozen(kw_only=True)
class RotateOptions:
    """Options of ``rotate``."""

    smallest: float = field(default=10.0, validator=and_(ge(0.0), le(180.0)), metadata={"help": "least angle, degrees"})
    largest: float = field(
        default=80.0, validator=and_(gt(0.0), le(180.0)), metadata={"help": "largest angle, degrees"}
    )

    def __attrs_post_init__(self) -> None:
        """Refuse a range that is upside down."""
        _ordered(self.smallest, self.largest, "'smallest' and 'largest'")


@frozen(kw_only=True)
class MaskPatchesOptions:
    """Options of ``mask-patches``."""

    grid: int = field(
        default=12, validator=and_(ge(2), le(64)), metadata={"help": "cells of the grid along each side of the image"}
    )
    share: float = field(
        default=0.5, validator=and_(gt(0.0), le(1.0)), metadata={"help": "share of the cells that are masked, 0 to 1"}
    )


@frozen(kw_only=True)
class DiffusionNoiseOptions:
    """Options of ``diffusion-noise``."""

    step: int = field(
        default=700, validator=and_(ge(0), le(999)), metadata={"help": "diffusion step of 1000, counted from 0"}
    )
    size: int = field(
        default=336,
        validator=ge(1),
        metadata={"help": "pixels of the shorter side to which a larger image is shrunk first: the model's input size"},
    )

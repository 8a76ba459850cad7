"""Reads images for a model: bounded by their header, then decoded."""

from PIL import Image as Pillow

from pairsmith.errors import StageError
from pairsmith.values import Case, Image


def read(image: Image, max_pixels: int) -> Pillow.Image:
    """Return an image's pixels as RGB.

    Raises :class:`StageError` where it has more than ``max_pixels``, before anything is decoded, or cannot be read.
    """
    try:
        with Pillow.open(image.path) as opened:
            if opened.width * opened.height > max_pixels:
                msg = (
                    f"image {str(image.path)!r} is {opened.width} x {opened.height}, more than max_pixels = {max_pixels}; "
                    f"it was not decoded"
                )
                raise StageError(msg)
            return opened.convert("RGB")
    except (OSError, ValueError, Pillow.DecompressionBombError) as error:
        msg = f"image {str(image.path)!r} cannot be read: {error}; leave [image_check] on its default to have it looked at"
        raise StageError(msg) from error


def shown(case: Case) -> Image:
    """Return the image of a case's sample.

    Raises :class:`StageError` where there is none, or several: a claim does not say which of them it is about.
    """
    if len(case.sample.images) != 1:
        msg = (
            f"sample {case.sample.id!r} has {len(case.sample.images)} images; this judge looks at samples of one image"
        )
        raise StageError(msg)
    return case.sample.images[0]


def size(image: Image) -> tuple[int, int]:
    """Return an image's width and height from its header."""
    try:
        with Pillow.open(image.path) as opened:
            return opened.size
    except (OSError, ValueError, Pillow.DecompressionBombError) as error:
        msg = f"image {str(image.path)!r} cannot be read: {error}; leave [image_check] on its default to have it looked at"
        raise StageError(msg) from error

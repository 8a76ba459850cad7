"""What an image looks like: a perceptual hash of its structure, and the mean colours of sixteen fields.

The hash is ``imagehash.phash``: the signs, about their median, of the 64 lowest frequencies of the brightness. It barely
changes when an image is scaled, compressed or touched up. It sees no colour: a red and a blue circle have one hash, and
a model is to learn which is which. So images are alike only where the mean colours of every field agree as well.
"""

import warnings
from pathlib import Path

import numpy as np
from attrs import frozen
from imagehash import phash
from numpy.typing import NDArray
from PIL import Image, ImageOps

from pairsmith.errors import StageError

MOST_PIXELS = 200_000_000
FIELDS = 4
_ENOUGH = 256
"""Pixels of a side below which a JPEG is not decoded: the hash is made of 32, the colours of 4."""


@frozen
class Look:
    """A hash of 64 bits, and red, green and blue of each field, ``[48]``, 0 to 255."""

    code: int
    colours: NDArray[np.uint8]


def look(path: Path) -> Look:
    """Return what an image file looks like, upright as its camera noted; transparency is white.

    Raises :class:`StageError` for what is no image or has more than 200 million pixels.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the header is checked below; the rest is about metadata
            with Image.open(path) as image:
                if image.width * image.height > MOST_PIXELS:
                    msg = f"image {str(path)!r} has {image.width} x {image.height} pixels, too many to compare"
                    raise StageError(msg)
                image.draft("RGB", (_ENOUGH, _ENOUGH))
                return _look(ImageOps.exif_transpose(image))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        msg = f"image {str(path)!r} cannot be read: {error or type(error).__name__}; leave it out or put it in place"
        raise StageError(msg) from None


def _look(image: Image.Image) -> Look:
    if image.has_transparency_data:
        above = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", above.size, "white"), above)
    colour = image.convert("RGB")
    small = colour.resize((FIELDS, FIELDS), Image.Resampling.BOX)
    return Look(code=int(str(phash(colour)), 16), colours=np.asarray(small, dtype=np.uint8).reshape(-1))

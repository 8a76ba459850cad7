"""From a file to 8-bit RGB pixels, with every bound looked at before anything is decoded."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import cast

from PIL import Image as Pillow
from PIL import ImageOps, UnidentifiedImageError

FORMATS = ("BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP")
"""What is read. Pillow can open far more, some of it through programs outside."""

_ORIENTATION = 0x0112
_UPRIGHT = 1
_BITS_16 = 0xFFFF


class UnusableImageError(Exception):
    """An image cannot be used; the message says why, to follow its name."""


@contextmanager
def opened(path: Path, max_pixels: int) -> Iterator[Pillow.Image]:
    """Open an image far enough to know its size, and refuse it by that size.

    Nothing is decoded here: Pillow reads the header and waits for the pixels to be asked for.
    """
    try:
        with warnings.catch_warnings():
            # Pillow warns from 89 megapixels on and refuses from 179 on; the bound here is the option's.
            warnings.simplefilter("ignore", Pillow.DecompressionBombWarning)
            image = Pillow.open(path, formats=FORMATS)
    except Pillow.DecompressionBombError:
        msg = f"has more than {max_pixels:,} pixels; it was not decoded"
        raise UnusableImageError(msg) from None
    except UnidentifiedImageError:
        msg = f"is no {', '.join(FORMATS)} image"
        raise UnusableImageError(msg) from None
    except OSError as error:
        msg = f"cannot be opened: {error.strerror or error}"
        raise UnusableImageError(msg) from None
    except Exception as error:  # noqa: BLE001 - a broken file can make a decoder raise anything
        msg = f"has a broken header: {error}"
        raise UnusableImageError(msg) from None
    with image:
        if image.width * image.height > max_pixels:
            msg = f"is {image.width:,} x {image.height:,}, more than {max_pixels:,} pixels; it was not decoded"
            raise UnusableImageError(msg)
        yield image


def decode(image: Pillow.Image) -> None:
    """Read the pixels of the first frame."""
    try:
        image.load()
    except Exception as error:  # noqa: BLE001
        msg = f"is broken or truncated: {error}"
        raise UnusableImageError(msg) from None


def is_plain(image: Pillow.Image) -> bool:
    """Tell whether every reader sees the same: 8-bit RGB, upright, opaque, one frame."""
    moving = getattr(image, "is_animated", False) and image.format != "MPO"  # a camera's JPEG with a preview
    return image.mode == "RGB" and not moving and not image.has_transparency_data and _orientation(image) == _UPRIGHT


def to_rgb(image: Pillow.Image) -> Pillow.Image:
    """Return upright 8-bit RGB: transparency on white, 16 bits cut to the upper 8, no colour profile applied."""
    upright = ImageOps.exif_transpose(image) if _orientation(image) != _UPRIGHT else image
    if upright.mode == "F":
        msg = "has floating-point pixels, whose range is not known; save it as 8-bit RGB"
        raise UnusableImageError(msg)
    if upright.mode.startswith("I"):
        upright = _eight_bits(upright)
    if upright.has_transparency_data:
        layer = upright.convert("RGBA")
        ground = Pillow.new("RGBA", layer.size, "white")
        return Pillow.alpha_composite(ground, layer).convert("RGB")
    return upright.convert("RGB")


def png(image: Pillow.Image) -> bytes:
    """Encode without loss, the same bytes for the same pixels."""
    buffer = BytesIO()
    # What a file says besides its pixels would make equal images differ.
    Pillow.frombytes(image.mode, image.size, image.tobytes()).save(buffer, "PNG")
    return buffer.getvalue()


def read_rgb(path: Path, max_pixels: int) -> Pillow.Image:
    """Return the pixels of an image file."""
    with opened(path, max_pixels) as image:
        decode(image)
        return to_rgb(image)


def _eight_bits(image: Pillow.Image) -> Pillow.Image:
    whole = image.convert("I")  # Pillow's own way from 16 to 8 bits cuts off what is above 255
    lowest, highest = cast("tuple[int, int]", whole.getextrema())
    if lowest < 0 or highest > _BITS_16:
        msg = f"has integer pixels from {lowest} to {highest}, more than 16 bits; save it as 8-bit RGB"
        raise UnusableImageError(msg)
    return whole.point(lambda value: value * (1 / 256)).convert("L")


def _orientation(image: Pillow.Image) -> int:
    """Return the EXIF orientation, upright where it cannot be read."""
    try:
        return int(image.getexif().get(_ORIENTATION, _UPRIGHT)) or _UPRIGHT
    except Exception:  # noqa: BLE001 - a broken tag can make the parser raise anything
        return _UPRIGHT

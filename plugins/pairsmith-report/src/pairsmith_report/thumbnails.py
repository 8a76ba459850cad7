"""Images of a run as data URIs, no larger than the page shows them."""

import io
import warnings
from base64 import b64encode
from pathlib import Path

from attrs import frozen
from PIL import Image, ImageOps

SHOWN = 280
"""CSS pixels of the longer side on the page."""

SIDE = 2 * SHOWN
"""Pixels of the longer side of what is embedded: sharp on screens of double density."""

MOST_PIXELS = 100_000_000
MOST_BYTES = 96 * 1024
"""Of one embedded image, before base64."""

_AS_IS = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp", "GIF": "image/gif"}
_QUALITIES = (85, 70, 50, 30)
_PIXEL_ART = 128


@frozen
class Thumbnail:
    """An image for the page: ``width`` and ``height`` in CSS pixels; ``crisp`` where it is shown enlarged."""

    uri: str
    width: int
    height: int
    crisp: bool


def thumbnail(path: Path) -> Thumbnail | str:
    """Return an image that is ready to be embedded, or the reason why there is none.

    The size is read from the header before anything is decoded. A small file of a format every browser knows is
    embedded as it is; anything else becomes a JPEG of at most 560 pixels and 96 KiB.
    """
    if not path.is_file():
        return f"the image file {path.name!r} is missing"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the header is checked below
            with Image.open(path) as image:
                if image.width * image.height > MOST_PIXELS:
                    return f"the image {path.name!r} has {image.width} x {image.height} pixels, too many to show"
                return _embedded(path, image)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return f"the image file {path.name!r} cannot be read"


def _embedded(path: Path, image: Image.Image) -> Thumbnail:
    kind = _AS_IS.get(image.format or "")
    if kind and max(image.size) <= SIDE and path.stat().st_size <= MOST_BYTES and not image.getexif():
        return _placed(path.read_bytes(), kind, image.size)
    image.draft("RGB", (SIDE, SIDE))
    upright = ImageOps.exif_transpose(image)
    upright.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    if upright.mode in {"RGBA", "LA", "PA"} or "transparency" in upright.info:
        clear = upright.convert("RGBA")
        upright = Image.new("RGB", clear.size, "white")
        upright.paste(clear, mask=clear.getchannel("A"))
    return _placed(_jpeg(upright.convert("RGB")), "image/jpeg", upright.size)


def _jpeg(image: Image.Image) -> bytes:
    data = b""
    for quality in _QUALITIES:
        out = io.BytesIO()
        image.save(out, "JPEG", quality=quality, optimize=True)
        data = out.getvalue()
        if len(data) <= MOST_BYTES:
            break
    return data


def _placed(data: bytes, kind: str, size: tuple[int, int]) -> Thumbnail:
    longer = max(size)
    scale = SHOWN / longer
    if longer > _PIXEL_ART:
        scale = min(scale, 1.0)
    width, height = (max(1, round(side * scale)) for side in size)
    return Thumbnail(f"data:{kind};base64,{b64encode(data).decode()}", width, height, crisp=longer <= _PIXEL_ART)

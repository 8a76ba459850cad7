"""Images as an endpoint takes them: data URLs of bounded size."""

import base64
import warnings
from functools import lru_cache
from hashlib import sha256
from io import BytesIO
from pathlib import Path

from PIL import Image as Pillow
from PIL import ImageOps

from pairsmith.values import Image
from pairsmith_llm.failures import ItemError

_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}
_MOST_PIXELS = 40_000_000
_MOST_BYTES = 8_000_000
_QUALITY = 92


def identity(image: Image) -> str:
    """Return the sha256 of an image's bytes: its id once it is part of a run."""
    return image.id or sha256(_bytes(image.path)).hexdigest()


@lru_cache(maxsize=32)
def data_url(path: Path, max_side: int) -> str:
    """Return an image as a data URL, shrunk so that its longer side has at most ``max_side`` pixels.

    A file that fits is sent byte for byte. Its size is read from the header, before anything is decoded.

    Raises :class:`ItemError` where it cannot be sent.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Pillow.DecompressionBombWarning)
            with Pillow.open(path, formats=("BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP")) as image:
                _bounded(path, image)
                kind = _TYPES.get(image.format or "")
                if kind and max(image.size) <= max_side and path.stat().st_size <= _MOST_BYTES:
                    return _url(kind, _bytes(path))
                return _shrunk(image, max_side)
    except ItemError:
        raise
    except Exception as error:  # noqa: BLE001 - a broken file can make a decoder raise anything
        msg = f"image {str(path)!r} cannot be sent: {error}"
        raise ItemError(msg) from None


def _bounded(path: Path, image: Pillow.Image) -> None:
    if image.width * image.height > _MOST_PIXELS:
        msg = f"image {str(path)!r} has {image.width:,} x {image.height:,} pixels, more than {_MOST_PIXELS:,}"
        raise ItemError(msg)


def _shrunk(image: Pillow.Image, max_side: int) -> str:
    """Encode an image anew: PNG without loss, or JPEG where that would be too large."""
    upright = ImageOps.exif_transpose(image).convert("RGB")
    upright.thumbnail((max_side, max_side), Pillow.Resampling.LANCZOS)
    data = BytesIO()
    upright.save(data, "PNG")
    if data.tell() <= _MOST_BYTES:
        return _url("image/png", data.getvalue())
    data = BytesIO()
    upright.save(data, "JPEG", quality=_QUALITY)
    return _url("image/jpeg", data.getvalue())


def _url(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        msg = f"image {str(path)!r} cannot be read: {error.strerror or error}"
        raise ItemError(msg) from None

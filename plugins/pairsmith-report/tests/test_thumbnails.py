"""Images on the page: small, upright, and none that would harm the reader or the writer."""

import base64
import io
from pathlib import Path
from random import Random

import pytest
from PIL import Image

from pairsmith_report import thumbnails
from pairsmith_report.thumbnails import MOST_BYTES, SIDE, Thumbnail, thumbnail


def decoded(shown: Thumbnail) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(shown.uri.partition(",")[2])))


def shown(path: Path) -> Thumbnail:
    found = thumbnail(path)
    assert isinstance(found, Thumbnail), found
    return found


def test_a_small_file_is_embedded_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.new("RGB", (48, 48), "red").save(path)
    found = shown(path)
    assert base64.b64decode(found.uri.partition(",")[2]) == path.read_bytes()
    assert (found.width, found.height, found.crisp) == (280, 280, True)


def test_a_photograph_is_made_as_small_as_it_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "noise.png"
    Image.frombytes("RGB", (1600, 800), Random(0).randbytes(1600 * 800 * 3)).save(path)
    found = shown(path)
    assert decoded(found).size == (SIDE, SIDE // 2)
    assert len(base64.b64decode(found.uri.partition(",")[2])) <= MOST_BYTES
    assert (found.width, found.height, found.crisp) == (280, 140, False)


def test_a_photograph_is_upright(tmp_path: Path) -> None:
    path = tmp_path / "turned.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (400, 200), "red").save(path, exif=exif)
    assert decoded(shown(path)).size == (200, 400)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "L", "1", "CMYK", "I;16"])
def test_every_sort_of_pixel_is_shown(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "a.tiff"
    Image.new(mode, (700, 700)).save(path)
    assert decoded(shown(path)).mode in {"RGB", "L"}


def test_what_is_clear_is_shown_on_white(tmp_path: Path) -> None:
    path = tmp_path / "clear.png"
    Image.new("RGBA", (700, 700), (255, 0, 0, 0)).save(path)
    assert decoded(shown(path)).getpixel((5, 5)) == (255, 255, 255)


def test_an_image_of_too_many_pixels_is_never_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "big.png"
    Image.new("L", (50, 50)).save(path)
    monkeypatch.setattr(thumbnails, "MOST_PIXELS", 2000)
    monkeypatch.setattr(Image.Image, "load", lambda _: pytest.fail("decoded"))
    assert thumbnail(path) == "the image 'big.png' has 50 x 50 pixels, too many to show"


@pytest.mark.parametrize("data", [b"", b"no image", b"\x89PNG\r\n\x1a\n", b"<svg xmlns='http://www.w3.org/2000/svg'/>"])
def test_a_broken_file_is_a_sentence(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "broken.png"
    path.write_bytes(data)
    assert thumbnail(path) == "the image file 'broken.png' cannot be read"


def test_a_cut_off_photograph_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "cut.jpg"
    Image.frombytes("RGB", (900, 900), Random(0).randbytes(900 * 900 * 3)).save(path)
    path.write_bytes(path.read_bytes()[:20_000])
    assert thumbnail(path) == "the image file 'cut.jpg' cannot be read"


def test_a_missing_file_is_a_sentence(tmp_path: Path) -> None:
    assert thumbnail(tmp_path / "gone.png") == "the image file 'gone.png' is missing"

"""Images that must be refused, repaired or left alone."""

import struct
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from pairsmith.interfaces import CheckedImage, Run
from pairsmith_images import pixels
from pairsmith_images.check import PillowCheck
from pairsmith_images.options import PillowOptions

RED, WHITE = (255, 0, 0), (255, 255, 255)


def check(run: Run, path: Path, **options: int) -> CheckedImage | str:
    return PillowCheck(PillowOptions(**options), run).check(path)


def repaired(run: Run, path: Path) -> Pillow.Image:
    checked = check(run, path)
    assert isinstance(checked, CheckedImage), checked
    assert checked.data is not None, "was left as it is"
    assert checked.suffix == ".png"
    with Pillow.open(BytesIO(checked.data)) as image:
        image.load()
        assert (image.format, image.mode) == ("PNG", "RGB")
        return image


def png_of_size(path: Path, width: int, height: int) -> Path:
    """Write a PNG whose header claims a size that its data has not."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    return path


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.bmp"])
def test_a_plain_image_stays_as_it_is(run: Run, tmp_path: Path, name: str) -> None:
    Pillow.new("RGB", (8, 6), RED).save(tmp_path / name)
    assert check(run, tmp_path / name) == CheckedImage()


@pytest.mark.parametrize("size", [(50_000, 50_000), (10_000, 10_000), (8_000, 5_001)])
def test_a_large_image_is_refused_without_decoding(
    run: Run, tmp_path: Path, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def decoded(_: object) -> None:
        pytest.fail("the image was decoded")

    monkeypatch.setattr("pairsmith_images.check.decode", decoded)
    reason = check(run, png_of_size(tmp_path / "big.png", *size))
    assert isinstance(reason, str)
    assert "40,000,000 pixels" in reason
    assert "not decoded" in reason


def test_the_bound_is_inclusive_and_an_option(run: Run, tmp_path: Path) -> None:
    Pillow.new("RGB", (10, 10), RED).save(tmp_path / "a.png")
    assert check(run, tmp_path / "a.png", max_pixels=100) == CheckedImage()
    assert check(run, tmp_path / "a.png", max_pixels=99) == "is 10 x 10, more than 99 pixels; it was not decoded"


def test_a_truncated_image_is_refused(run: Run, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    for name in ("a.png", "a.jpg"):
        Pillow.fromarray(noise).save(tmp_path / name)
        data = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(data[: len(data) // 2])
        assert str(check(run, tmp_path / name)).startswith("is broken or truncated")


def test_what_is_no_image_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("not an image")
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "page.eps").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n")
    for name in ("text.png", "empty.png", "page.eps"):
        assert str(check(run, tmp_path / name)).startswith("is no BMP, GIF")
    assert check(run, tmp_path / "absent.png") == "cannot be opened: No such file or directory"


@pytest.mark.parametrize("cut", range(8, 48, 4))
def test_a_header_cut_anywhere_is_a_reason_and_no_exception(run: Run, tmp_path: Path, cut: int) -> None:
    for name in ("a.png", "a.jpg", "a.tiff", "a.webp", "a.gif"):
        Pillow.new("RGB", (8, 6), RED).save(tmp_path / name)
        (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:cut])
        assert isinstance(check(run, tmp_path / name), str)


def test_exif_orientation_is_applied(run: Run, tmp_path: Path) -> None:
    sideways = Pillow.new("RGB", (8, 4), RED)
    exif = Pillow.Exif()
    exif[0x0112] = 6  # to be turned a quarter clockwise
    sideways.paste((0, 0, 255), (0, 0, 2, 4))
    sideways.save(tmp_path / "a.png", exif=exif)
    image = repaired(run, tmp_path / "a.png")
    assert image.size == (4, 8)
    assert image.getpixel((0, 0)) == (0, 0, 255)
    assert not image.getexif()


def test_transparency_is_laid_on_white(run: Run, tmp_path: Path) -> None:
    Pillow.new("RGBA", (4, 4), (*RED, 0)).save(tmp_path / "rgba.png")
    Pillow.new("LA", (4, 4), (0, 0)).save(tmp_path / "la.png")
    Pillow.new("RGB", (4, 4), RED).save(tmp_path / "key.png", transparency=RED)
    Pillow.new("P", (4, 4), 0).save(tmp_path / "palette.png", transparency=0)
    for name in ("rgba.png", "la.png", "key.png", "palette.png"):
        assert repaired(run, tmp_path / name).getpixel((1, 1)) == WHITE


@pytest.mark.parametrize(("mode", "colour", "seen", "name"), [
    ("L", 100, (100, 100, 100), "a.png"),
    ("1", 1, WHITE, "a.png"),
    ("P", 0, (0, 0, 0), "a.gif"),
    ("CMYK", (0, 255, 255, 0), RED, "a.tiff"),
    ("I;16", 100 * 256 + 99, (100, 100, 100), "a.png"),
    ("I;16", 100 * 256 + 99, (100, 100, 100), "a.tiff"),
    ("I", 100 * 256 + 99, (100, 100, 100), "a.tiff"),
])  # fmt: skip
def test_other_modes_become_rgb(
    run: Run, tmp_path: Path, mode: str, colour: int, seen: tuple[int, int, int], name: str
) -> None:
    Pillow.new(mode, (4, 4), colour).save(tmp_path / name)
    assert repaired(run, tmp_path / name).getpixel((2, 2)) == seen


def test_pixels_of_unknown_range_are_refused(run: Run, tmp_path: Path) -> None:
    Pillow.new("F", (4, 4), 0.5).save(tmp_path / "float.tiff")
    Pillow.new("I", (4, 4), 70_000).save(tmp_path / "int.tiff")
    assert str(check(run, tmp_path / "float.tiff")).startswith("has floating-point pixels")
    assert str(check(run, tmp_path / "int.tiff")).startswith("has integer pixels from 70000 to 70000")


@pytest.mark.parametrize("name", ["a.gif", "a.png", "a.webp"])
def test_an_animation_becomes_its_first_frame(run: Run, tmp_path: Path, name: str) -> None:
    frames = [Pillow.new("RGB", (8, 8), colour) for colour in (RED, (0, 255, 0))]
    frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:], lossless=True)
    red, green, blue = repaired(run, tmp_path / name).getpixel((4, 4))  # type: ignore[misc]
    assert red > 250
    assert max(green, blue) < 5


def test_repair_is_lossless_and_the_same_every_time(run: Run, tmp_path: Path) -> None:
    grey = np.random.default_rng(0).integers(0, 255, (16, 16), dtype=np.uint8)
    Pillow.fromarray(grey).save(tmp_path / "a.png", pnginfo=None)
    assert (np.asarray(repaired(run, tmp_path / "a.png"))[..., 0] == grey).all()
    assert check(run, tmp_path / "a.png") == check(run, tmp_path / "a.png")


def test_the_global_limit_of_pillow_is_not_touched() -> None:
    assert Pillow.MAX_IMAGE_PIXELS == 89_478_485
    assert "EPS" not in pixels.FORMATS

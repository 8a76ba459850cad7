"""Worse images: what each does, and that a seed decides it."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from pairsmith.errors import OptionsError, StageError
from pairsmith.interfaces import Run
from pairsmith.options import read
from pairsmith.registry import Registry
from pairsmith.values import Image, Sample, user
from pairsmith_images.corruptions import CLIP_MEAN, cropped, masked, one_colour, turned
from pairsmith_images.noise import gains, noised
from pairsmith_images.options import (
    CropOptions,
    DiffusionNoiseOptions,
    MaskPatchesOptions,
    MeanOptions,
    RotateOptions,
)

NAMES = ("crop", "black", "mean", "rotate", "mask-patches", "diffusion-noise")


@pytest.fixture
def picture() -> Pillow.Image:
    return Pillow.fromarray(np.random.default_rng(3).integers(1, 255, (48, 64, 3), dtype=np.uint8))


@pytest.fixture
def sample(tmp_path: Path, picture: Pillow.Image) -> Sample:
    picture.save(tmp_path / "a.png")
    picture.transpose(Pillow.Transpose.ROTATE_180).save(tmp_path / "b.png")
    images = tuple(Image(path=tmp_path / name) for name in ("a.png", "b.png"))
    return Sample(id="s", images=images, prompt=user("What?"))


@pytest.mark.parametrize("name", NAMES)
def test_a_seed_decides_everything(run: Run, sample: Sample, name: str) -> None:
    component = Registry.discover().find("corruptions", name).component
    corruption = component.build(component.options_class(), run)
    assert corruption.axis == "image"
    images, draw = corruption.corrupt_images(sample, [sample], seed=7)
    assert corruption.corrupt_images(sample, [], seed=7) == (images, draw)
    assert len(images) == len(draw["images"]) == 2
    assert all(image.path.is_file() and image.id for image in images)
    if name not in {"black", "mean"}:
        again, other_draw = corruption.corrupt_images(sample, [sample], seed=8)
        assert again != images
        assert other_draw != draw
        assert draw["images"][0] != draw["images"][1]


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_without_image_and_a_broken_file_are_named(
    run: Run, sample: Sample, name: str, tmp_path: Path
) -> None:
    component = Registry.discover().find("corruptions", name).component
    corruption = component.build(component.options_class(), run)
    with pytest.raises(StageError, match="'s' has no image"):
        corruption.corrupt_images(Sample(id="s", prompt=user("What?")), [], seed=0)
    (tmp_path / "a.png").write_text("nothing")
    with pytest.raises(StageError, match=r"a\.png' of sample 's' is no BMP"):
        corruption.corrupt_images(sample, [], seed=0)


def test_a_crop_is_a_window_of_the_picture(picture: Pillow.Image) -> None:
    for seed in range(50):
        window, draw = cropped(CropOptions(smallest=0.05, largest=0.2), picture, seed)
        assert np.array_equal(np.asarray(window), np.asarray(picture.crop(draw["box"])))
        area = window.width * window.height / (picture.width * picture.height)
        assert 0.04 < area < 0.22
        assert 0 <= draw["box"][0] < draw["box"][2] <= picture.width
        assert 0 <= draw["box"][1] < draw["box"][3] <= picture.height


def test_a_crop_of_one_pixel_is_possible() -> None:
    assert cropped(CropOptions(), Pillow.new("RGB", (1, 1)), 0)[0].size == (1, 1)


def test_the_mean_is_clips_or_the_images_own(picture: Pillow.Image) -> None:
    assert one_colour(MeanOptions(), picture, 0)[0].getcolors() == [(48 * 64, CLIP_MEAN)]
    own, draw = one_colour(MeanOptions(of="image"), picture, 0)
    assert np.allclose(np.asarray(own)[0, 0], np.asarray(picture).mean((0, 1)), atol=0.5)
    assert draw["colour"] == list(np.asarray(own)[0, 0])


def test_a_rotation_keeps_the_size_and_blackens_corners(picture: Pillow.Image) -> None:
    angles = [turned(RotateOptions(), picture, seed)[1]["degrees"] for seed in range(60)]
    assert all(10 <= abs(angle) <= 80 for angle in angles)
    assert min(angles) < 0 < max(angles)
    image, _ = turned(RotateOptions(smallest=45, largest=45), picture, 0)
    assert image.size == picture.size
    assert image.getpixel((0, 0)) == (0, 0, 0)


def test_the_share_of_masked_cells_is_exact(picture: Pillow.Image) -> None:
    image, draw = masked(MaskPatchesOptions(grid=4, share=0.25), picture, 0)
    hidden = (np.asarray(image) == CLIP_MEAN).all(-1)
    assert len(draw["cells"]) == 4
    assert hidden.mean() == 0.25
    assert np.array_equal(np.asarray(image)[~hidden], np.asarray(picture)[~hidden])
    assert masked(MaskPatchesOptions(), Pillow.new("RGB", (3, 3)), 0)[0].size == (3, 3)


def test_the_published_schedule() -> None:
    assert gains(700) == pytest.approx((0.593, 0.805), abs=1e-3)  # MCM-DPO
    assert gains(500) == pytest.approx((0.863, 0.505), abs=1e-3)  # CHiP
    assert gains(0)[0] == pytest.approx(1, abs=1e-4)


def test_noise_has_the_published_gain_and_spread() -> None:
    grey = Pillow.new("RGB", (336, 336), CLIP_MEAN)
    std = np.array((0.26862954, 0.26130258, 0.27577711))
    mean = np.array((0.48145466, 0.4578275, 0.40821073))
    image, _ = noised(DiffusionNoiseOptions(step=300), grey, 1)  # early enough that little is clipped
    normalised = (np.asarray(image) / 255 - mean) / std
    assert normalised.mean() == pytest.approx(0, abs=0.01)
    assert normalised.std() == pytest.approx(gains(300)[1], abs=0.01)
    bright, _ = noised(DiffusionNoiseOptions(step=300), Pillow.new("RGB", (336, 336), (160, 160, 160)), 1)
    lift = ((np.asarray(bright) / 255 - mean) / std).mean()
    assert lift == pytest.approx(gains(300)[0] * ((160 / 255 - mean) / std).mean(), abs=0.01)


def test_a_large_picture_is_shrunk_before_noise_and_a_small_one_is_not(picture: Pillow.Image) -> None:
    assert noised(DiffusionNoiseOptions(size=24), picture, 0)[0].size == (32, 24)
    assert noised(DiffusionNoiseOptions(size=336), picture, 0)[0].size == picture.size


@pytest.mark.parametrize(("options", "table"), [
    (CropOptions, {"smallest": 0.5, "largest": 0.2}),
    (RotateOptions, {"smallest": 50.0, "largest": 20.0}),
])  # fmt: skip
def test_a_range_upside_down_is_refused(options: type, table: dict[str, float]) -> None:
    with pytest.raises(OptionsError, match="must be in order"):
        read(table, options, "corruptions.image")

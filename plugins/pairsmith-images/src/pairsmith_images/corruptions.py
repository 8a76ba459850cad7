"""Worse pictures that take no more than Pillow. Each is the same for the same seed, and says what was drawn."""

from functools import partial
from random import Random

from PIL import Image as Pillow
from PIL import ImageDraw, ImageStat

from pairsmith.component import NoOptions
from pairsmith.interfaces import Run
from pairsmith_images.options import CropOptions, MaskPatchesOptions, MeanOptions, RotateOptions
from pairsmith_images.worse import Made, WorseImages

CLIP_MEAN = (123, 117, 104)
"""The mean that CLIP's normalisation takes away, .48145466 .4578275 .40821073, as a colour."""


def crop(options: CropOptions, run: Run) -> WorseImages:
    """Make the corruption ``crop``."""
    return WorseImages(partial(cropped, options), run)


def black(options: NoOptions, run: Run) -> WorseImages:  # noqa: ARG001 - every factory is given options
    """Make the corruption ``black``."""
    return WorseImages(lambda picture, _: (Pillow.new("RGB", picture.size), {}), run)


def mean(options: MeanOptions, run: Run) -> WorseImages:
    """Make the corruption ``mean``."""
    return WorseImages(partial(one_colour, options), run)


def rotate(options: RotateOptions, run: Run) -> WorseImages:
    """Make the corruption ``rotate``."""
    return WorseImages(partial(turned, options), run)


def mask_patches(options: MaskPatchesOptions, run: Run) -> WorseImages:
    """Make the corruption ``mask-patches``."""
    return WorseImages(partial(masked, options), run)


def cropped(options: CropOptions, picture: Pillow.Image, seed: int) -> Made:
    """Return a window of the picture's own shape at a random place, as mDPO (arXiv 2406.11839) does."""
    draw = Random(seed)
    side = draw.uniform(options.smallest, options.largest) ** 0.5
    width, height = (max(1, round(length * side)) for length in picture.size)
    left, top = draw.randint(0, picture.width - width), draw.randint(0, picture.height - height)
    box = (left, top, left + width, top + height)
    return picture.crop(box), {"box": list(box)}


def one_colour(options: MeanOptions, picture: Pillow.Image, seed: int) -> Made:  # noqa: ARG001 - nothing is drawn
    """Return a picture of one colour and the same size."""
    colour = CLIP_MEAN
    if options.of == "image":
        red, green, blue = (round(value) for value in ImageStat.Stat(picture).mean)
        colour = (red, green, blue)
    return Pillow.new("RGB", picture.size, colour), {"colour": list(colour)}


def turned(options: RotateOptions, picture: Pillow.Image, seed: int) -> Made:
    """Return the picture turned either way about its centre, the same size, black where nothing was."""
    draw = Random(seed)
    degrees = draw.choice((-1, 1)) * draw.uniform(options.smallest, options.largest)
    return picture.rotate(degrees, resample=Pillow.Resampling.BILINEAR), {"degrees": degrees}


def masked(options: MaskPatchesOptions, picture: Pillow.Image, seed: int) -> Made:
    """Return the picture with a share of the cells of a grid in CLIP's mean colour."""
    cells = options.grid**2
    hidden = sorted(Random(seed).sample(range(cells), max(1, round(options.share * cells))))
    masked_picture = picture.copy()
    brush = ImageDraw.Draw(masked_picture)
    for cell in hidden:
        row, column = divmod(cell, options.grid)
        left, right = (picture.width * n // options.grid for n in (column, column + 1))
        top, bottom = (picture.height * n // options.grid for n in (row, row + 1))
        if left < right and top < bottom:  # a picture smaller than the grid has cells without a pixel
            brush.rectangle((left, top, right - 1, bottom - 1), fill=CLIP_MEAN)
    return masked_picture, {"cells": hidden}

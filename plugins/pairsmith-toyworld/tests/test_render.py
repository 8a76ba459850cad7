from hashlib import sha256
from io import BytesIO

import numpy as np
import pytest
from attrs import evolve
from PIL import Image

from pairsmith_toyworld.render import PIXELS, png, render
from pairsmith_toyworld.scene import COLOURS, SHAPES, SIZES, Thing

RGB = {"red": (225, 40, 40), "green": (40, 180, 60), "white": (245, 245, 245), "blue": (50, 80, 235)}


def near(pixel, colour):
    return all(abs(int(got) - wanted) <= 13 for got, wanted in zip(pixel, colour, strict=True))


def test_a_picture_never_changes(with_companion):
    # The base model has learnt these very pixels. A new Pillow that draws otherwise must be noticed.
    assert (
        sha256(render(with_companion).tobytes()).hexdigest()
        == "f83266be38dffd8973de9a09148dccfbe99907b4dd6120c34e0bad12a87a40cc"
    )


def test_the_same_scene_gives_the_same_file_and_other_noise_another(with_word):
    assert png(with_word) == png(with_word) != png(evolve(with_word, noise=9))


def test_a_file_holds_the_picture_without_loss(with_word):
    with Image.open(BytesIO(png(with_word))) as image:
        assert image.size == (PIXELS, PIXELS)
        assert np.array_equal(np.asarray(image), render(with_word))


def test_things_are_where_and_what_the_scene_says(with_word):
    picture = render(with_word)
    assert near(picture[8, 8], RGB["red"])  # the middle of the circle
    assert near(picture[24, 40], (240, 220, 40))  # the middle of the star
    assert near(picture[24, 8], (40, 40, 40))  # ground
    word = picture[36:, 18:30].astype(int)
    assert (word.min(axis=-1) > 150).sum() >= 10  # light strokes
    assert (picture[36:, :12].astype(int).max() < 60) and (picture[36:, 36:].astype(int).max() < 60)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("size", SIZES)
def test_each_shape_has_its_extent(lone_ring, shape, size):
    scene = evolve(lone_ring, things=(Thing(size, "green", shape, 4, 0.5, 0.5),))
    picture = render(scene).astype(int)
    green = picture[:, :, 1] - picture[:, :, 0] > 60
    across = np.flatnonzero(green.any(axis=0))
    width = across[-1] - across[0] + 1
    assert (12 <= width <= 16) if size == "large" else (6 <= width <= 10)
    assert abs((across[0] + across[-1]) / 2 - 23.5) <= 1


def test_shapes_and_colours_differ_by_more_than_noise(lone_ring):
    pictures = [
        render(evolve(lone_ring, things=(Thing("large", colour, shape, 4, 0.5, 0.5),))).astype(int)
        for colour in COLOURS
        for shape in SHAPES
    ]
    for n, one in enumerate(pictures):
        for other in pictures[:n]:
            assert (abs(one - other).max(axis=-1) > 24).sum() > 8

"""Draws scenes."""

import math
from functools import cache
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from pairsmith_toyworld.scene import Scene

PIXELS = 48
_FINER = 2
_RGB = {
    "red": (225, 40, 40),
    "green": (40, 180, 60),
    "blue": (50, 80, 235),
    "yellow": (240, 220, 40),
    "purple": (160, 50, 190),
    "orange": (245, 140, 20),
    "cyan": (40, 210, 220),
    "white": (245, 245, 245),
}
_INK = (235, 235, 235)
_NOISE = 12
RADIUS = {"large": 0.43, "small": 0.25}
"""Half an object's width, as a share of a grid cell."""


def render(scene: Scene) -> NDArray[np.uint8]:
    """Return the picture of a scene, ``[48, 48, 3]``: drawn twice as fine, reduced, with noise of +-12 on each value."""
    side = PIXELS * _FINER
    picture = Image.new("RGB", (side, side), (scene.grey,) * 3)
    brush = ImageDraw.Draw(picture)
    cell = side / 3
    for thing in scene.things:
        _draw(brush, thing.shape, thing.x * side, thing.y * side, cell * RADIUS[thing.size], _RGB[thing.colour])
    if scene.word:
        place = (scene.word.x * side, scene.word.y * side)
        brush.text(place, scene.word.text, font=_font(int(cell * 0.62)), fill=_INK, anchor="mm")
    pixels = np.asarray(picture.reduce(_FINER)).astype(np.int16)
    noise = np.random.default_rng(scene.noise).integers(-_NOISE, _NOISE + 1, size=pixels.shape, dtype=np.int16)
    clipped: NDArray[np.uint8] = np.clip(pixels + noise, 0, 255).astype(np.uint8)
    return clipped


def png(scene: Scene) -> bytes:
    """Return the picture of a scene as a PNG file."""
    file = BytesIO()
    Image.fromarray(render(scene)).save(file, format="PNG", compress_level=1)
    return file.getvalue()


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _draw(
    brush: ImageDraw.ImageDraw, shape: str, x: float, y: float, radius: float, colour: tuple[int, int, int]
) -> None:
    match shape:
        case "circle":
            brush.ellipse(_box(x, y, radius, radius), fill=colour)
        case "ring":
            brush.ellipse(_box(x, y, radius, radius), outline=colour, width=max(2, round(radius * 0.35)))
        case "square":
            brush.rectangle(_box(x, y, radius * 0.88, radius * 0.88), fill=colour)
        case "triangle":
            brush.polygon(
                [(x, y - radius), (x - radius, y + radius * 0.8), (x + radius, y + radius * 0.8)], fill=colour
            )
        case "cross":
            brush.rectangle(_box(x, y, radius * 0.32, radius), fill=colour)
            brush.rectangle(_box(x, y, radius, radius * 0.32), fill=colour)
        case "star":
            brush.polygon(_star(x, y, radius), fill=colour)


def _box(x: float, y: float, across: float, down: float) -> tuple[float, float, float, float]:
    return x - across, y - down, x + across, y + down


def _star(x: float, y: float, radius: float) -> list[tuple[float, float]]:
    points = []
    for k in range(10):
        reach = radius * (1.1 if k % 2 == 0 else 0.45)
        angle = -math.pi / 2 + k * math.pi / 5
        points.append((x + reach * math.cos(angle), y + reach * math.sin(angle)))
    return points

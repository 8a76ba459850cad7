"""What boxes say about size and place. Pure functions of boxes ``(left, top, right, bottom)``.

Boxes are in fractions of the image's width and height, from its top left corner: y grows downward, so what is above has the
smaller y. The thresholds are DecompGen's (arXiv 2411.13697).
"""

from collections.abc import Callable, Sequence
from itertools import product
from typing import Literal

Box = tuple[float, float, float, float]
Near = Literal["and", "or"]

WHOLE: Box = (0.0, 0.0, 1.0, 1.0)
"""The image itself."""


def width(box: Box) -> float:
    """Return the width as a fraction of the image's."""
    return box[2] - box[0]


def height(box: Box) -> float:
    """Return the height as a fraction of the image's."""
    return box[3] - box[1]


def centre(box: Box) -> tuple[float, float]:
    """Return the middle of a box."""
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


SCALES: dict[str, Callable[[Box], bool]] = {
    "large": lambda box: width(box) > 0.4 or height(box) > 0.4,  # noqa: PLR2004
    "small": lambda box: width(box) < 0.3 and height(box) < 0.3,  # noqa: PLR2004
    "long": lambda box: width(box) > 0.5 or height(box) > 0.5,  # noqa: PLR2004
    "short": lambda box: width(box) < 0.3 and height(box) < 0.3,  # noqa: PLR2004
    "tall": lambda box: height(box) > 0.4,  # noqa: PLR2004
}
"""When a thing is called so: by the share of the image's width and height that it takes."""

DIRECTIONS = ("left", "right", "top", "bottom", "near")


def fits_scale(boxes: Sequence[Box], scale: str) -> bool:
    """Tell whether any of the boxes is of that size.

    >>> fits_scale([(0.0, 0.0, 0.2, 0.41)], "tall"), fits_scale([(0.0, 0.0, 0.2, 0.41)], "small")
    (True, False)
    """
    return any(SCALES[scale](box) for box in boxes)


def stands(one: Box, direction: str, other: Box, *, near: Near = "and", distance: float = 0.1) -> bool:
    """Tell whether the centre of a box is on that side of the other's.

    Near means that centres are less than ``distance`` apart in x ``and`` in y; the published rule asks for one of them.

    >>> stands((0.4, 0.0, 0.6, 0.2), "top", (0.4, 0.8, 0.6, 1.0))
    True
    """
    (x, y), (u, v) = centre(one), centre(other)
    match direction:
        case "left":
            return x < u
        case "right":
            return x > u
        case "top":
            return y < v
        case "bottom":
            return y > v
        case "near":
            close = (abs(x - u) < distance, abs(y - v) < distance)
            return all(close) if near == "and" else any(close)
    msg = f"unknown direction {direction!r}; there are {', '.join(DIRECTIONS)}"
    raise ValueError(msg)


def stand(
    subjects: Sequence[Box], direction: str, objects: Sequence[Box], *, near: Near = "and", distance: float = 0.1
) -> bool:
    """Tell whether any of the first boxes stands so to any of the second. A box is not beside itself."""
    return any(
        stands(one, direction, other, near=near, distance=distance)
        for one, other in product(subjects, objects)
        if one != other
    )


def overlap(one: Box, other: Box) -> float:
    """Return the intersection over the union of two boxes.

    >>> round(overlap((0.0, 0.0, 0.2, 0.2), (0.1, 0.0, 0.3, 0.2)), 4)
    0.3333
    """
    across = min(one[2], other[2]) - max(one[0], other[0])
    down = min(one[3], other[3]) - max(one[1], other[1])
    if across <= 0 or down <= 0:
        return 0.0
    shared = across * down
    return shared / (width(one) * height(one) + width(other) * height(other) - shared)


def suppress(scored: Sequence[tuple[Box, float]], most: float) -> list[tuple[Box, float]]:
    """Return the boxes that overlap no better one by more than ``most``, best first; with 1 all of them."""
    kept: list[tuple[Box, float]] = []
    for box, score in sorted(scored, key=lambda one: -one[1]):
        if all(overlap(box, other) <= most for other, _ in kept):
            kept.append((box, score))
    return kept

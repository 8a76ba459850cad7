"""Raw boxes: what a detector's answer is kept as."""

from torch import Tensor

MOST = 100
"""Boxes that are kept of one thing in one image."""

_DIGITS = 4

Raw = list[list[float]]
"""Boxes ``[left, top, right, bottom, score]``, best first, in fractions of the image."""


def raw(boxes: Tensor, scores: Tensor, floor: float) -> Raw:
    """Return the boxes ``[n, 4]`` (centre, width and height in fractions) whose scores ``[n]`` reach the floor."""
    order = scores.argsort(descending=True, stable=True)[:MOST]
    kept = order[scores[order] >= floor]
    rows = []
    for (x, y, w, h), score in zip(boxes[kept].float().tolist(), scores[kept].float().tolist(), strict=True):
        corners = (x - w / 2, y - h / 2, x + w / 2, y + h / 2)
        rows.append([*(round(min(1.0, max(0.0, value)), _DIGITS) for value in corners), round(score, _DIGITS)])
    return rows

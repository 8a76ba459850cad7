"""Raw boxes: what a detector's answer is kept as."""

from collections.abc import Sequence

from torch import Tensor

MOST = 100
"""Boxes that are kept of one thing in one image."""

_DIGITS = 4

Raw = list[list[float]]
"""Boxes ``[left, top, right, bottom, score]``, best first, in fractions of the image; perhaps a sixth number, the place."""


def raw(boxes: Tensor, scores: Tensor, floor: float, *, places: bool = False) -> Raw:
    """Return the boxes ``[n, 4]`` (centre, width and height in fractions) whose scores ``[n]`` reach the floor.

    With ``places`` each has the number that it has among the model's: boxes of two names at one place are the same one.
    """
    order = scores.argsort(descending=True, stable=True)[:MOST]
    kept = order[scores[order] >= floor]
    rows = []
    for (x, y, w, h), score, place in zip(
        boxes[kept].float().tolist(), scores[kept].float().tolist(), kept.tolist(), strict=True
    ):
        corners = (x - w / 2, y - h / 2, x + w / 2, y + h / 2)
        row = [*(round(min(1.0, max(0.0, value)), _DIGITS) for value in corners), round(score, _DIGITS)]
        rows.append([*row, place] if places else row)
    return rows


def shared(names: Sequence[Raw]) -> list[Raw]:
    """Return the boxes with places of several names, each place left to the name that has the best score there.

    So does the library's own post-processing, which gives a place in the image one name. Of equal scores the first counts.

    >>> shared([[[0.0, 0.0, 0.5, 0.5, 0.9, 7]], [[0.0, 0.0, 0.5, 0.5, 0.8, 7], [0.5, 0.5, 1.0, 1.0, 0.3, 2]]])
    [[[0.0, 0.0, 0.5, 0.5, 0.9, 7]], [[0.5, 0.5, 1.0, 1.0, 0.3, 2]]]
    """
    best: dict[float, tuple[float, int]] = {}
    for number, boxes in enumerate(names):
        for *_, score, place in boxes:
            if place not in best or score > best[place][0]:
                best[place] = (score, number)
    return [[box for box in boxes if best[box[-1]][1] == number] for number, boxes in enumerate(names)]

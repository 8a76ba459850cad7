"""Box geometry by hand, at the thresholds."""

import pytest

from pairsmith_grounding.geometry import fits_scale, overlap, stand, stands, suppress


def box(x: float, y: float, w: float = 0.1, h: float = 0.1):
    """A box by its centre and size."""
    return (x - w / 2, y - h / 2, x + w / 2, y + h / 2)


@pytest.mark.parametrize(
    ("w", "h", "fits"),
    [
        (0.1, 0.1, "small short"),
        (0.25, 0.25, "small short"),
        (0.3125, 0.125, ""),
        (0.125, 0.3125, ""),
        (0.375, 0.375, ""),
        (0.4375, 0.125, "large"),
        (0.125, 0.4375, "large tall"),
        (0.5, 0.5, "large tall"),
        (0.5625, 0.125, "large long"),
        (0.125, 0.5625, "large long tall"),
        (1.0, 1.0, "large long tall"),
    ],
)
def test_sizes(w: float, h: float, fits: str) -> None:
    found = {scale for scale in ("large", "small", "long", "short", "tall") if fits_scale([(0.0, 0.0, w, h)], scale)}
    assert found == set(fits.split())


@pytest.mark.parametrize(
    ("scale", "at", "over"),
    [("large", 0.4, 0.4001), ("long", 0.5, 0.5001), ("tall", 0.4, 0.4001)],
)
def test_a_threshold_must_be_passed(scale: str, at: float, over: float) -> None:
    assert not fits_scale([(0.0, 0.0, 0.1, at)], scale)
    assert fits_scale([(0.0, 0.0, 0.1, over)], scale)


@pytest.mark.parametrize("scale", ["small", "short"])
def test_small_is_below_three_tenths_both_ways(scale: str) -> None:
    assert fits_scale([(0.0, 0.0, 0.2999, 0.2999)], scale)
    assert not fits_scale([(0.0, 0.0, 0.3, 0.1)], scale)
    assert not fits_scale([(0.0, 0.0, 0.1, 0.3)], scale)


def test_any_box_will_do() -> None:
    assert fits_scale([(0.0, 0.0, 0.1, 0.1), (0.0, 0.0, 0.9, 0.9)], "large")
    assert not fits_scale([], "large")


@pytest.mark.parametrize(
    ("one", "other", "where"),
    [
        ((0.2, 0.5), (0.8, 0.5), "left"),
        ((0.8, 0.5), (0.2, 0.5), "right"),
        ((0.5, 0.2), (0.5, 0.8), "top"),
        ((0.5, 0.8), (0.5, 0.2), "bottom"),
        ((0.5, 0.5), (0.55, 0.55), "left top near"),
        ((0.5, 0.5), (0.55, 0.9), "left top"),
        ((0.5, 0.5), (0.5, 0.5), "near"),
        ((0.2, 0.1), (0.8, 0.9), "left top"),
    ],
)
def test_places_with_y_downward(one, other, where: str) -> None:
    found = {name for name in ("left", "right", "top", "bottom", "near") if stands(box(*one), name, box(*other))}
    assert found == set(where.split())


@pytest.mark.parametrize(
    ("dx", "dy", "both", "either"),
    [(0.0, 0.0, True, True), (0.0625, 0.5, False, True), (0.5, 0.0625, False, True), (0.125, 0.125, False, False)],
)
def test_near_both_ways_or_one(dx: float, dy: float, both: bool, either: bool) -> None:
    one, other = box(0.25, 0.25), box(0.25 + dx, 0.25 + dy)
    assert stands(one, "near", other) is both
    assert stands(one, "near", other, near="or") is either


def test_near_ends_at_its_distance() -> None:
    assert not stands((0.0, 0.0, 0.0, 0.0), "near", (0.125, 0.0, 0.125, 0.0), distance=0.125)
    assert stands((0.0, 0.0, 0.0, 0.0), "near", (0.1249, 0.0, 0.1249, 0.0), distance=0.125)


def test_any_pair_will_do_but_no_box_is_beside_itself() -> None:
    left, right = box(0.2, 0.5), box(0.8, 0.5)
    assert stand([right, left], "left", [right])
    assert stand([left, right], "right", [left, right])
    assert not stand([left], "near", [left])
    assert not stand([], "left", [right])
    with pytest.raises(ValueError, match="unknown direction 'behind'"):
        stands(left, "behind", right)


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        ((0, 0, 1, 1), (0, 0, 1, 1), 1.0),
        ((0, 0, 1, 1), (0, 0, 1, 0.5), 0.5),
        ((0, 0, 0.5, 1), (0.25, 0, 0.75, 1), 1 / 3),
        ((0, 0, 0.5, 1), (0.5, 0, 1, 1), 0.0),
        ((0, 0, 0.2, 0.2), (0.5, 0.5, 1, 1), 0.0),
        ((0.5, 0.5, 0.5, 0.5), (0, 0, 1, 1), 0.0),
    ],
)
def test_overlap(one, other, shared: float) -> None:
    assert overlap(one, other) == overlap(other, one) == pytest.approx(shared)


def test_the_better_of_two_boxes_stays() -> None:
    whole, half, apart = (0.0, 0.0, 0.4, 0.4), (0.0, 0.0, 0.4, 0.25), (0.6, 0.6, 0.9, 0.9)
    scored = [(half, 0.3), (apart, 0.5), (whole, 0.9)]
    assert overlap(whole, half) == pytest.approx(0.625)
    assert suppress(scored, 0.5) == [(whole, 0.9), (apart, 0.5)]
    assert suppress(scored, 0.7) == [(whole, 0.9), (apart, 0.5), (half, 0.3)]
    assert suppress([(whole, 0.2), (whole, 0.1)], 1.0) == [(whole, 0.2), (whole, 0.1)]

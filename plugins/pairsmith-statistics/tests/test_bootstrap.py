import math
from collections import Counter

import numpy as np
import pytest
from scipy import stats

from pairsmith_statistics.bootstrap import clusters, interval, left_out, permutation_p, resampled


def micro(sums):
    """CHAIR: false mentions of all mentions; not the mean of what each item has."""
    return {"chair": 100 * sums.get("false", 0) / sums["all"]} if sums.get("all") else {}


def of(values):
    return clusters(
        [(str(n), {"false": false, "all": every}) for n, (false, every) in enumerate(values)], names(values)
    )


def names(values):
    return [str(n) for n in range(len(values))]


def test_a_number_is_computed_from_the_totals_of_what_was_drawn():
    # One item has 1 false of 1, the other 0 of 9. Drawn twice: 100 %, 0 %, or both: 1 of 10, which is 10 % and not 50 %.
    (drawn,) = resampled([of([(1, 1), (0, 9)])], micro, ["chair"], 4000, seed=0)
    found = Counter(drawn[:, 0].tolist())
    assert set(found) == {100.0, 10.0, 0.0}
    assert found[10.0] / 4000 == pytest.approx(0.5, abs=0.03)


def test_items_of_one_image_are_drawn_together():
    rows = [("a", {"false": 1, "all": 1}), ("a", {"false": 0, "all": 1}), ("b", {"false": 0, "all": 2})]
    model = clusters(rows, ["a", "b"])
    assert model.table.tolist() == [[1, 2], [0, 2]]
    (drawn,) = resampled([model], micro, ["chair"], 500, seed=0)
    assert set(drawn[:, 0].tolist()) == {50.0, 25.0, 0.0}


@pytest.mark.parametrize("paired", [False, True])
def test_intervals_equal_those_of_scipy(paired):
    dice = np.random.default_rng(5)
    every = dice.integers(1, 9, size=50)
    first, second = dice.binomial(every, 0.3), dice.binomial(every, 0.15)
    one = of(list(zip(first.tolist(), every.tolist(), strict=True)))
    two = of(list(zip(second.tolist(), every.tolist(), strict=True)))
    drawn = resampled([one, two], micro, ["chair"], 6000, seed=1)
    without = [left_out(model, micro, ["chair"]) for model in (one, two)]

    def ratio(index, axis=-1):
        numerator = second[index] - first[index] if paired else first[index]
        return 100 * numerator.sum(axis=axis) / every[index].sum(axis=axis)

    distribution = drawn[1] - drawn[0] if paired else drawn[0]
    jackknife = without[1] - without[0] if paired else without[0]
    ours = interval(float(ratio(np.arange(50))), distribution[:, 0], jackknife[:, 0], 0.95)
    theirs = stats.bootstrap(
        (np.arange(50),), ratio, n_resamples=6000, method="BCa", vectorized=True, rng=np.random.default_rng(2)
    ).confidence_interval
    width = theirs.high - theirs.low
    assert ours.method == "bca"
    assert ours.low == pytest.approx(theirs.low, abs=0.06 * width)
    assert ours.high == pytest.approx(theirs.high, abs=0.06 * width)


def test_intervals_cover_the_truth_as_often_as_they_say():
    dice = np.random.default_rng(11)
    covered = 0
    for seed in range(200):
        every = dice.integers(1, 9, size=40)
        false = dice.binomial(every, 0.3)
        model = of(list(zip(false.tolist(), every.tolist(), strict=True)))
        (drawn,) = resampled([model], micro, ["chair"], 400, seed)
        here = 100 * false.sum() / every.sum()
        bounds = interval(here, drawn[:, 0], left_out(model, micro, ["chair"])[:, 0], 0.9)
        covered += bounds.low <= 30 <= bounds.high
    assert 0.84 <= covered / 200 <= 0.96  # four standard errors below and about three above


def test_draws_are_the_same_for_all_models():
    model = of([(1, 2), (0, 3), (2, 2)])
    first, second = resampled([model, model], micro, ["chair"], 300, seed=0)
    assert (first == second).all()


def test_a_number_that_never_changes_has_no_interval():
    (drawn,) = resampled([of([(2, 2), (3, 3), (1, 1)])], micro, ["chair"], 200, seed=0)
    bounds = interval(100.0, drawn[:, 0], drawn[:3, 0], 0.95)
    assert bounds.method == "none"
    assert math.isnan(bounds.low)


def test_a_number_that_is_often_undefined_has_no_interval():
    model = of([(1, 1), (0, 0), (0, 0)])
    (drawn,) = resampled([model], micro, ["chair"], 400, seed=0)
    assert np.isnan(drawn).mean() == pytest.approx((2 / 3) ** 3, abs=0.1)
    assert interval(100.0, drawn[:, 0], left_out(model, micro, ["chair"])[:, 0], 0.95).method == "none"


def test_the_permutation_test_by_hand():
    # Three items, each false before and right after. Of the 8 ways to say whose answer is whose, 2 are as far apart.
    base, after = of([(1, 1)] * 3), of([(0, 1)] * 3)
    (p,) = permutation_p(base, after, micro, ["chair"], 4000, seed=0)
    assert p == pytest.approx(2 / 8, abs=0.03)
    (same,) = permutation_p(base, base, micro, ["chair"], 200, seed=0)
    assert same == 1


def test_the_permutation_test_agrees_with_mcnemar():
    # 30 items: 12 right after and not before, 3 the other way round. McNemar's exact test: binomial of 3 in 15.
    base = of([(1, 1)] * 12 + [(0, 1)] * 3 + [(0, 1)] * 15)
    after = of([(0, 1)] * 12 + [(1, 1)] * 3 + [(0, 1)] * 15)
    (p,) = permutation_p(base, after, micro, ["chair"], 8000, seed=0)
    assert p == pytest.approx(stats.binomtest(3, 15).pvalue, abs=0.01)


def test_two_models_that_are_alike_are_seldom_told_apart():
    dice = np.random.default_rng(4)
    told = 0
    for seed in range(100):
        one, two = (of([(int(x), 1) for x in dice.binomial(1, 0.4, size=25)]) for _ in range(2))
        told += float(permutation_p(one, two, micro, ["chair"], 200, seed)[0]) <= 0.1
    assert told <= 20

"""What a judge's scores prefer: labelled answers, long ones, those shown first, and whether it does so again."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from math import nan
from typing import Any

from pairsmith_statistics.agreement import Rated, equally_long, pairs, preferred, rate_interval, tau_b, won
from pairsmith_statistics.stances import Stances

Found = dict[str, Any]


def ties(rated: Sequence[Rated]) -> Found:
    """Return how many pairs of answers to one sample there are, and to how many a judge gives the same score."""
    found = pairs(rated)
    return {"pairs": len(found), "ties": sum(preferred(*one) == 0 for one in found)}


def labelled(rated: Sequence[Rated], confidence: float, resamples: int, seed: int) -> Found:
    """Return how often a judge prefers the answer that came labelled chosen: in all, and among equally long ones.

    Ties are counted apart and are in no rate.
    """

    def chosen(one: Rated, two: Rated) -> int:
        return (one.label == "chosen") - (two.label == "chosen")

    known = [both for both in pairs(rated) if {one.label for one in both} == {"chosen", "rejected"}]
    level = [both for both in known if equally_long(*both)]
    return {
        "pairs": len(known),
        "ties": sum(preferred(*both) == 0 for both in known),
        "accuracy": rate_interval(won(known, chosen), confidence, resamples, seed),
        "equally_long": rate_interval(won(level, chosen), confidence, resamples, seed),
    }


def length_bias(rated: Sequence[Rated], confidence: float, resamples: int, seed: int) -> Found:
    """Return how a judge's scores go with length: tau-b over answers, and how often the longer of two wins."""

    def longer(one: Rated, two: Rated) -> int:
        return 0 if equally_long(one, two) else 1 if one.words > two.words else -1

    return {
        "answers": len(rated),
        "tau_b": tau_b([one.score for one in rated], [one.words for one in rated]),
        "longer_wins": rate_interval(won(pairs(rated), longer), confidence, resamples, seed),
    }


def position_bias(
    rated: Sequence[Rated], swapped: Sequence[Rated], confidence: float, resamples: int, seed: int
) -> Found:
    """Return how often the answer shown first wins, and how often the opposite order turns a preference round.

    A judge without a liking for a place has the first win half of the time over both orders, and turns nothing round.
    """

    def first(one: Rated, two: Rated) -> int:
        return 1 if one.place < two.place else -1

    there = {(one.sample, one.response): one for one in swapped}
    before = [both for both in pairs(rated) if all((one.sample, one.response) in there for one in both)]
    after = [(there[one.sample, one.response], there[two.sample, two.response]) for one, two in before]
    turned = [
        (one[0].sample, preferred(*one) == -preferred(*two))
        for one, two in zip(before, after, strict=True)
        if preferred(*one) and preferred(*two)
    ]
    return {
        "pairs": len(before),
        "turned": rate_interval(turned, confidence, resamples, seed),
        "first_wins": rate_interval([*won(before, first), *won(after, first)], confidence, resamples, seed),
        "tie_changes": sum(
            bool(preferred(*one)) != bool(preferred(*two)) for one, two in zip(before, after, strict=True)
        ),
    }


def consistency(
    found: Stances, again: Sequence[Stances], name: str, confidence: float, resamples: int, seed: int
) -> Found:
    """Return how often a judge says the same of the same thing when asked again, over all two of its answers."""
    asked = [one for one in (found, *again) if one.by_judge.get(name)]
    if len(asked) < 2:  # noqa: PLR2004
        return {"repeats": 0}
    same, scores = [], []
    for one, two in combinations(asked, 2):
        first, second = _said(one, name), _said(two, name)
        same += [(found.units[unit].cluster, first[unit] == second[unit]) for unit in first if unit in second]
        marks = one.scores(name), two.scores(name)
        both = [unit for unit in marks[0] if unit in marks[1]]
        scores.append(tau_b([marks[0][unit] for unit in both], [marks[1][unit] for unit in both]))
    known = [one for one in scores if one == one]  # noqa: PLR0124 - not nan
    return {
        "repeats": len(asked) - 1,
        "same": rate_interval(same, confidence, resamples, seed),
        "tau_b": sum(known) / len(known) if known else nan,
    }


def _said(stances: Stances, name: str) -> Mapping[Any, Any]:
    return {unit: (verdict.outcome, verdict.score) for unit, verdict in stances.by_judge[name].items()}

"""From verdicts to one number per response: what selectors compare.

Pure functions, public for plugins. A selector's options inherit :class:`ScoreOptions`, so a recipe writes
``[pairs] use = "margin"``, ``score = "average"``, ``weights = {object = 2.0}`` side by side.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from attrs import Attribute, field, frozen
from attrs.validators import in_

from pairsmith.errors import StageError
from pairsmith.rubric import grades_by_judge, weighted_sum
from pairsmith.values import Judged, Verdict

Scoring = Literal["difference", "sum", "average", "score", "attributes"]
SCORINGS = ("difference", "sum", "average", "score", "attributes")

TOLERANCE = 1e-9
"""Two scores closer than this are equal: a margin of 0.3 is reached by -0.1 - -0.4."""

WHOLE_RESPONSE = "response"
"""The aspect, for weights, of an outcome that is about a whole response."""


def _not_negative(_: object, attribute: "Attribute[Any]", value: Mapping[str, float]) -> None:
    for name, weight in value.items():
        if not 0 <= weight < float("inf"):
            msg = f"{attribute.name!r}: the weight of {name!r} must be a finite number of at least 0: {weight!r}"
            raise ValueError(msg)


@frozen(kw_only=True)
class ScoreOptions:
    """How verdicts become the score of a response. Options of selectors inherit these.

    >>> ScoreOptions(weights={"object": -1})
    Traceback (most recent call last):
    ValueError: 'weights': the weight of 'object' must be a finite number of at least 0: -1
    """

    score: Scoring = field(
        default="difference",
        validator=in_(SCORINGS),
        metadata={
            "help": "difference: true minus false claims; sum: minus the false ones; average: minus the share of false "
            "ones; score: the judges' own scores; attributes: the sum of a rubric's attributes"
        },
    )
    attributes: tuple[str, ...] = field(
        default=(), metadata={"help": "with score = 'attributes': those that are summed; all of them where left out"}
    )
    weights: Mapping[str, float] = field(
        factory=dict,
        validator=_not_negative,
        metadata={"help": "how much a claim of an aspect, or an attribute, counts; 1 where not named, 0: not at all"},
    )
    judge_weights: Mapping[str, float] = field(
        factory=dict,
        validator=_not_negative,
        metadata={"help": "how much a judge counts, by the judge's name; 1 where not named, 0 leaves it out"},
    )


def scores(judged: Judged, options: ScoreOptions) -> tuple[float | None, ...]:
    """Return the score of each response, in order; ``None`` where no verdict is valid. Higher is better.

    A verdict is valid if it supports or contradicts; skipped ones count neither for nor against. Every valid verdict
    counts, so a claim that two judges saw counts twice, each time with the weight of its aspect times that of the
    judge. With true weight ``T`` and false weight ``F`` of a response:

    - ``difference``: ``T - F``.
    - ``sum``: ``-F`` (DecompGen, arXiv 2411.13697, ``S = -err`` summed).
    - ``average``: ``-F / (T + F)``, in [-1, 0] (DecompGen's micro-average over aspects).
    - ``score``: the mean over judges of the scores they gave, each judge's own being the mean over what it scored. A
      response that one of the sample's judges left unscored has none, for judges' scales differ.
    - ``attributes``: the weighted sum of the attributes that rubric judges gave (:mod:`pairsmith.rubric`), as mllm-dpo
      sums helpfulness, correctness and coherence; the mean of it over judges.

    An aspect of weight 2 counts as if it had been listed twice.

    Raises :class:`StageError` where all verdicts are of the other sort: outcomes are asked for and only scores given.
    """
    if options.score == "attributes":
        return _graded(judged, options)
    aspects = {claim.id: claim.aspect for claim in judged.claims}
    weighted = [(verdict, _weight(verdict, aspects, options)) for verdict in judged.verdicts]
    _check(judged, options)
    counted = [(verdict, weight) for verdict, weight in weighted if weight > 0]
    ids = [response.id for response in judged.responses]
    if options.score == "score":
        return _scored(ids, counted, options)
    return _outcomes(ids, counted, options.score)


def _weight(verdict: Verdict, aspects: Mapping[str, str], options: ScoreOptions) -> float:
    aspect = WHOLE_RESPONSE if verdict.claim_id is None else aspects.get(verdict.claim_id, "")
    return options.weights.get(aspect, 1.0) * options.judge_weights.get(verdict.judge, 1.0)


def _check(judged: Judged, options: ScoreOptions) -> None:
    wants_scores = options.score == "score"
    if not judged.verdicts or any(
        verdict.score is not None if wants_scores else verdict.outcome is not None for verdict in judged.verdicts
    ):
        return
    if wants_scores and all(verdict.outcome == "skipped" for verdict in judged.verdicts):
        return
    names = ", ".join(sorted({verdict.judge for verdict in judged.verdicts}))
    given, wanted = ("outcomes", "'difference', 'sum' or 'average'") if wants_scores else ("scores", "'score'")
    msg = f"[pairs] score = {options.score!r}: the judges ({names}) gave {given} only; set score to {wanted}"
    raise StageError(msg)


def _outcomes(ids: list[str], counted: Iterable[tuple[Verdict, float]], scoring: str) -> tuple[float | None, ...]:
    true, false = defaultdict[str, float](float), defaultdict[str, float](float)
    for verdict, weight in counted:
        if verdict.outcome == "supported":
            true[verdict.response_id] += weight
        elif verdict.outcome == "contradicted":
            false[verdict.response_id] += weight
    return tuple(_combine(true[name], false[name], scoring) if name in true or name in false else None for name in ids)


def _combine(true: float, false: float, scoring: str) -> float:
    if scoring == "difference":
        return true - false
    return 0.0 - (false if scoring == "sum" else false / (true + false))  # 0.0 - keeps a score of zero from being -0.0


def _scored(
    ids: list[str], counted: Iterable[tuple[Verdict, float]], options: ScoreOptions
) -> tuple[float | None, ...]:
    given: dict[str, dict[str, list[tuple[float, float]]]] = defaultdict(lambda: defaultdict(list))
    for verdict, weight in counted:
        if verdict.score is not None and verdict.outcome != "skipped":
            given[verdict.judge][verdict.response_id].append((verdict.score, weight))

    return _over_judges(
        ids, {judge: {name: _mean(all_) for name, all_ in by.items()} for judge, by in given.items()}, options
    )


def _graded(judged: Judged, options: ScoreOptions) -> tuple[float | None, ...]:
    weights = {name.casefold(): weight for name, weight in options.weights.items()}
    sums = {
        judge: {response_id: weighted_sum(grades, options.attributes, weights) for response_id, grades in by.items()}
        for judge, by in grades_by_judge(judged, options.attributes).items()
        if options.judge_weights.get(judge, 1.0) > 0
    }
    return _over_judges([response.id for response in judged.responses], sums, options)


def _over_judges(
    ids: list[str], given: Mapping[str, Mapping[str, float]], options: ScoreOptions
) -> tuple[float | None, ...]:
    """Return the mean over judges; ``None`` for a response that one of them left out."""

    def score(response_id: str) -> float | None:
        if not given or any(response_id not in by_response for by_response in given.values()):
            return None
        return _mean((by[response_id], options.judge_weights.get(judge, 1.0)) for judge, by in given.items())

    return tuple(score(name) for name in ids)


def _mean(weighted: Iterable[tuple[float, float]]) -> float:
    pairs = list(weighted)
    return sum(value * weight for value, weight in pairs) / sum(weight for _, weight in pairs)

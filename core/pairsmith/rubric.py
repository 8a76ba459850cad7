"""What a rubric judge says of an answer: grades by attribute, kept in its verdict's evidence.

The shape is ``evidence["attributes"] = {name: number}``, on a verdict about a whole answer; capitals make no difference.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from pairsmith.errors import StageError
from pairsmith.values import Judged, Verdict

ATTRIBUTES = "attributes"
"""Where a verdict's evidence holds the grades."""

HELPSTEER = ("helpfulness", "correctness", "coherence", "complexity", "verbosity")
"""The attributes of HelpSteer (arXiv 2311.09528), each 0 to 4; mllm-dpo (arXiv 2402.10884) sums the first three."""

Grades = Mapping[str, float]


def grades_of(verdict: Verdict) -> Grades | None:
    """Return the grades of a verdict by attribute in lower case; ``None`` where it has none.

    Raises :class:`StageError` where what is there are no numbers.
    """
    given = verdict.evidence.get(ATTRIBUTES)
    if verdict.claim_id is not None or verdict.outcome == "skipped" or given is None:
        return None
    if not isinstance(given, Mapping) or not all(
        isinstance(grade, int | float) and not isinstance(grade, bool) for grade in given.values()
    ):
        msg = f"judge {verdict.judge!r} on {verdict.response_id!r}: attributes must be numbers by name: {given!r}"
        raise StageError(msg)
    return {str(name).casefold(): grade for name, grade in given.items()}


def grades_by_judge(judged: Judged, wanted: Sequence[str]) -> Mapping[str, Mapping[str, Grades]]:
    """Return the grades of a sample's answers: by judge, then by the answer's id.

    Raises :class:`StageError` where there are verdicts and none has grades, or a judge did not grade what is ``wanted``.
    """
    found: dict[str, dict[str, Grades]] = defaultdict(dict)
    for verdict in judged.verdicts:
        grades = grades_of(verdict)
        if grades is None:
            continue
        missing = [name for name in wanted if name.casefold() not in grades]
        if missing:
            there = ", ".join(grades) or "nothing"
            msg = f"[pairs] attributes: judge {verdict.judge!r} graded no {missing[0]!r}; it graded {there}"
            raise StageError(msg)
        found[verdict.judge][verdict.response_id] = grades
    if not found and any(verdict.outcome != "skipped" for verdict in judged.verdicts):
        names = ", ".join(sorted({verdict.judge for verdict in judged.verdicts}))
        msg = f"[pairs] the judges ({names}) gave no attributes; add a rubric judge, or set score to what they gave"
        raise StageError(msg)
    return found


def weighted_sum(grades: Grades, attributes: Sequence[str], weights: Mapping[str, float]) -> float:
    """Return the sum of some attributes (all of them where none is named), each times its weight, 1 where it has none.

    >>> weighted_sum({"helpfulness": 3, "coherence": 4, "verbosity": 1}, ("Helpfulness", "coherence"), {"coherence": 0.5})
    5.0
    """
    names = [name.casefold() for name in attributes] or list(grades)
    return float(sum(grades[name] * weights.get(name, 1.0) for name in names))

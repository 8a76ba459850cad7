"""The ratings that came with published answers, as a judge."""

from collections.abc import Mapping, Sequence

from pairsmith.errors import StageError
from pairsmith.interfaces import Run
from pairsmith.values import Case, Verdict
from pairsmith_formats.options import RatingsOptions


class Ratings:
    """Gives each answer the mean or the sum of its published ratings; one without is skipped."""

    aspects: tuple[str, ...] | None = ()

    def __init__(self, options: RatingsOptions, run: Run) -> None:  # noqa: ARG002 - every factory is given the run
        """Note which ratings to take."""
        self._options = options

    def judge(self, cases: Sequence[Case]) -> list[list[Verdict]]:
        """Return a verdict an answer."""
        return [self._case(case) for case in cases]

    def _case(self, case: Case) -> list[Verdict]:
        ratings: Mapping[str, Mapping[str, float]] = case.sample.extra.get("ratings", {})
        places = {answer.id: str(place) for place, answer in enumerate(case.sample.given)}
        return [self._verdict(one.id, ratings.get(places.get(one.id, ""), {})) for one in case.responses]

    def _verdict(self, response: str, ratings: Mapping[str, float]) -> Verdict:
        wanted = self._options.attributes or tuple(ratings)
        missing = [name for name in wanted if name not in ratings]
        if self._options.attributes and ratings and len(missing) == len(wanted):
            msg = (
                f"[[judges]] attributes: answer {response!r} has none of {', '.join(wanted)}, but {', '.join(ratings)}"
            )
            raise StageError(msg)
        if missing or not wanted:
            reason = f"no rating {missing[0]!r}" if missing else "no ratings came with it"
            return Verdict(judge="ratings", response_id=response, outcome="skipped", reason=reason)
        total = sum(ratings[name] for name in wanted)
        score = total if self._options.combine == "sum" else total / len(wanted)
        evidence = {name: ratings[name] for name in wanted}
        return Verdict(judge="ratings", response_id=response, score=score, evidence=evidence)

"""DecompGen's counting of things (arXiv 2411.13697, its released code)."""

from collections.abc import Iterable, Mapping, Sequence

from attrs import evolve

from pairsmith.interfaces import Run
from pairsmith.values import Demonstration, Dropped, Judged, Outcome, Pair, Verdict
from pairsmith_compat.options import ObjectsOptions
from pairsmith_compat.things import singular
from pairsmith_compat.wrapped import Wrapped

Seen = Mapping[tuple[str, str], Outcome | None]


class PublishedObjects(Wrapped):
    """Shows another selector verdicts on things as DecompGen counted them.

    That a thing of the list is there counts neither way. A thing in the plural is there if the judge found it in the
    singular, where any answer about the image names it so. What is said of a thing is as it was judged.
    """

    def __init__(self, options: ObjectsOptions, run: Run) -> None:
        """Check the selector's table."""
        super().__init__("pair_selectors", options.selector, run, "selector")
        self._uncounted = frozenset(options.uncounted)

    def survey(self, everything: Iterable[tuple[Judged, int]]) -> None:
        """Show the other selector everything, where it asks for that."""
        if hasattr(self.inside, "survey"):
            self.inside.survey((self.counted(judged), seed) for judged, seed in everything)

    def select(self, judged: Judged, *, seed: int) -> Sequence[Pair | Demonstration | Dropped]:
        """Return the other selector's pairs."""
        chosen: Sequence[Pair | Demonstration | Dropped] = self.inside.select(self.counted(judged), seed=seed)
        return chosen

    def counted(self, judged: Judged) -> Judged:
        """Return a sample whose verdicts on things are those that count."""
        names: dict[str | None, str] = {
            one.id: str(one.data["object"]) for one in judged.claims if one.aspect == "object" and "object" in one.data
        }
        of_things = [(one, names.get(one.claim_id)) for one in judged.verdicts]
        seen = {(one.judge, name): one.outcome for one, name in of_things if name is not None}
        counted = tuple(one if name is None else self._as_counted(one, name, seen) for one, name in of_things)
        return evolve(judged, verdicts=counted)

    def _as_counted(self, verdict: Verdict, name: str, seen: Seen) -> Verdict:
        if name in self._uncounted:
            return evolve(verdict, outcome="skipped", reason=f"{name!r} does not count, as published")
        outcome = seen.get((verdict.judge, singular(name)))
        return verdict if outcome in {None, "skipped"} else evolve(verdict, outcome=outcome)

"""The component ``deduplicate``: another selector's pairs without near-duplicates and contamination.

It wraps a selector, as only a selector sees images, prompts and answers together and, by its survey, the whole run before
the first pair is chosen: so what goes depends on the run's data and its order, not on where a run was interrupted.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from pairsmith.interfaces import Run
from pairsmith.values import Demonstration, Dropped, Judged, Pair, turns
from pairsmith_quality.options import DeduplicateOptions
from pairsmith_quality.outside import Outside
from pairsmith_quality.repeats import Repeats

NEAR, CONTAMINATED = "near-duplicate", "contaminated"


class Deduplicate:
    """Yields another selector's pairs or demonstrations but for those that repeat what is there or elsewhere."""

    def __init__(self, options: DeduplicateOptions, run: Run) -> None:
        """Check the tables of the other selector, the benchmarks and the other sets."""
        self._options, self._run = options, run
        self._inner = run.component("pair_selectors", options.selector, "selector")(run)
        for kind, option in (("benchmarks", "benchmarks"), ("image_sources", "sources")):
            for number, table in enumerate(getattr(options, option)):
                run.component(kind, table, f"{option}[{number}]")  # type: ignore[arg-type]
        self._left_out: dict[str, Dropped] = {}
        self._facts: dict[str, Any] = {}

    def survey(self, everything: Iterable[tuple[Judged, int]]) -> None:
        """Find what goes, and why."""
        if hasattr(self._inner, "survey"):
            self._inner.survey(everything)
        outside, repeats = Outside(self._options, self._run), Repeats(self._options, self._options.duplicate)
        self._left_out, seen = {}, 0
        for judged, seed in everything:
            for one in self._inner.select(judged, seed=seed):
                if not isinstance(one, Dropped):
                    seen += 1
                    drop = self._looked_at(one, outside, repeats)
                    if drop is not None:
                        self._left_out[one.id] = drop
        found = Counter(drop.reason for drop in self._left_out.values())
        self._facts = {"deduplicate": f"{seen - len(self._left_out)} of {seen}", **found}
        self._facts |= {f"compared with {name}": f"{counts['items']} items" for name, counts in outside.sets.items()}

    def select(self, judged: Judged, *, seed: int) -> tuple[Pair | Demonstration | Dropped, ...]:
        """Return the pairs, and a note of each that is left out."""
        return tuple(
            one if isinstance(one, Dropped) else self._left_out.get(one.id, one)
            for one in self._inner.select(judged, seed=seed)
        )

    def facts(self) -> Mapping[str, Any]:
        """Return how many there were, how many went for which reason, and what they were compared with."""
        inner: Mapping[str, Any] = self._inner.facts() if hasattr(self._inner, "facts") else {}
        return {**inner, **self._facts}

    def _looked_at(self, one: Pair | Demonstration, outside: Outside, repeats: Repeats) -> Dropped | None:
        responses = (one.chosen, one.rejected) if isinstance(one, Pair) else (one.chosen,)
        contact = outside.contact(one.sample, *(turns(one.sample, response) for response in responses))
        if contact.is_by(self._options.contamination):
            return Dropped(id=one.id, reason=CONTAMINATED, detail=str(contact))
        repeat = repeats.look(one)
        return None if repeat is None else Dropped(id=one.id, reason=NEAR, detail=str(repeat))

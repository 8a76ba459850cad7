"""The samples of several sources, one source after the other (mllm-dpo's questions come from two data sets)."""

from collections.abc import Iterator
from itertools import islice

from attrs import evolve

from pairsmith.builtin.options import SeveralOptions
from pairsmith.interfaces import ImageSource, Run
from pairsmith.values import Dropped, Sample


class Several:
    """Yields what its sources yield; an id begins with the name of its source, so that none is there twice."""

    def __init__(self, options: SeveralOptions, run: Run) -> None:
        """Build the sources."""
        self._sources: list[tuple[str, int | None, ImageSource]] = []
        for number, table in enumerate(options.sources):
            own = {key: value for key, value in table.items() if key not in {"name", "take"}}
            source = run.component("image_sources", own, f"images.sources[{number}]")(run)
            self._sources.append((str(table.get("name", number)), table.get("take"), source))

    def samples(self, start: int = 0) -> Iterator[Sample | Dropped]:
        """Yield the samples of all sources from the ``start``-th on."""
        return islice(self._all(), start, None)

    def _all(self) -> Iterator[Sample | Dropped]:
        for name, take, source in self._sources:
            for one in islice(source.samples(), take):
                yield _renamed(one, name)


def _renamed(one: Sample | Dropped, name: str) -> Sample | Dropped:
    own = f"{name}/{one.id}"
    if isinstance(one, Dropped):
        return evolve(one, id=own)
    given = tuple(evolve(answer, id=f"{name}/{answer.id}", sample_id=own) for answer in one.given)
    return evolve(one, id=own, given=given)

"""A run directory, read only: what reporters and exporters are given, and what ``status`` shows."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from attrs import define

from pairsmith import names
from pairsmith.directory import RunDirectory, read_document
from pairsmith.failures import FAILED
from pairsmith.measured import metrics
from pairsmith.scored import read_items, read_scores
from pairsmith.store import FACTS, Stage
from pairsmith.values import Item, Judged, Verdict


@define(slots=False)
class DirectoryView:
    """Implements :class:`pairsmith.interfaces.RunView`."""

    directory: Path

    def __attrs_post_init__(self) -> None:
        """Refuse what is no run."""
        self.directory = self.directory.resolve()
        read_document(self.directory)

    @cached_property
    def document(self) -> Mapping[str, Any]:
        """``run.json``."""
        return read_document(self.directory)

    @property
    def recipe(self) -> Mapping[str, Any]:
        """The recipe as resolved."""
        recipe: Mapping[str, Any] = self.document["recipe"]
        return recipe

    @cached_property
    def _run(self) -> RunDirectory:
        return RunDirectory(self.directory)

    def stages(self) -> Mapping[str, Mapping[str, Any]]:
        """Return the stages in order."""
        return {name: _state(self._run.stage(name)) for name in self.document["stages"]}

    def judged(self) -> Iterator[Judged]:
        """Yield every sample with its responses, claims and verdicts, round by round."""
        for chain in self._rounds():
            yield from names.chain_of(self._run, chain).all_judged()

    def _rounds(self) -> Iterator[Mapping[str, Any]]:
        """Yield which stages of each round hold what, as far as rounds have begun."""
        yield self.document["chain"]
        for chain in self.document.get("later_rounds", ()):
            if self._run.stage(chain["responses"][0]).key() is not None:
                yield chain

    def items(self, arm: str = "") -> Iterator[Item]:
        """Yield the pairs or demonstrations of an arm."""
        codec = self._run.codec
        for stage in self._item_stages(arm):
            for row in stage.rows():
                if "item" in row:
                    yield codec.value(row["item"], Item)
            return

    def _item_stages(self, arm: str) -> Iterator[Stage]:
        own = [name for name in self.document["stages"] if name.startswith(f"{names.CONTROL}-") == bool(arm)]
        for kind in ("corruptions", "pairs"):
            for name in reversed(own):
                if name.endswith(kind) and self._run.stage(name).parts():
                    yield self._run.stage(name)

    def dropped(self, stage: str) -> Iterator[Mapping[str, Any]]:
        """Yield what a stage left out or failed on."""
        for row in self._run.stage(stage).rows():
            if "dropped" in row:
                yield row["dropped"]
            if FAILED in row:
                yield {"id": row["id"], "reason": FAILED, "detail": row[FAILED]}
            yield from row.get("lost", ())

    def metrics(self, arm: str = "") -> Sequence[Mapping[str, Any]]:
        """Return the metrics of an arm's last training that has begun."""
        for training in reversed(self.document["trainings"]):
            rows = metrics(self._run.stage(names.train_stage(arm, training)))
            if rows:
                return rows
        return []

    def evaluations(self) -> Sequence[Mapping[str, Any]]:
        """Return every score of every model: what the recipe asked for, then what was evaluated later."""
        own = list(self.document["stages"])
        later = sorted(path.parent.name for path in self.directory.glob("stages/evaluate-*/scores.json"))
        scored = (read_scores(self._run.stage(name)) for name in dict.fromkeys((*own, *later)))
        return [scores for scores in scored if scores is not None]

    def scored(self, benchmark: str, model: str) -> Iterator[Mapping[str, Any]]:
        """Yield what is kept of each item of a benchmark."""
        return read_items(self._run.stage(names.answers_stage(benchmark, model)))

    def opinions(self, of: str = "") -> Iterator[tuple[Judged, Mapping[str, Sequence[Verdict]]]]:
        """Yield every sample with the verdicts of each judge, by the judge's stage.

        ``of`` names verdicts that were asked for again, ``"swapped"`` or ``"repeat-1"``: of the judges that were. In every
        round a judge has the name of its stage in the first.
        """
        judges = self.document["chain"]["verdicts"]
        for chain in self._rounds():
            stages = (self._run.stage(names.again(of, stage)) for stage in chain["verdicts"])
            wanted = {judge: stage for judge, stage in zip(judges, stages, strict=True) if stage.done()}
            yield from names.chain_of(self._run, chain).with_stage(verdicts=()).opinions(wanted)


def _state(stage: Stage) -> Mapping[str, Any]:
    done, parts, facts = stage.done(), stage.parts(), stage.note(FACTS) or {}
    if done is not None:
        return {
            "key": stage.key(),
            "parts": done["parts"],
            "items": done["rows"],
            "counts": done["counts"],
            "seconds": done["seconds"],
            "done": True,
            "facts": facts,
        }
    counts: dict[str, int] = {}
    rows = 0
    for part in parts:
        end = stage.end(part)
        rows += end["rows"]
        for label, number in end["counts"].items():
            counts[label] = counts.get(label, 0) + number
    return {
        "key": stage.key(),
        "parts": len(parts),
        "items": rows,
        "counts": counts,
        "seconds": None,
        "done": False,
        "facts": facts,
    }

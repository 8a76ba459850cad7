"""AMBER's discriminative task: Wang et al., arXiv 2311.07397, section 3.3, as their ``inference.py`` computes it.

Questions that yes or no answers, about what exists, attributes (state, number, action) and relations. **No** is the
positive class: precision is the share of no answers that are right, and recall the share of questions to be answered
with no that were. An answer that is neither counts as wrong in accuracy and recall, and is counted as unclear.

The script rounds precision and recall to a tenth of a percent before it takes F1 of them, and adds 0.0001 (for
existence 0.001) to their sum; ``f1`` here does the same, so that it is the benchmark's number.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from pairsmith.interfaces import Run, Scores
from pairsmith_benchmarks.amber import folder_of, items
from pairsmith_benchmarks.answers import Answers, Record, added, known, named, percent
from pairsmith_benchmarks.items import Directions, Item, ItemBenchmark, matched
from pairsmith_benchmarks.options import AmberDiscriminativeOptions
from pairsmith_benchmarks.yesno import Reading, exact, first_word

READINGS: Mapping[str, Callable[[str], Reading]] = {"exact": exact, "first-word": first_word}
GROUPS: Mapping[str, tuple[str, ...]] = {
    "": ("existence", "state", "number", "action", "relation"),
    "existence_": ("existence",),
    "attribute_": ("state", "number", "action"),
    "state_": ("state",),
    "number_": ("number",),
    "action_": ("action",),
    "relation_": ("relation",),
}
DIRECTIONS = Directions(lower=("unclear",))


class AmberDiscriminative(ItemBenchmark):
    """Questions about the 1,004 images, of one dimension or of all."""

    source: ClassVar[str] = "AMBER, discriminative: Wang et al., arXiv 2311.07397; no is the positive class"

    def __init__(self, options: AmberDiscriminativeOptions, run: Run) -> None:  # noqa: ARG002 - every factory is given the run
        """Take the options."""
        self._options = options
        self.images = options.images or options.path / "image"
        self._folder = folder_of(options.path, "amber-discriminative")

    def items(self) -> Sequence[Item]:
        """Return the questions."""
        dimension = self._options.dimension
        return list(items(self._folder, "discriminative" if dimension == "all" else f"discriminative-{dimension}"))

    def check_images(self, items: Sequence[Item]) -> None:
        """Refuse to begin where images are missing."""
        self._folder.images(self.images, list(dict.fromkeys(item.image for item in items)))

    def rate(self, items: Sequence[Item], answers: Answers) -> Scores:
        """Score answers to some items."""
        return score(items, answers, reading=self._options.reading)

    def metrics(self, sums: Mapping[str, float]) -> dict[str, float]:
        """Return the metrics of totals."""
        return known(named(of_sums(sums), suffix_of(self._options.reading)))


def score(items: Sequence[Item], answers: Answers, *, reading: str = "exact") -> Scores:
    """Score answers; the truth of an item is ``{"kind": ..., "label": "yes" or "no"}``."""
    found, by_id = matched("amber-discriminative", items, answers)
    read = READINGS[reading]
    records = found.records({one: {**by_id[one].truth, "read": read(text)} for one, text in found.texts.items()})
    return DIRECTIONS.scores(named(rates(records), suffix_of(reading)), found, records, sums_of)


def suffix_of(reading: str) -> str:
    """Return what stands behind the names of metrics that were read otherwise than published."""
    return "" if reading == "exact" else f"[{reading}]"


def rates(records: Sequence[Record]) -> dict[str, float | None]:
    """Return the metrics of what was read, of all questions and of each kind."""
    return of_sums(added(map(sums_of, records)))


def sums_of(record: Record) -> dict[str, float]:
    """Return the cell of the table of kinds, labels and answers that one answer is counted in."""
    return {f"{record['kind']} {record['label']} {record['read']}": 1} if "read" in record else {}


def of_sums(sums: Mapping[str, float]) -> dict[str, float | None]:
    """Return the metrics of such a table."""
    metrics: dict[str, float | None] = {}
    for prefix, kinds in GROUPS.items():
        table: dict[tuple[str, ...], float] = {}
        for cell, count in sums.items():
            kind, *label_and_answer = cell.split(" ")
            if kind in kinds:
                table[tuple(label_and_answer)] = table.get(tuple(label_and_answer), 0) + count
        if sum(table.values()):
            metrics |= {f"{prefix}{name}": value for name, value in _rates(table, prefix).items()}
    return {**metrics, "unclear": float(sum(count for cell, count in sums.items() if cell.endswith(" unclear")))}


def _rates(table: Mapping[tuple[str, ...], float], prefix: str) -> dict[str, float | None]:
    right = sum(count for (label, read), count in table.items() if label == read)
    noes = sum(count for (label, _), count in table.items() if label == "no")
    said = sum(count for (_, read), count in table.items() if read == "no")
    both = table.get(("no", "no"), 0)
    precision, recall = percent(both, said), percent(both, noes)
    return {
        "accuracy": percent(right, sum(table.values())),
        "precision": precision,
        "recall": recall,
        "f1": _f1(precision, recall, 0.001 if prefix == "existence_" else 0.0001),
    }


def _f1(precision: float | None, recall: float | None, little: float) -> float | None:
    """Return F1 as the published script rounds it.

    >>> _f1(80.04, 60.0, 0.0001)
    68.6
    """
    if precision is None or recall is None:
        return None
    first, second = round(precision, 1) / 100, round(recall, 1) / 100
    return round(2 * first * second / (first + second + little) * 100, 1)

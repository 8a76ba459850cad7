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
from pairsmith_benchmarks.answers import Answers, Record, percent
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


def score(items: Sequence[Item], answers: Answers, *, reading: str = "exact") -> Scores:
    """Score answers; the truth of an item is ``{"kind": ..., "label": "yes" or "no"}``."""
    found, by_id = matched("amber-discriminative", items, answers)
    read = READINGS[reading]
    records = found.records({one: {**by_id[one].truth, "read": read(text)} for one, text in found.texts.items()})
    suffix = "" if reading == "exact" else f"[{reading}]"
    metrics = {f"{name}{suffix}": value for name, value in rates(records).items()}
    return DIRECTIONS.scores(metrics, found, records)


def rates(records: Sequence[Record]) -> dict[str, float | None]:
    """Return the metrics of what was read, of all questions and of each kind."""
    scored = [record for record in records if "read" in record]
    metrics: dict[str, float | None] = {}
    for prefix, kinds in GROUPS.items():
        some = [record for record in scored if record["kind"] in kinds]
        if some:
            metrics |= {f"{prefix}{name}": value for name, value in _rates(some, prefix).items()}
    return {**metrics, "unclear": float(sum(record["read"] == "unclear" for record in scored))}


def _rates(records: Sequence[Record], prefix: str) -> dict[str, float | None]:
    right = sum(record["label"] == record["read"] for record in records)
    noes = [record for record in records if record["label"] == "no"]
    said = [record for record in records if record["read"] == "no"]
    both = sum(record["read"] == "no" for record in noes)
    precision, recall = percent(both, len(said)), percent(both, len(noes))
    return {
        "accuracy": percent(right, len(records)),
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

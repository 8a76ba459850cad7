"""POPE: Li et al., Evaluating Object Hallucination in Large Vision-Language Models, arXiv 2305.10355, section 5.

Questions "Is there a ... in the image?" about objects that are there and objects that are not. Yes is the positive
class: precision is the share of yes answers that are right, recall the share of present objects that were found, F1
their harmonic mean, and the yes-ratio the share of yes among all answers. Per kind of negative (random, popular,
adversarial), in percent; ``mean_...`` is the mean over the kinds.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import ClassVar

from pairsmith.errors import StageError
from pairsmith.interfaces import Run, Scores
from pairsmith_benchmarks.answers import Answers, Record, added, known, named, percent
from pairsmith_benchmarks.folder import Folder, inside, once, rows, text_of
from pairsmith_benchmarks.items import Directions, Item, ItemBenchmark, matched
from pairsmith_benchmarks.options import PopeOptions
from pairsmith_benchmarks.pope_questions import SPLITS, questions_about
from pairsmith_benchmarks.publications import where_to_get
from pairsmith_benchmarks.scenes import scenes_of
from pairsmith_benchmarks.yesno import Reading, first_word, published

SOURCE = where_to_get("pope")
READINGS: Mapping[str, Callable[[str], Reading]] = {"published": published, "first-word": first_word}


class Pope(ItemBenchmark):
    """Questions from published files, or built here from the objects of any images."""

    source: ClassVar[str] = "POPE: Li et al., arXiv 2305.10355; reading of answers as in github.com/AoiDragon/POPE"

    def __init__(self, options: PopeOptions, run: Run) -> None:  # noqa: ARG002 - every factory is given the run
        """Take the options."""
        self._options = options
        self.images = options.images
        self._folder = Folder(benchmark="pope", path=options.questions or options.images, source=SOURCE)

    def items(self) -> Sequence[Item]:
        """Return the questions of each kind of negative in turn."""
        options = self._options
        if options.objects is None:
            items = published_questions(self._folder, options.splits)
        else:
            scenes = scenes_of(options.objects)
            build = partial(
                questions_about, scenes, per_image=options.per_image, images=options.sample, seed=options.seed
            )
            items = [item for split in options.splits for item in build(split=split)]
        once([item.id for item in items], "pope")
        return items

    def check_images(self, items: Sequence[Item]) -> None:
        """Refuse to begin where images are missing."""
        self._folder.images(self.images, list(dict.fromkeys(item.image for item in items)))

    def rate(self, items: Sequence[Item], answers: Answers) -> Scores:
        """Score answers to some items."""
        return score(items, answers, reading=self._options.reading)

    def metrics(self, sums: Mapping[str, float]) -> dict[str, float]:
        """Return the metrics of totals."""
        return known(named(of_sums(sums), suffix_of(self._options.reading)))


def published_questions(folder: Folder, splits: Sequence[str]) -> list[Item]:
    """Return the questions of ``*_pope_<split>.json``: rows of ``question_id``, ``image``, ``text`` and ``label``.

    Raises :class:`StageError` where a file is missing or a row is not such a question.
    """
    items = []
    for split in splits:
        found = sorted(folder.path.glob(f"*_pope_{split}.json"))
        if len(found) != 1:
            there = ", ".join(path.name for path in found) or "none"
            folder.refuse(f"must hold one file '*_pope_{split}.json': there is {there}")
        for place, row in rows(found[0]):
            label = text_of(row, "label", place)
            if label not in {"yes", "no"}:
                msg = f"{place} must have 'yes' or 'no' as 'label': {label!r}"
                raise StageError(msg)
            items.append(
                Item(
                    id=f"{split}/{row.get('question_id')}",
                    image=inside(text_of(row, "image", place), place),
                    prompt=text_of(row, "text", place),
                    truth={"split": split, "label": label},
                )
            )
    return items


def score(items: Sequence[Item], answers: Answers, *, reading: str = "published") -> Scores:
    """Score answers; ``reading`` is ``"published"`` or ``"first-word"``, under which unclear answers are left out."""
    found, by_id = matched("pope", items, answers)
    read = READINGS[reading]
    records = found.records({one: {**by_id[one].truth, **_read(text, read)} for one, text in found.texts.items()})
    ratios = tuple(f"{name}_yes_ratio" for name in (*SPLITS, "mean"))
    return Directions(lower=("unclear",), neutral=ratios).scores(
        named(rates(records), suffix_of(reading)), found, records, sums_of
    )


def suffix_of(reading: str) -> str:
    """Return what stands behind the names of metrics that were read otherwise than published."""
    return "" if reading == "published" else f"[{reading}]"


def _read(text: str, read: Callable[[str], Reading]) -> Record:
    # Where the published rule sees a yes in whatever is not a no, the first word still tells how often it had to guess.
    return {"read": read(text), "unclear": first_word(text) == "unclear"}


def rates(records: Sequence[Record]) -> dict[str, float | None]:
    """Return the metrics of what was read; records without a reading are not scored.

    >>> said = [("yes", "yes"), ("yes", "no"), ("no", "no"), ("no", "yes")]
    >>> rates([{"split": "random", "label": label, "read": read, "unclear": False} for label, read in said])["random_f1"]
    50.0
    """
    return of_sums(added(map(sums_of, records)))


def sums_of(record: Record) -> dict[str, float]:
    """Return the cell of the table of kinds, labels and answers that one answer is counted in."""
    if "read" not in record:
        return {}
    return {f"{record['split']} {record['label']} {record['read']}": 1, "unclear": int(record["unclear"])}


def of_sums(sums: Mapping[str, float]) -> dict[str, float | None]:
    """Return the metrics of such a table; an unclear answer is in none of them."""
    tables: dict[str, dict[tuple[str, str], float]] = {}
    for cell, count in sums.items():
        match cell.split(" "):
            case [split, label, "yes" | "no" as read] if count:
                tables.setdefault(split, {})[label, read] = count
    metrics: dict[str, float | None] = {}
    for split, table in tables.items():
        metrics |= {f"{split}_{name}": value for name, value in confusion(table).items()}
    if len(tables) > 1:
        for name in ("accuracy", "f1", "yes_ratio"):
            values = [metrics[f"{split}_{name}"] for split in tables]
            defined = [value for value in values if value is not None]
            metrics[f"mean_{name}"] = sum(defined) / len(defined) if len(defined) == len(values) else None
    return {**metrics, "unclear": float(sums.get("unclear", 0))}


def confusion(table: Mapping[tuple[str, str], float]) -> dict[str, float | None]:
    """Return accuracy, precision, recall, F1 and yes-ratio of counts by (label, answer), in percent; yes is positive."""
    true, false = table.get(("yes", "yes"), 0), table.get(("no", "yes"), 0)
    missed, right = table.get(("yes", "no"), 0), table.get(("no", "no"), 0)
    every = true + false + missed + right
    return {
        "accuracy": percent(true + right, every),
        "precision": percent(true, true + false),
        "recall": percent(true, true + missed),
        "f1": percent(2 * true, 2 * true + false + missed),
        "yes_ratio": percent(true + false, every),
    }

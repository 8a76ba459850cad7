"""MM-Vet: Yu et al., MM-Vet: Evaluating Large Multimodal Models for Integrated Capabilities, arXiv 2308.02490, section 3.

A language model gives each of 218 answers a grade from 0 to 1, after a text with worked examples (``mm-vet_evaluator.py``):

    score               100 * mean grade
    score_<capability>  the same over the questions that need it: rec, ocr, know, gen, spat, math
    score_set_<set>     with ``sets``: over those that need just these together, as in ``score_set_ocr+spat``

The judge's name is part of each metric's. A grade is what stands before the first blank of the review and must be a
number from 0 to 1. Another review is left out and counted; the published script asks up to five times and then rates 0,
which ``unparsed = "as-published"`` does at once. It runs the judge five times; here it is asked once, greedily.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pairsmith.errors import StageError
from pairsmith.interfaces import Run, Scores
from pairsmith_benchmarks.answers import Answers, Record, added, average, known, match, named
from pairsmith_benchmarks.folder import Folder, inside, read_json, text_of
from pairsmith_benchmarks.frames import GRADE, framed
from pairsmith_benchmarks.items import Directions, Item, ItemBenchmark, matched
from pairsmith_benchmarks.judged_options import MmvetOptions
from pairsmith_benchmarks.publications import where_to_get
from pairsmith_benchmarks.reviews import reviewer, template

SOURCE = where_to_get("mm-vet")
DIRECTIONS = Directions(lower=("unparsed",), neutral=("length",))
SET = "set"


class MmVet(ItemBenchmark):
    """218 open questions, graded by a named judge."""

    source: ClassVar[str] = "MM-Vet: Yu et al., arXiv 2308.02490, graded by the judge named in the metrics"

    def __init__(self, options: MmvetOptions, run: Run) -> None:
        """Read the published prompt and check the judge's table, before any model is asked."""
        self._options = options
        self.images = options.images or options.path / "images"
        self._folder = Folder(benchmark="mm-vet", path=options.path, source=SOURCE)
        self._reviewer = reviewer(options, run, "mm-vet")
        self._template = ""
        if options.judge is not None:
            self._template = template(options.template or self._folder.find("mm-vet_evaluator.py"), "prompt", ())

    def items(self) -> Sequence[Item]:
        """Return the questions in the order of the file."""
        path = self._folder.find("mm-vet.json")
        return [_item(name, row, f"{str(path)!r}, {name!r}") for name, row in read_json(path, dict).items()]

    def check_images(self, items: Sequence[Item]) -> None:
        """Refuse to begin where images are missing."""
        self._folder.images(self.images, [item.image for item in items])

    def rate(self, items: Sequence[Item], answers: Answers) -> Scores:
        """Have the judge grade the answers that were not graded before, and score the grades."""
        given = list(answers)
        reviews = self._reviewer.reviews(requests(items, given, self._template))
        options = self._options
        return score(items, given, reviews, self._reviewer.name, unparsed=options.unparsed, sets=options.sets)

    def metrics(self, sums: Mapping[str, float]) -> dict[str, float]:
        """Return the metrics of totals."""
        metrics = of_sums(sums, sets=self._options.sets)
        return known(named(metrics, suffix_of(self._reviewer.name, self._options.unparsed), but=("length",)))


def _item(name: str, row: Any, place: str) -> Item:  # noqa: ANN401 - JSON
    if not isinstance(row, dict):
        msg = f"{place} is not an object: {row!r:.80}"
        raise StageError(msg)
    capabilities = row.get("capability")
    if not isinstance(capabilities, list) or not all(isinstance(one, str) for one in capabilities):
        msg = f"{place} must have an array of names 'capability': {capabilities!r:.80}"
        raise StageError(msg)
    question = text_of(row, "question", place)
    return Item(
        id=name,
        image=inside(text_of(row, "imagename", place), place),
        prompt=question,
        truth={"question": question, "answer": text_of(row, "answer", place), "capability": sorted(set(capabilities))},
    )


def requests(items: Sequence[Item], answers: Answers, prompt: str) -> dict[str, str]:
    """Return what the judge is asked, for each item whose answer can be scored: a row of the table to be completed."""
    found, by_id = match([item.id for item in items], answers), {item.id: item.truth for item in items}
    asked = {}
    for one, text in found.texts.items():
        right = by_id[one]["answer"].replace("<AND>", " <AND> ").replace("<OR>", " <OR> ")
        asked[one] = f"{prompt}\n{' | '.join([by_id[one]['question'], right, framed(text, prompt, (GRADE,)), ''])}"
    return asked


def grade(review: str) -> float | None:
    r"""Return the grade in a review, or nothing.

    >>> grade("0.5"), grade("1.0\n"), grade("0.5 because"), grade("1.1"), grade("nan"), grade("good")
    (0.5, 1.0, 0.5, None, None, None)
    """
    try:
        found = float(review.split(" ", maxsplit=1)[0].strip())
    except ValueError:
        return None
    return found if 0 <= found <= 1 else None


def score(
    items: Sequence[Item],
    answers: Answers,
    reviews: Mapping[str, str],
    judge_name: str,
    *,
    unparsed: str = "leave-out",
    sets: bool = False,
) -> Scores:
    """Score reviews by item; the truth of an item is ``{"capability": [...]}``."""
    found, by_id = matched("mm-vet", items, answers)
    records = {}
    for one, text in found.texts.items():
        review = reviews.get(one, "")
        read = grade(review)
        graded = 0.0 if read is None and unparsed == "as-published" else read
        about = {"capability": by_id[one].truth["capability"], "words": len(text.split()), "review": review}
        records[one] = {**about, "grade": graded, "parsed": read is not None}
    every = found.records(records)
    metrics = named(rates(every, sets=sets), suffix_of(judge_name, unparsed), but=("length",))
    return DIRECTIONS.scores(metrics, found, every, sums_of)


def suffix_of(judge_name: str, unparsed: str) -> str:
    """Return what the metrics' names end with: who graded, and how what cannot be read was graded."""
    return f"[{judge_name}]" if unparsed == "leave-out" else f"[{judge_name},unparsed=0]"


def rates(records: Sequence[Record], *, sets: bool = False) -> dict[str, float | None]:
    """Return the metrics of graded answers.

    >>> rows = [{"capability": ["ocr"], "grade": 1.0, "parsed": True, "words": 2},
    ...         {"capability": ["ocr", "math"], "grade": 0.5, "parsed": True, "words": 4}]
    >>> found = rates(rows)
    >>> found["score"], found["score_math"], found["score_ocr"]
    (75.0, 50.0, 75.0)
    >>> rates(rows, sets=True)["score_set_ocr"]
    100.0
    """
    return of_sums(added(map(sums_of, records)), sets=sets)


def sums_of(record: Record) -> dict[str, float]:
    """Return what one answer adds to the sums that the metrics are made of."""
    if "parsed" not in record:
        return {}
    own = {"answers": 1, "words": record["words"], "unparsed": int(not record["parsed"])}
    if record["grade"] is None:
        return own
    grade_of = 100 * record["grade"]
    for name in (*record["capability"], f"{SET} {'+'.join(record['capability'])}"):
        own |= {f"graded {name}": 1, f"grade {name}": grade_of}
    return {**own, "graded": 1, "grade": grade_of}


def of_sums(sums: Mapping[str, float], *, sets: bool = False) -> dict[str, float | None]:
    """Return the metrics of totals."""
    needed = sorted(name.removeprefix("graded ") for name in sums if name.startswith("graded "))
    shown = [name for name in needed if not name.startswith(f"{SET} ")]
    if sets:
        shown += [name for name in needed if name not in shown]
    return {
        "score": average(sums, "grade", "graded"),
        **{f"score_{name.replace(' ', '_')}": average(sums, f"grade {name}", f"graded {name}") for name in shown},
        "unparsed": float(sums.get("unparsed", 0)),
        "length": average(sums, "words", "answers"),
    }

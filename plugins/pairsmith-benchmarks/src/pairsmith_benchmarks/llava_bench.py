"""LLaVA-Bench (in the wild): Liu et al., Visual Instruction Tuning, arXiv 2304.08485, section 5.1.

A language model that cannot see the image is given its description, the question, GPT-4's answer and the model's, in this
order, and gives both a score from 1 to 10 (``eval_gpt_review_bench.py``, ``summarize_gpt_review.py``):

    score             100 * mean score of the model / mean score of GPT-4's answers
    score_<category>  the same over the questions of a category: conv, detail, complex

The judge's name is part of each metric's. The first line of a review must be two numbers apart by a blank or a comma.
Another review is left out and counted; the published script averages -1 and -1 in, as ``unparsed = "as-published"`` does.
The reference always comes first, as published: a judge's liking of a place is in the score.
"""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any, ClassVar

from pairsmith.errors import StageError
from pairsmith.interfaces import Run, Scores
from pairsmith.values import Turn, user
from pairsmith_benchmarks.answers import Answers, Record, added, average, known, match, named, share
from pairsmith_benchmarks.folder import Folder, inside, once, read_json, rows, text_of
from pairsmith_benchmarks.frames import framed
from pairsmith_benchmarks.items import Directions, Item, ItemBenchmark, matched
from pairsmith_benchmarks.judged_options import LlavaBenchOptions
from pairsmith_benchmarks.publications import where_to_get
from pairsmith_benchmarks.reviews import Prompt, reviewer

SOURCE = where_to_get("llava-bench")
DIRECTIONS = Directions(lower=("unparsed",), neutral=("length",))
BOTH = 2


class LlavaBench(ItemBenchmark):
    """60 questions about 24 images, scored against GPT-4's answers by a named judge."""

    source: ClassVar[str] = "LLaVA-Bench (in the wild): Liu et al., arXiv 2304.08485, by the judge named in the metrics"

    def __init__(self, options: LlavaBenchOptions, run: Run) -> None:
        """Read the published rules and check the judge's table, before any model is asked."""
        self._options = options
        self.images = options.images or options.path / "images"
        self._folder = Folder(benchmark="llava-bench", path=options.path, source=SOURCE)
        self._reviewer = reviewer(options, run, "llava-bench")
        self._rules: Mapping[str, Any] = {}
        if options.judge is not None:
            self._rules = read_json(options.rules or self._folder.find("rule.json"), dict)

    def items(self) -> Sequence[Item]:
        """Return the questions in the order of the file."""
        descriptions = {}
        for place, row in rows(self._folder.find("context.jsonl")):
            said = row.get("caption")
            lines = said if isinstance(said, list) else [text_of(row, "caption", place)]
            descriptions[text_of(row, "image", place)] = "\n".join(map(str, lines))
        references = {
            str(row.get("question_id")): text_of(row, "text", place)
            for place, row in rows(self._folder.find("answers_gpt4.jsonl"))
        }
        found = [
            _item(place, row, descriptions, references) for place, row in rows(self._folder.find("questions.jsonl"))
        ]
        once([item.id for item in found], "llava-bench")
        return found

    def check_images(self, items: Sequence[Item]) -> None:
        """Refuse to begin where images are missing."""
        self._folder.images(self.images, [item.image for item in items])

    def rate(self, items: Sequence[Item], answers: Answers) -> Scores:
        """Have the judge review the answers that were not reviewed before, and score the reviews."""
        given = list(answers)
        asked = requests(items, given, self._rules, self._options.system) if self._rules else {}
        return score(items, given, self._reviewer.reviews(asked), self._reviewer.name, unparsed=self._options.unparsed)

    def metrics(self, sums: Mapping[str, float]) -> dict[str, float]:
        """Return the metrics of totals."""
        return known(named(of_sums(sums), suffix_of(self._reviewer.name, self._options.unparsed), but=("length",)))


def _item(place: str, row: Mapping[str, Any], descriptions: Mapping[str, str], references: Mapping[str, str]) -> Item:
    name, image = str(row.get("question_id")), inside(text_of(row, "image", place), place)
    for what, there, key in (("description", descriptions, image), ("answer of GPT-4", references, name)):
        if key not in there:
            msg = f"{place} has no {what} in the folder: {key!r}; {SOURCE}"
            raise StageError(msg)
    question = text_of(row, "text", place)
    category = text_of(row, "category", place)
    about = {"question": question, "category": category}
    truth = {**about, "description": descriptions[image], "reference": references[name]}
    return Item(id=name, image=image, prompt=question, truth=truth)


def requests(items: Sequence[Item], answers: Answers, rules: Mapping[str, Any], system: str = "") -> dict[str, Prompt]:
    """Return what the judge is asked, for each item whose answer can be scored.

    Raises :class:`StageError` for a category that the rules do not know.
    """
    found, by_id = match([item.id for item in items], answers), {item.id: item.truth for item in items}
    first = (Turn(role="system", text=system),) if system else ()
    asked: dict[str, Prompt] = {}
    for one, text in found.texts.items():
        truth = by_id[one]
        rule = rules.get(f"llava_bench_{truth['category']}")
        if not isinstance(rule, Mapping) or not {"role", "prompt"} <= rule.keys():
            msg = f"llava-bench: the rules know no category {truth['category']!r} with 'role' and 'prompt'; {SOURCE}"
            raise StageError(msg)
        role = rule["role"]
        marks = f"[Context][Question][{role} 1][End of {role} 1][{role} 2][End of {role} 2][System]"
        parts = [f"[Context]\n{truth['description']}", f"[Question]\n{truth['question']}"]
        for number, answer in ((1, truth["reference"]), (2, framed(text, marks))):
            parts += [f"[{role} {number}]\n{answer}", f"[End of {role} {number}]"]
        whole = "\n\n".join([*parts, f"[System]\n{rule['prompt']}", ""])
        asked[one] = (*first, *user(whole)) if first else whole
    return asked


def pair_of(review: str) -> tuple[float, float] | None:
    r"""Return the scores of GPT-4's answer and the model's, or nothing.

    >>> pair_of("8 6\nBoth are good."), pair_of("8,6"), pair_of("8, 6"), pair_of("Assistant 1: 8")
    ((8.0, 6.0), (8.0, 6.0), None, None)
    """
    found = review.split("\n", maxsplit=1)[0].replace(",", " ").split(" ")
    try:
        one, other = (float(text) for text in found) if len(found) == BOTH else (float("nan"),) * BOTH
    except ValueError:
        return None
    return (one, other) if isfinite(one) and isfinite(other) else None


def score(
    items: Sequence[Item], answers: Answers, reviews: Mapping[str, str], judge_name: str, *, unparsed: str = "leave-out"
) -> Scores:
    """Score reviews by item; the truth of an item is ``{"category": ...}``."""
    found, by_id = matched("llava-bench", items, answers)
    records = {}
    for one, text in found.texts.items():
        review = reviews.get(one, "")
        read = pair_of(review)
        scored = (-1.0, -1.0) if read is None and unparsed == "as-published" else read
        about = {"category": by_id[one].truth["category"], "words": len(text.split()), "review": review}
        records[one] = {**about, "scores": None if scored is None else list(scored), "parsed": read is not None}
    every = found.records(records)
    metrics = named(rates(every), suffix_of(judge_name, unparsed), but=("length",))
    return DIRECTIONS.scores(metrics, found, every, sums_of)


def suffix_of(judge_name: str, unparsed: str) -> str:
    """Return what the metrics' names end with: who scored, and how what cannot be read was scored."""
    return f"[{judge_name}]" if unparsed == "leave-out" else f"[{judge_name},unparsed=-1]"


def rates(records: Sequence[Record]) -> dict[str, float | None]:
    """Return the metrics of reviewed answers.

    >>> row = {"category": "conv", "parsed": True, "words": 2}
    >>> rates([{**row, "scores": [8.0, 6.0]}, {**row, "scores": [10.0, 3.0]}])["score"]
    50.0
    """
    return of_sums(added(map(sums_of, records)))


def sums_of(record: Record) -> dict[str, float]:
    """Return what one answer adds to the sums that the metrics are made of."""
    if "parsed" not in record:
        return {}
    own = {"answers": 1, "words": record["words"], "unparsed": int(not record["parsed"])}
    if record["scores"] is None:
        return own
    (reference, score_of), kind = record["scores"], record["category"]
    both = {"reference": reference, "score": score_of, f"reference {kind}": reference, f"score {kind}": score_of}
    return {**own, **both}


def of_sums(sums: Mapping[str, float]) -> dict[str, float | None]:
    """Return the metrics of totals."""
    kinds = sorted(name.removeprefix("reference ") for name in sums if name.startswith("reference "))
    return {
        "score": share(sums, "score", "reference"),
        **{f"score_{kind}": share(sums, f"score {kind}", f"reference {kind}") for kind in kinds},
        "unparsed": float(sums.get("unparsed", 0)),
        "length": average(sums, "words", "answers"),
    }

"""HallusionBench: Guan et al., HallusionBench, arXiv 2310.14566, section 4.1, as ``utils.py`` of its repository computes it.

Each question is asked about an image and about edited ones, and each image has several questions:

    aAcc  questions answered rightly / questions
    qAcc  questions answered rightly about each of their images / questions, whatever the image
    fAcc  images about which every question was answered rightly / images
    easy, hard  aAcc of the questions about the original images, and about the edited ones
    hard_pairs  questions answered rightly about each of their edited images, which the script prints as "hard question"
    inconsistent, wrong  images with some but not all, and with no right answer: the consistency test of section 4.3
    yes_difference  answers yes - questions to which yes is right, / questions: the yes/no bias test of section 4.3
    fp_ratio  answers yes / wrong answers

An answer is right, wrong or unclear. Unclear is not right, but where a question can be answered without an image and is
asked without one ("visual supplement", figure 0), for there the model may not know. Such questions count in qAcc and have
no image to count in fAcc.

A judge tells which it is, with the published prompt; its name is then part of each metric's. Without one the first word of
the answer, yes or no, is compared with the truth, and the names end in ``[first-word]``. A review that says neither
correct, incorrect nor unclear is left out and counted; the published script takes it for unclear, as
``unparsed = "as-published"`` does. A question or an image of which a part was not scored counts as ``incomplete`` only.
As in the script an answer is taken for yes where it is right and yes is, or it is not and no is. The diagnosis of language
hallucination and visual illusion needs a second judgement of every answer, and is not made.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Literal

from pairsmith.errors import StageError
from pairsmith.interfaces import Run, Scores
from pairsmith_benchmarks.answers import Answers, Record, added, average, known, match, named, share
from pairsmith_benchmarks.folder import Folder, inside, once, read_json, text_of
from pairsmith_benchmarks.frames import framed
from pairsmith_benchmarks.hallusion_prompt import prompt_of
from pairsmith_benchmarks.items import Directions, Item, ItemBenchmark, matched
from pairsmith_benchmarks.judged_options import HallusionOptions
from pairsmith_benchmarks.publications import where_to_get
from pairsmith_benchmarks.reviews import reviewer, slotted
from pairsmith_benchmarks.yesno import first_word

SOURCE = where_to_get("hallusion-bench")
DIRECTIONS = Directions(
    lower=("wrong", "unclear", "unparsed", "incomplete"),
    neutral=("inconsistent", "yes_difference", "fp_ratio", "length"),
)
HARD = "hard pair"
Opinion = Literal["right", "wrong", "unclear"]
_WHOLE = {(True, False): "right", (False, True): "wrong"}
_GROUP = ("category", "subcategory", "set_id", "figure_id", "question_id")


class HallusionBench(ItemBenchmark):
    """1,129 questions about images and their edited copies, answered yes or no."""

    source: ClassVar[str] = (
        "HallusionBench: Guan et al., arXiv 2310.14566; how answers were read is in the metrics' names"
    )

    def __init__(self, options: HallusionOptions, run: Run) -> None:
        """Read the published prompt and check the judge's table, before any model is asked."""
        self._options = options
        self.images = options.path
        self._folder = Folder(benchmark="hallusion-bench", path=options.path, source=SOURCE)
        self._reviewer = reviewer(options, run, "hallusion-bench")
        self._template = prompt_of(options.template or self._folder.find("utils.py")) if options.judge else ""

    def items(self) -> Sequence[Item]:
        """Return the questions in the order of the file."""
        path = self._folder.find("HallusionBench.json")
        found = [_item(row, f"{str(path)!r}, row {n + 1}") for n, row in enumerate(read_json(path, list))]
        once([item.id for item in found], "hallusion-bench")
        return found

    def check_images(self, items: Sequence[Item]) -> None:
        """Refuse to begin where images are missing."""
        self._folder.images(self.images, sorted({item.image for item in items if item.image}))

    def rate(self, items: Sequence[Item], answers: Answers) -> Scores:
        """Have the judge review the answers that were not reviewed before, and score the reviews."""
        given = list(answers)
        if not self._reviewer.name:
            return score(items, given)
        reviews = self._reviewer.reviews(requests(items, given, self._template))
        return score(items, given, reviews, self._reviewer.name, unparsed=self._options.unparsed)

    def metrics(self, sums: Mapping[str, float]) -> dict[str, float]:
        """Return the metrics of totals."""
        return known(named(of_sums(sums), suffix_of(self._reviewer.name, self._options.unparsed), but=("length",)))


def _item(row: Any, place: str) -> Item:  # noqa: ANN401 - JSON
    if not isinstance(row, dict):
        msg = f"{place} is not an object: {row!r:.80}"
        raise StageError(msg)
    about = {key: str(row.get(key)) for key in _GROUP}
    if str(row.get("gt_answer")) not in {"0", "1"} or about["category"] not in {"VD", "VS"} or "None" in about.values():
        msg = (
            f"{place} must have a 'category' VD or VS, a 'gt_answer' 0 or 1, and {', '.join(_GROUP[1:])}: {row!r:.120}"
        )
        raise StageError(msg)
    shown = str(row.get("visual_input")) != "0"
    question, details = text_of(row, "question", place), text_of(row, "gt_answer_details", place)
    return Item(
        id="_".join(about.values()),
        image=inside(text_of(row, "filename", place), place).removeprefix("./") if shown else "",
        prompt=question,
        truth={**about, "question": question, "details": details, "yes": str(row["gt_answer"]) == "1"},
    )


def requests(items: Sequence[Item], answers: Answers, prompt: str) -> dict[str, str]:
    """Return what the judge is asked, for each item whose answer can be scored."""
    found, by_id = match([item.id for item in items], answers), {item.id: item.truth for item in items}
    return {
        one: slotted(
            prompt, {"question": truth["question"], "reference": truth["details"], "answer": framed(text, prompt)}
        )
        for one, text, truth in ((one, text, by_id[one]) for one, text in found.texts.items())
    }


def opinion(review: str) -> Opinion | None:
    """Return what a judge says of an answer, or nothing.

    >>> opinion("Correct."), opinion("incorrect"), opinion("It is unclear"), opinion("Yes")
    ('right', 'wrong', 'unclear', None)
    """
    said = review.lower()
    if "incorrect" in said:
        return "wrong"
    if "correct" in said:
        return "right"
    return "unclear" if "unclear" in said else None


def _by_first_word(text: str, truth: Mapping[str, Any]) -> Opinion:
    read = first_word(text)
    if read == "unclear":
        return "unclear"
    return "right" if (read == "yes") == truth["yes"] else "wrong"


def score(
    items: Sequence[Item],
    answers: Answers,
    reviews: Mapping[str, str] | None = None,
    judge_name: str = "",
    *,
    unparsed: str = "leave-out",
) -> Scores:
    """Score reviews by item, or without reviews the first words of the answers."""
    found, by_id = matched("hallusion-bench", items, answers)
    records: dict[str, dict[str, Any]] = {}
    for one, text in found.texts.items():
        truth = by_id[one].truth
        review = None if reviews is None else reviews.get(one, "")
        read = _by_first_word(text, truth) if review is None else opinion(review)
        said = "unclear" if read is None and unparsed == "as-published" else read
        about = {key: truth[key] for key in (*_GROUP, "yes")}
        records[one] = {**about, "said": said, "parsed": read is not None, "words": len(text.split()), "review": review}
    for name, key in _GROUPS.items():
        _tell(name, [item for item in items if key(item.truth)], key, records)
    every = found.records(records)
    suffix = suffix_of(judge_name if reviews is not None else "", unparsed)
    return DIRECTIONS.scores(named(rates(every), suffix, but=("length",)), found, every, sums_of)


def suffix_of(judge_name: str, unparsed: str) -> str:
    """Return what the metrics' names end with: how answers were read."""
    if not judge_name:
        return "[first-word]"
    return f"[{judge_name}]" if unparsed == "leave-out" else f"[{judge_name},unparsed=unclear]"


def _tell(
    name: str, items: Sequence[Item], key: Callable[[Mapping[str, Any]], Any], records: dict[str, dict[str, Any]]
) -> None:
    """Note with the first answer of each group whether all of it is right; an answer that was not scored leaves it open."""
    groups: dict[Any, list[str]] = {}
    for item in items:
        groups.setdefault(key(item.truth), []).append(item.id)
    for ids in groups.values():
        told = [records[one] for one in ids if one in records]
        if told:
            whole = len(told) == len(ids) and all(one["said"] is not None for one in told)
            right = sum(map(_right, told))
            told[0][name] = _WHOLE.get((right == len(told), right == 0), "partly") if whole else "incomplete"


def rates(records: Sequence[Record]) -> dict[str, float | None]:
    """Return the metrics of answers.

    >>> row = {"category": "VD", "parsed": True, "words": 1, "yes": True}
    >>> found = rates([
    ...     {**row, "figure_id": "0", "said": "right", "question": "wrong", "figure": "right"},
    ...     {**row, "figure_id": "1", "said": "wrong", "figure": "wrong"},
    ... ])
    >>> found["aAcc"], found["qAcc"], found["fAcc"], found["hard"]
    (50.0, 0.0, 50.0, 0.0)
    """
    return of_sums(added(map(sums_of, records)))


def sums_of(record: Record) -> dict[str, float]:
    """Return what one answer adds to the sums that the metrics are made of.

    A question with several images counts with the first of them, so intervals of qAcc take it for one of that image.
    """
    if "said" not in record:
        return {}
    own: dict[str, float] = {"answers": 1, "words": record["words"], "unparsed": int(not record["parsed"])}
    for name in _GROUPS:
        if record.get(name) == "incomplete":  # of a hard pair it is the question's, which is counted
            own["incomplete"] = own.get("incomplete", 0) + (name != HARD)
        elif name in record:
            own |= {f"{name}s": 1, f"{name}s {record[name]}": 1}
    if record["said"] is None:
        return own
    right, kind = int(_right(record)), "easy" if record["figure_id"] == "0" else "hard"
    scored = {"scored": 1, "right": right, kind: 1, f"{kind} right": right, "wrong": 1 - right}
    yes = int(bool(right) == record["yes"])
    scored |= {"yes": yes - int(record["yes"]), "false yes": yes * (1 - right)}
    return {**own, **scored, "unclear": int(record["said"] == "unclear")}


def of_sums(sums: Mapping[str, float]) -> dict[str, float | None]:
    """Return the metrics of totals."""
    return {
        "aAcc": share(sums, "right", "scored"),
        "qAcc": share(sums, "questions right", "questions"),
        "fAcc": share(sums, "figures right", "figures"),
        "easy": share(sums, "easy right", "easy"),
        "hard": share(sums, "hard right", "hard"),
        "hard_pairs": share(sums, f"{HARD}s right", f"{HARD}s"),
        "inconsistent": share(sums, "figures partly", "figures"),
        "wrong": share(sums, "figures wrong", "figures"),
        "yes_difference": share(sums, "yes", "scored"),
        "fp_ratio": share(sums, "false yes", "wrong"),
        "unclear": float(sums.get("unclear", 0)),
        "unparsed": float(sums.get("unparsed", 0)),
        "incomplete": float(sums.get("incomplete", 0)),
        "length": average(sums, "words", "answers"),
    }


def _of(truth: Mapping[str, Any], last: str) -> tuple[str, ...]:
    return tuple(truth[key] for key in ("category", "subcategory", "set_id", last))


def _without_image(truth: Mapping[str, Any]) -> bool:
    return bool(truth["category"] == "VS" and truth["figure_id"] == "0")


def _right(record: Record) -> bool:
    return bool(record["said"] == "right" or (record["said"] == "unclear" and _without_image(record)))


_GROUPS: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
    "question": lambda truth: _of(truth, "question_id"),
    "figure": lambda truth: None if _without_image(truth) else _of(truth, "figure_id"),
    HARD: lambda truth: None if truth["figure_id"] == "0" else _of(truth, "question_id"),
}

"""MT-Bench: Zheng et al., Judging LLM-as-a-Judge with MT-Bench and Chatbot Arena, arXiv 2306.05685, single-answer grading.

Each of 80 questions has a second turn that builds on the answer to the first, so a model is asked turn by turn. A
language model rates both turns from 1 to 10 with FastChat's prompts; for mathematics, reasoning and coding it is shown
reference answers:

    score             mean rating of all turns
    score_turn_1, _2  mean rating of the first turns, of the second turns
    score_<category>  mean rating of the turns of a category

The judge's name is part of each metric's. A rating is the first number in double brackets, or else in single ones, as in
``fastchat/llm_judge/common.py``. A review without one is left out and counted (FastChat leaves out its -1 as well). FastChat
samples the answers of four of the eight categories; here all are greedy. With ``irrelevant_images`` every question is asked
with an image that has nothing to do with it, and the names say so.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from pairsmith.errors import StageError
from pairsmith.interfaces import Run, Scores
from pairsmith.values import Image, Response, Sample, Turn
from pairsmith_benchmarks.answers import Answers, Record, added, average, known, match, named
from pairsmith_benchmarks.folder import Folder, once, rows, text_of
from pairsmith_benchmarks.frames import framed
from pairsmith_benchmarks.irrelevant import drawn
from pairsmith_benchmarks.items import Directions, Item, ItemBenchmark, matched
from pairsmith_benchmarks.judged_options import MtBenchOptions
from pairsmith_benchmarks.publications import where_to_get
from pairsmith_benchmarks.reviews import Prompt, reviewer, slotted

SOURCE = where_to_get("mt-bench")
WITH_REFERENCE = ("math", "reasoning", "coding")
TURNS = 2
DIRECTIONS = Directions(lower=("unparsed",), neutral=("length",))
_RATINGS = (re.compile(r"\[\[(\d+\.?\d*)\]\]"), re.compile(r"\[(\d+\.?\d*)\]"))
_HIGHEST = 10
_NAMES = {
    (1, False): ("single-v1", ("question", "answer")),
    (1, True): ("single-math-v1", ("question", "answer", "ref_answer_1")),
    (2, False): ("single-v1-multi-turn", ("question_1", "question_2", "answer_1", "answer_2")),
    (2, True): (
        "single-math-v1-multi-turn",
        ("question_1", "question_2", "answer_1", "answer_2", "ref_answer_1", "ref_answer_2"),
    ),
}


class MtBench(ItemBenchmark):
    """80 questions of two turns, rated by a named judge. An item is a turn: its id ends with /1 or /2."""

    source: ClassVar[str] = "MT-Bench: Zheng et al., arXiv 2306.05685, rated by the judge named in the metrics"

    def __init__(self, options: MtBenchOptions, run: Run) -> None:
        """Read the published prompts and check the judge's table, before any model is asked."""
        self._options = options
        self.images = options.irrelevant_images or options.path
        self._folder = Folder(benchmark="mt-bench", path=options.path, source=SOURCE)
        self._reviewer = reviewer(options, run, "mt-bench")
        self._prompts = prompts_of(self._folder.find("judge_prompts.jsonl")) if options.judge is not None else {}

    def items(self) -> Sequence[Item]:
        """Return both turns of each question in the order of the file."""
        questions = list(rows(self._folder.find("mt_bench/question.jsonl", "question.jsonl")))
        references = self._references()
        once([str(row.get("question_id")) for _, row in questions], "mt-bench")
        shown: Mapping[str, str] = {}
        if self._options.irrelevant_images is not None:
            ids = [str(row.get("question_id")) for _, row in questions]
            shown = drawn(self._options.irrelevant_images, ids, self._options.seed)
        return [item for place, row in questions for item in _items(place, row, references, shown)]

    def _references(self) -> dict[str, list[str]]:
        found = {}
        for place, row in rows(
            self._folder.find("mt_bench/reference_answer/gpt-4.jsonl", "reference_answer/gpt-4.jsonl")
        ):
            try:
                said = row["choices"][0]["turns"]
            except (KeyError, IndexError, TypeError):
                said = None
            found[str(row.get("question_id"))] = _two(said, f"{place}: 'choices', first, 'turns'")
        return found

    def check_images(self, items: Sequence[Item]) -> None:
        """Need nothing: images are drawn from what is there."""

    def _of(self, items: Sequence[Item]) -> Iterator[Sample]:
        """Yield a sample per question, whose user speaks twice in a row."""
        for item in items[::TURNS]:
            images = (Image(path=self.images / item.image),) if item.image else ()
            asked = tuple(Turn(role="user", text=text) for text in item.truth["questions"])
            yield Sample(id=item.id.rpartition("/")[0], images=images, prompt=asked, truth=dict(item.truth))

    def score(self, samples: Sequence[Sample], responses: Sequence[Response]) -> Scores:
        """Score an answer per question; the answer to its first turn is in the response's own prompt."""
        items = [Item(id=f"{one.id}/{turn}", truth={**one.truth, "turn": turn}) for one in samples for turn in (1, 2)]
        given = []
        for sample, response in zip(samples, responses, strict=True):
            first = [turn.text for turn in response.prompt if turn.role == "assistant"]
            if first:
                given += [(f"{sample.id}/1", first[0]), (f"{sample.id}/2", response.text)]
        found = self.rate(items, given)
        turns = [{"turns": list(found.items[k : k + TURNS])} for k in range(0, len(found.items), TURNS)]
        return Scores(metrics=found.metrics, lower_is_better=found.lower_is_better, neutral=found.neutral, items=turns)

    def rate(self, items: Sequence[Item], answers: Answers) -> Scores:
        """Have the judge rate the turns that were not rated before, and score the ratings."""
        given = list(answers)
        asked = requests(items, given, self._prompts) if self._prompts else {}
        image = self._options.irrelevant_images is not None
        return score(items, given, self._reviewer.reviews(asked), self._reviewer.name, irrelevant_image=image)

    def metrics(self, sums: Mapping[str, float]) -> dict[str, float]:
        """Return the metrics of totals."""
        image = self._options.irrelevant_images is not None
        return known(named(of_sums(sums), suffix_of(self._reviewer.name, irrelevant_image=image), but=("length",)))


def _two(value: Any, place: str) -> list[str]:  # noqa: ANN401 - JSON
    if not isinstance(value, list) or len(value) != TURNS or not all(isinstance(one, str) for one in value):
        msg = f"{place} must be two texts: {value!r:.80}; {SOURCE}"
        raise StageError(msg)
    return value


def _items(
    place: str, row: Mapping[str, Any], references: Mapping[str, list[str]], shown: Mapping[str, str]
) -> list[Item]:
    name, category = str(row.get("question_id")), text_of(row, "category", place)
    questions = _two(row.get("turns"), f"{place}: 'turns'")
    if category in WITH_REFERENCE and name not in references:
        msg = f"{place}: question {name!r} of category {category!r} has no reference answer; {SOURCE}"
        raise StageError(msg)
    truth = {"category": category, "questions": questions, "references": references.get(name, [])}
    return [
        Item(id=f"{name}/{turn}", image=shown.get(name, ""), prompt=questions[turn - 1], truth={**truth, "turn": turn})
        for turn in (1, 2)
    ]


def prompts_of(path: Path) -> dict[tuple[int, bool], Mapping[str, str]]:
    """Return the judge's prompts by turn and by whether it is shown reference answers.

    Raises :class:`StageError` where one is missing or lacks a slot.
    """
    there = {str(row.get("name")): (place, row) for place, row in rows(path)}
    found: dict[tuple[int, bool], Mapping[str, str]] = {}
    for key, (name, slots) in _NAMES.items():
        place, row = there.get(name, (str(path), {}))
        text = row.get("prompt_template")
        lacks = [slot for slot in slots if not isinstance(text, str) or f"{{{slot}}}" not in text]
        if lacks or not isinstance(row.get("system_prompt"), str):
            msg = f"{place} must have a prompt {name!r} with 'system_prompt' and a 'prompt_template' with {', '.join(slots)}"
            raise StageError(msg)
        found[key] = {"system": row["system_prompt"], "text": str(text)}
    return found


def requests(
    items: Sequence[Item], answers: Answers, prompts: Mapping[tuple[int, bool], Mapping[str, str]]
) -> dict[str, Prompt]:
    """Return what the judge is asked, for each turn whose answer can be scored."""
    given = list(answers)
    found, by_id = match([item.id for item in items], given), {item.id: item.truth for item in items}
    said = dict(given)
    asked: dict[str, Prompt] = {}
    for one, text in found.texts.items():
        truth, name = by_id[one], one.rpartition("/")[0]
        prompt = prompts[truth["turn"], truth["category"] in WITH_REFERENCE]
        values = {
            "question": truth["questions"][0],
            "answer": framed(text, prompt["text"]),
            "answer_2": framed(text, prompt["text"]),
            "answer_1": framed(said.get(f"{name}/1", ""), prompt["text"]),
        }
        values |= {f"question_{k}": question for k, question in enumerate(truth["questions"], 1)}
        values |= {f"ref_answer_{k}": reference for k, reference in enumerate(truth["references"], 1)}
        asked[one] = (
            Turn(role="system", text=prompt["system"]),
            Turn(role="user", text=slotted(prompt["text"], values)),
        )
    return asked


def rating(review: str) -> float | None:
    """Return the rating in a review, or nothing.

    >>> rating("Good. Rating: [[7]]"), rating("[8.5]"), rating("Rating: 7"), rating("[[11]]")
    (7.0, 8.5, None, None)
    """
    found = next((match for pattern in _RATINGS if (match := pattern.search(review))), None)
    read = float(found[1]) if found else None
    return read if read is not None and read <= _HIGHEST else None


def score(
    items: Sequence[Item],
    answers: Answers,
    reviews: Mapping[str, str],
    judge_name: str,
    *,
    irrelevant_image: bool = False,
) -> Scores:
    """Score reviews by turn; the truth of an item is ``{"category": ..., "turn": 1 or 2}``."""
    found, by_id = matched("mt-bench", items, answers)
    records = {}
    for one, text in found.texts.items():
        review = reviews.get(one, "")
        about = {key: by_id[one].truth[key] for key in ("category", "turn")}
        records[one] = {**about, "rating": rating(review), "words": len(text.split()), "answer": text, "review": review}
    every = found.records(records)
    metrics = named(rates(every), suffix_of(judge_name, irrelevant_image=irrelevant_image), but=("length",))
    return DIRECTIONS.scores(metrics, found, every, sums_of)


def suffix_of(judge_name: str, *, irrelevant_image: bool) -> str:
    """Return what the metrics' names end with: who rated, and whether an image was shown."""
    return f"[{judge_name},irrelevant image]" if irrelevant_image else f"[{judge_name}]"


def rates(records: Sequence[Record]) -> dict[str, float | None]:
    """Return the metrics of rated turns, or of questions with their ``turns``.

    >>> row = {"category": "math", "words": 1}
    >>> found = rates([{"turns": [{**row, "turn": 1, "rating": 8.0}, {**row, "turn": 2, "rating": 5.0}]}])
    >>> found["score"], found["score_turn_2"]
    (6.5, 5.0)
    """
    return of_sums(added(map(sums_of, records)))


def sums_of(record: Record) -> dict[str, float]:
    """Return what one turn adds, or one question with its ``turns``, to the sums that the metrics are made of."""
    if "turns" in record:
        return added(map(sums_of, record["turns"]))
    if "rating" not in record:
        return {}
    own = {"answers": 1, "words": record["words"], "unparsed": int(record["rating"] is None)}
    if record["rating"] is None:
        return own
    for name in ("all", f"turn_{record['turn']}", record["category"]):
        own |= {f"rated {name}": 1, f"rating {name}": record["rating"]}
    return own


def of_sums(sums: Mapping[str, float]) -> dict[str, float | None]:
    """Return the metrics of totals."""
    names = [name.removeprefix("rated ") for name in sums if name.startswith("rated ")]
    names = sorted(set(names) - {"all"}, key=lambda name: (not name.startswith("turn_"), name))
    return {
        "score": average(sums, "rating all", "rated all"),
        **{f"score_{name}": average(sums, f"rating {name}", f"rated {name}") for name in names},
        "unparsed": float(sums.get("unparsed", 0)),
        "length": average(sums, "words", "answers"),
    }

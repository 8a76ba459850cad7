"""AlpacaEval: Li et al., github.com/tatsu-lab/alpaca_eval, the annotator ``alpaca_eval_gpt4`` of version 1.

A language model ranks the answer to each of 805 instructions and the reference answer (text-davinci-003's in the published
file), in an order that is drawn:

    win_rate  100 * (wins + draws / 2) / ranked answers

The judge's name is part of the metric's. A reply is a list of dictionaries in which ``model_1`` has rank 1 or 2; another
one is left out and counted, as published. An answer equal to the reference is a draw that nobody is asked about, as
published. Judges prefer long answers: the lengths of both sides stand beside. The length-controlled win rate of version 2
(arXiv 2404.04475) and its weighting by token probabilities are not implemented. With ``irrelevant_images`` every
instruction comes with an image that has nothing to do with it, and the names say so.
"""

import ast
import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pairsmith.errors import StageError
from pairsmith.interfaces import Run, Scores
from pairsmith.seeds import derive
from pairsmith.values import Turn
from pairsmith_benchmarks.answers import Answers, Record, added, average, known, match, named
from pairsmith_benchmarks.folder import Folder, read_json, text_of
from pairsmith_benchmarks.frames import QUOTES, framed
from pairsmith_benchmarks.irrelevant import drawn
from pairsmith_benchmarks.items import Directions, Item, ItemBenchmark, matched
from pairsmith_benchmarks.judged_options import AlpacaEvalOptions
from pairsmith_benchmarks.publications import where_to_get
from pairsmith_benchmarks.reviews import Prompt, reviewer, slotted, template

SOURCE = where_to_get("alpaca-eval")
SLOTS = ("{instruction}", "{output_1}", "{output_2}")
DIRECTIONS = Directions(lower=("unparsed",), neutral=("length", "length_reference", "draws"))
_CHAT = re.compile(r"<\|im_start\|>(system|user|assistant)\n(.*?)(?:\n?<\|im_end\|>|\Z)", re.DOTALL)
LENGTHS = ("length", "length_reference")
_WORST = 2


class AlpacaEval(ItemBenchmark):
    """805 instructions, ranked against a reference by a named judge."""

    source: ClassVar[str] = "AlpacaEval 1: github.com/tatsu-lab/alpaca_eval, ranked by the judge named in the metrics"

    def __init__(self, options: AlpacaEvalOptions, run: Run) -> None:
        """Read the published prompt and check the judge's table, before any model is asked."""
        self._options = options
        self.images = options.irrelevant_images or options.path
        self._folder = Folder(benchmark="alpaca-eval", path=options.path, source=SOURCE)
        self._reviewer = reviewer(options, run, "alpaca-eval")
        self._template = ""
        if options.judge is not None:
            self._template = template(options.template or self._folder.find("alpaca_eval.txt"), "prompt", SLOTS)

    def items(self) -> Sequence[Item]:
        """Return the instructions, numbered from 0 in the order of the file."""
        path = self._folder.find("alpaca_eval.json")
        found = [
            _item(row, f"{str(path)!r}, row {n + 1}", n, self._options.seed)
            for n, row in enumerate(read_json(path, list))
        ]
        if self._options.irrelevant_images is None:
            return found
        shown = drawn(self._options.irrelevant_images, [item.id for item in found], self._options.seed)
        return [Item(id=one.id, image=shown[one.id], prompt=one.prompt, truth=one.truth) for one in found]

    def check_images(self, items: Sequence[Item]) -> None:
        """Need nothing: images are drawn from what is there."""

    def rate(self, items: Sequence[Item], answers: Answers) -> Scores:
        """Have the judge rank the answers that were not ranked before, and score the ranks."""
        given = list(answers)
        asked = requests(items, given, self._template) if self._template else {}
        image = self._options.irrelevant_images is not None
        return score(items, given, self._reviewer.reviews(asked), self._reviewer.name, irrelevant_image=image)

    def metrics(self, sums: Mapping[str, float]) -> dict[str, float]:
        """Return the metrics of totals."""
        image = self._options.irrelevant_images is not None
        return known(named(of_sums(sums), suffix_of(self._reviewer.name, irrelevant_image=image), but=LENGTHS))


def _item(row: Any, place: str, number: int, seed: int) -> Item:  # noqa: ANN401 - JSON
    if not isinstance(row, dict):
        msg = f"{place} is not an object: {row!r:.80}"
        raise StageError(msg)
    asked = text_of(row, "instruction", place)
    first = derive("alpaca-eval", seed, asked) % 2 == 0
    truth = {"instruction": asked, "reference": text_of(row, "output", place), "reference_first": first}
    return Item(id=str(number), prompt=asked, truth=truth)


def requests(items: Sequence[Item], answers: Answers, prompt: str) -> dict[str, Prompt]:
    """Return what the judge is asked, for each item whose answer can be scored and is not the reference itself."""
    found, by_id = match([item.id for item in items], answers), {item.id: item.truth for item in items}
    asked: dict[str, Prompt] = {}
    for one, text in found.texts.items():
        truth = by_id[one]
        if text.strip() == truth["reference"].strip():
            continue
        shown = framed(text, prompt, (QUOTES,))
        pair = (truth["reference"], shown) if truth["reference_first"] else (shown, truth["reference"])
        asked[one] = _turns(prompt, {"instruction": truth["instruction"], "output_1": pair[0], "output_2": pair[1]})
    return asked


def _turns(prompt: str, values: Mapping[str, str]) -> Prompt:
    """Return the turns of a prompt that marks them, or the whole text; a value is never taken for a mark."""
    turns = [(found[1], found[2]) for found in _CHAT.finditer(prompt)]
    if not turns:
        return slotted(prompt, values)
    return tuple(Turn(role=role, text=slotted(text, values)) for role, text in turns if text)  # type: ignore[arg-type]


def rank_of_first(reply: str) -> int | None:
    """Return the rank of ``model_1`` in a reply, or nothing.

    >>> rank_of_first("[{'model': 'model_1', 'rank': 2}, {'model': 'model_2', 'rank': 1}]")
    2
    >>> rank_of_first("model_1 is better"), rank_of_first("[{'model': 'model_1', 'rank': 3}]"), rank_of_first("[1]")
    (None, None, None)
    """
    try:
        listed = ast.literal_eval(reply.strip())
        ranks = [one["rank"] for one in listed if one["model"] == "model_1"]
    except (ValueError, SyntaxError, TypeError, KeyError, RecursionError, MemoryError):
        return None
    return ranks[0] if ranks and type(ranks[0]) is int and 1 <= ranks[0] <= _WORST else None


def score(
    items: Sequence[Item],
    answers: Answers,
    reviews: Mapping[str, str],
    judge_name: str,
    *,
    irrelevant_image: bool = False,
) -> Scores:
    """Score ranks by item; the truth of an item is ``{"reference": ..., "reference_first": ...}``."""
    found, by_id = matched("alpaca-eval", items, answers)
    records = {}
    for one, text in found.texts.items():
        truth = by_id[one].truth
        review = reviews.get(one, "")
        win = _win(text, truth, review)
        lengths = {"words": len(text.split()), "reference_words": len(truth["reference"].split())}
        records[one] = {"win": win, "first": not truth["reference_first"], **lengths, "review": review}
    every = found.records(records)
    metrics = named(rates(every), suffix_of(judge_name, irrelevant_image=irrelevant_image), but=LENGTHS)
    return DIRECTIONS.scores(metrics, found, every, sums_of)


def suffix_of(judge_name: str, *, irrelevant_image: bool) -> str:
    """Return what the metrics' names end with: who ranked, and whether an image was shown."""
    return f"[{judge_name},irrelevant image]" if irrelevant_image else f"[{judge_name}]"


def _win(text: str, truth: Mapping[str, Any], review: str) -> float | None:
    if text.strip() == truth["reference"].strip():
        return 0.5
    rank = rank_of_first(review)
    return None if rank is None else float((rank == 1) != truth["reference_first"])


def rates(records: Sequence[Record]) -> dict[str, float | None]:
    """Return the metrics of ranked answers; ``win_rate_shown_first`` and ``_second`` tell a judge's liking of a place.

    >>> row = {"words": 2, "reference_words": 4}
    >>> rates([{**row, "win": win, "first": True} for win in (1.0, 1.0, 0.5, 0.0, None)])["win_rate"]
    62.5
    """
    return of_sums(added(map(sums_of, records)))


def sums_of(record: Record) -> dict[str, float]:
    """Return what one answer adds to the sums that the metrics are made of."""
    if "win" not in record:
        return {}
    win, place = record["win"], "first" if record["first"] else "second"
    lengths = {"words": record["words"], "reference words": record["reference_words"]}
    own = {"answers": 1, **lengths, "unparsed": int(win is None)}
    if win is None:
        return own
    draw = int(win == 0.5)  # noqa: PLR2004
    return {**own, "ranked": 1, "wins": 100 * win, f"ranked {place}": 1, f"wins {place}": 100 * win, "draws": draw}


def of_sums(sums: Mapping[str, float]) -> dict[str, float | None]:
    """Return the metrics of totals."""
    return {
        "win_rate": average(sums, "wins", "ranked"),
        "win_rate_shown_first": average(sums, "wins first", "ranked first"),
        "win_rate_shown_second": average(sums, "wins second", "ranked second"),
        "draws": float(sums.get("draws", 0)),
        "unparsed": float(sums.get("unparsed", 0)),
        "length": average(sums, "words", "answers"),
        "length_reference": average(sums, "reference words", "answers"),
    }

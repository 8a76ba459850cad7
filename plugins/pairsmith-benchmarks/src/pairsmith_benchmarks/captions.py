"""Captions and alt-text against references.

BLEU-1 to BLEU-4, individual and cumulative, over the corpus (as COCO's scores) and as the mean over answers
(``..._mean``, as MCM-DPO, arXiv 2510.00647, reports them); METEOR; ROUGE-L, F1 and COCO's; CIDEr and CIDEr-D; all in
percent, CIDEr times 10 as its authors do. ``edit_distance`` is the mean number of tokens to change for the closest
reference. ``length`` is the mean number of tokens, ``repetition`` the share of an answer's 4-grams that it had before.
The formulas stand in the modules ``bleu``, ``cider``, ``sequences`` and ``meteor``.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pairsmith.errors import StageError
from pairsmith.interfaces import Run, Scores
from pairsmith_benchmarks.answers import Answers, Record, added, known
from pairsmith_benchmarks.bleu import ORDERS, Counted, Overlap, bleu, counted, overlap
from pairsmith_benchmarks.cider import corpus
from pairsmith_benchmarks.folder import Folder, inside, once, rows, text_of
from pairsmith_benchmarks.items import Directions, Item, ItemBenchmark, matched
from pairsmith_benchmarks.meteor import Meteor, meteor
from pairsmith_benchmarks.options import CaptionsOptions
from pairsmith_benchmarks.publications import where_to_get
from pairsmith_benchmarks.scenes import coco, is_coco
from pairsmith_benchmarks.sequences import edit_distance, rouge_l, rouge_l_coco
from pairsmith_benchmarks.tokenizers import Tokenizer, tokenizer

SOURCE = where_to_get("captions")
DIRECTIONS = Directions(lower=("edit_distance", "repetition"), neutral=("length",))


class Captions(ItemBenchmark):
    """A text per image, compared with the references that people wrote."""

    def __init__(self, options: CaptionsOptions, run: Run) -> None:  # noqa: ARG002 - every factory is given the run
        """Find what cuts texts and what computes METEOR, before any model is asked."""
        self._options = options
        self.images = options.images
        self._folder = Folder(benchmark="captions", path=options.images, source=SOURCE)
        self._cut = tokenizer(options.tokens)
        self._meteor = None if options.meteor == "none" else meteor(options.meteor)
        self.source = (
            f"BLEU, METEOR ({options.meteor}), ROUGE-L, CIDEr, CIDEr-D; tokens: {options.tokens}; formulas in "
            f"pairsmith_benchmarks.captions"
        )

    def items(self) -> Sequence[Item]:
        """Return an item per image, or per row."""
        options = self._options
        if not options.references.is_file():
            msg = f"captions: 'references' {str(options.references)!r} is not a file; {SOURCE}"
            raise StageError(msg)
        items = list(_coco_items(options) if is_coco(options.references) else _row_items(options))
        once([item.id for item in items], "captions")
        return items

    def check_images(self, items: Sequence[Item]) -> None:
        """Refuse to begin where images are missing."""
        self._folder.images(self.images, list(dict.fromkeys(item.image for item in items)))

    def rate(self, items: Sequence[Item], answers: Answers) -> Scores:
        """Score answers to some items."""
        return score(items, answers, cut=self._cut, meteor=self._meteor, meteor_name=self._options.meteor)

    def metrics(self, sums: Mapping[str, float]) -> dict[str, float]:
        """Return the metrics of totals."""
        return known(of_sums(sums))


def _coco_items(options: CaptionsOptions) -> list[Item]:
    file = coco(options.references, "captions")
    without = [name for one, name in file.names.items() if not file.said[one]]
    if without:
        msg = (
            f"captions: {str(options.references)!r} has no caption of {len(without):,} of {len(file.names):,} images, "
            f"such as {without[0]!r}; {SOURCE}"
        )
        raise StageError(msg)
    return [
        Item(id=str(one), image=name, prompt=options.prompt, truth={"references": list(file.said[one])})
        for one, name in file.names.items()
    ]


def _row_items(options: CaptionsOptions) -> list[Item]:
    items = []
    for place, row in rows(options.references):
        references = row.get("references")
        if not isinstance(references, list) or not references or not all(map(_is_text, references)):
            msg = f"{place} must have an array of texts 'references', none of them empty: {references!r:.80}"
            raise StageError(msg)
        image = inside(text_of(row, "image", place), place)
        name, prompt, context = row.get("id", image), row.get("prompt", options.prompt), row.get("context", "")
        if not isinstance(name, str | int) or not isinstance(prompt, str) or not isinstance(context, str):
            msg = f"{place} may have an 'id', a 'prompt' and a 'context', which must be texts: {dict(row)!r:.120}"
            raise StageError(msg)
        truth = {"references": references}
        items.append(Item(id=str(name), image=image, prompt=prompt, context=context, truth=truth))
    return items


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def score(
    items: Sequence[Item],
    answers: Answers,
    *,
    cut: Tokenizer | None = None,
    meteor: Meteor | None = None,
    meteor_name: str = "stem",
) -> Scores:
    """Score answers; the truth of an item is ``{"references": [texts]}``.

    How rare an n-gram is, is counted in the references of all the items, answered or not.
    """
    found, _ = matched("captions", items, answers)
    tokens = cut or tokenizer("words")
    wanted = _references(items, tokens)
    names = list(found.texts)
    given = dict(zip(names, tokens([found.texts[name] for name in names]), strict=True))
    records = _records(given, wanted)
    if meteor is not None:
        scores = meteor([given[name] for name in names], [wanted[name] for name in names])
        records = {
            one: {**records[one], f"meteor_{meteor_name}": 100 * value}
            for one, value in zip(names, scores, strict=True)
        }
    every = found.records(records)
    return DIRECTIONS.scores(rates(every), found, every, sums_of)


def _references(items: Sequence[Item], tokens: Tokenizer) -> dict[str, list[list[str]]]:
    flat = iter(tokens([text for item in items for text in item.truth["references"]]))
    return {item.id: [next(flat) for _ in item.truth["references"]] for item in items}


def _records(
    given: Mapping[str, Sequence[str]], wanted: Mapping[str, Sequence[Sequence[str]]]
) -> dict[str, dict[str, Any]]:
    counts_of = {name: [counted(one) for one in references] for name, references in wanted.items()}
    weights = corpus(list(counts_of.values()))
    records: dict[str, dict[str, Any]] = {}
    for name, text in given.items():
        references, own = wanted[name], counted(text)
        counts = overlap(own, counts_of[name])
        records[name] = {
            "bleu": [list(counts.common), list(counts.ngrams), counts.length, counts.reference],
            "rouge_l": 100 * rouge_l(text, references),
            "rouge_l_coco": 100 * rouge_l_coco(text, references),
            "edit_distance": min(edit_distance(one, text) for one in references),
            "length": len(text),
            "repetition": 100 * repetition(own),
        }
        if len(wanted) > 1:  # of one image, every n-gram has the weight 0
            cider, cider_d = weights.scores(own, counts_of[name])
            records[name] |= {"cider": 100 * cider, "cider_d": 100 * cider_d}
    return records


def repetition(text: Counted) -> float:
    """Return the share of 4-grams that occurred before in the same text, from 0 to 1.

    >>> repetition(counted("a b a b a b a b".split()))
    0.6
    """
    grams = text.grams[-1]
    return 1 - len(grams) / grams.total() if grams else 0.0


def rates(records: Sequence[Record]) -> dict[str, float | None]:
    """Return the metrics of the records of answers."""
    return of_sums(added(map(sums_of, records)))


def sums_of(record: Record) -> dict[str, float]:
    """Return what one answer adds to the sums that the metrics are made of.

    Means are sums over answers; the corpus's BLEU is made of common n-grams, n-grams and lengths.
    """
    if "bleu" not in record:
        return {}
    common, every, length, reference = record["bleu"]
    counts = {f"common {order}": count for order, count in zip(ORDERS, common, strict=True)}
    counts |= {f"ngrams {order}": count for order, count in zip(ORDERS, every, strict=True)}
    own = bleu(Overlap(tuple(common), tuple(every), length, reference))
    means = {f"mean {name}_mean": 100 * value for name, value in own.items()}
    means |= {f"mean {name}": value for name, value in record.items() if name not in {"bleu", "long"}}
    return {"answers": 1, **counts, "tokens": length, "reference": reference, **means}


def of_sums(sums: Mapping[str, float]) -> dict[str, float | None]:
    """Return the metrics of totals."""
    answers = sums.get("answers", 0)
    if not answers:
        return {}
    whole = bleu(
        Overlap(
            tuple(sums[f"common {order}"] for order in ORDERS),
            tuple(sums[f"ngrams {order}"] for order in ORDERS),
            sums["tokens"],
            sums["reference"],
        )
    )
    means = {name.removeprefix("mean "): value / answers for name, value in sums.items() if name.startswith("mean ")}
    metrics: dict[str, float | None] = {}
    for kind in ("individual", "cumulative"):
        for order in ORDERS:
            name = f"bleu_{order}_{kind}"
            metrics[f"{name}_corpus"] = 100 * whole[name]
            metrics[f"{name}_mean"] = means[f"{name}_mean"]
    return metrics | means

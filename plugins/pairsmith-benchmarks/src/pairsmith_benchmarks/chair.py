"""CHAIR by string matching: Rohrbach et al., Object Hallucination in Image Captioning, arXiv 1809.02156, section 3.1.

``chair_i`` is the share of mentioned objects that are not in the image (an object named twice counts twice), and
``chair_s`` the share of answers that mention such an object, both in percent. What is in an image is what COCO's
outlines show and what its five captions name. Beside them ``recall``, the share of an image's objects that its answer
mentions, and ``length``, the mean number of words: an answer that says nothing has a perfect CHAIR.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from pairsmith.errors import StageError
from pairsmith.interfaces import Run, Scores
from pairsmith.seeds import derive
from pairsmith_benchmarks.answers import Answers, Record, added, average, known, share
from pairsmith_benchmarks.folder import Folder, rows
from pairsmith_benchmarks.items import Directions, Item, ItemBenchmark, matched
from pairsmith_benchmarks.mentions import Lexicon, lexicon
from pairsmith_benchmarks.options import ChairOptions
from pairsmith_benchmarks.publications import where_to_get
from pairsmith_benchmarks.scenes import coco, merged

SOURCE = where_to_get("chair")
DIRECTIONS = Directions(lower=("chair_",), neutral=("length",))


class Chair(ItemBenchmark):
    """Captions of COCO images, checked against outlines and captions."""

    source: ClassVar[str] = "CHAIR: Rohrbach et al., arXiv 1809.02156, string matching over all 80 categories"

    def __init__(self, options: ChairOptions, run: Run) -> None:  # noqa: ARG002 - every factory is given the run
        """Read the list of synonyms; the annotations are read when the items are asked for."""
        self._options = options
        self.images = options.images
        self._folder = Folder(benchmark="chair", path=options.annotations, source=SOURCE)
        self._lexicon = lexicon(options.synonyms)

    def items(self) -> Sequence[Item]:
        """Return an item per image asked for."""
        options = self._options
        names, objects = objects_of_images(self._folder, ("val",), self._lexicon)
        chosen = _listed(options, names) if options.image_list else _drawn(options, names)
        return [
            Item(id=str(one), image=names[one], prompt=options.prompt, truth={"objects": sorted(objects(one))})
            for one in chosen
        ]

    def check_images(self, items: Sequence[Item]) -> None:
        """Refuse to begin where images are missing."""
        self._folder.images(self.images, [item.image for item in items])

    def rate(self, items: Sequence[Item], answers: Answers) -> Scores:
        """Score answers to some items."""
        return score(items, answers, self._lexicon)

    def metrics(self, sums: Mapping[str, float]) -> dict[str, float]:
        """Return the metrics of totals."""
        return known(of_sums(sums))


def objects_of_images(
    folder: Folder, splits: Sequence[str], words: Lexicon
) -> tuple[Mapping[int, str], Callable[[int], set[str]]]:
    """Return the names of COCO's images, and what tells which categories outlines or captions show in one.

    Raises :class:`StageError` where a file is missing, not whole, or has no caption of an image: with outlines alone,
    things that are there would count as made up.
    """
    names, outlined = merged(coco(folder.find(f"instances_{one}2014.json"), "instances") for one in splits)
    _, captions = merged(coco(folder.find(f"captions_{one}2014.json"), "captions") for one in splits)
    without = [one for one in names if not captions.get(one)]
    if without:
        folder.refuse(f"has no caption of {len(without):,} of {len(names):,} images, such as {names[without[0]]!r}")

    def objects(image: int) -> set[str]:
        outlines = {words.category.get(name, name) for name in outlined[image]}
        return outlines | words.objects(captions[image])

    return names, objects


def _listed(options: ChairOptions, names: Mapping[int, str]) -> list[int]:
    assert options.image_list is not None
    chosen: dict[int, None] = {}
    for place, row in rows(options.image_list):
        one = row.get("image_id")
        if not isinstance(one, int) or one not in names:
            msg = f"{place} must have the 'image_id' of one of the {len(names):,} annotated images: {one!r}"
            raise StageError(msg)
        chosen[one] = None
    return list(chosen)


def _drawn(options: ChairOptions, names: Mapping[int, str]) -> list[int]:
    if options.sample > len(names):
        msg = f"chair: sample = {options.sample:,} and the annotations list {len(names):,} images; set it lower"
        raise StageError(msg)
    return sorted(random.Random(derive(options.seed, "chair")).sample(sorted(names), options.sample))


def score(items: Sequence[Item], answers: Answers, words: Lexicon | None = None) -> Scores:
    """Score answers; the truth of an item is ``{"objects": [categories]}``. Without a lexicon it is the plugin's own."""
    found, by_id = matched("chair", items, answers)
    own = words or lexicon()
    records = found.records({one: _record(text, by_id[one].truth["objects"], own) for one, text in found.texts.items()})
    return DIRECTIONS.scores(rates(records), found, records, sums_of)


def _record(text: str, objects: Sequence[str], words: Lexicon) -> Record:
    mentions = words.mentions(text)
    there, named = set(objects), {one.category for one in mentions}
    return {
        "mentions": len(mentions),
        "false": [one.word for one in mentions if one.category not in there],
        "objects": len(there),
        "found": len(there & named),
        "words": len(text.split()),
    }


def rates(records: Sequence[Record]) -> dict[str, float | None]:
    """Return the metrics of records of mentions.

    >>> one = {"mentions": 3, "false": ["cat"], "objects": 4, "found": 2, "words": 9}
    >>> two = {"mentions": 1, "false": [], "objects": 1, "found": 1, "words": 5}
    >>> rates([one, two])
    {'chair_i': 25.0, 'chair_s': 50.0, 'recall': 60.0, 'length': 7.0}
    """
    return of_sums(added(map(sums_of, records)))


def sums_of(record: Record) -> dict[str, float]:
    """Return what one answer adds to the sums that CHAIR is made of."""
    if "mentions" not in record:
        return {}
    false = len(record["false"])
    own = {name: record[name] for name in ("mentions", "objects", "found", "words")}
    return {"answers": 1, "false": false, "answers_false": int(false > 0), **own}


def of_sums(sums: Mapping[str, float]) -> dict[str, float | None]:
    """Return the metrics of totals."""
    return {
        "chair_i": share(sums, "false", "mentions"),
        "chair_s": share(sums, "answers_false", "answers"),
        "recall": share(sums, "found", "objects"),
        "length": average(sums, "words", "answers"),
    }

"""Object HalBench with an extractor: Rohrbach et al., arXiv 1809.02156, as RLHF-V (arXiv 2312.00849) and RLAIF-V run it.

A language model lists the objects that an answer speaks of; those that name a COCO category are compared with what COCO's
outlines and captions show. Unlike CHAIR by string matching, a word counts once an answer, and the share of answers with
an object that is not there is taken of the answers that name any COCO object:

    objhal_response  answers with a false object / answers with a COCO object
    objhal_object    false objects / COCO objects
    objhal_recall    objects of the images found / objects of the images

In percent; the extractor's name is part of each metric's. An answer of at most three words names nothing. A reply that
holds no list is left out and counted. Which category a listed object is, is decided by the words of ``chair`` here, and by
spaCy's tags and a longer list of synonyms in the published script.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import ClassVar

from pairsmith.errors import StageError
from pairsmith.interfaces import Run, Scores
from pairsmith_benchmarks.answers import Answers, Record, added, average, known, match, named, share
from pairsmith_benchmarks.chair import objects_of_images
from pairsmith_benchmarks.folder import Folder, rows, text_of
from pairsmith_benchmarks.frames import framed
from pairsmith_benchmarks.items import Directions, Item, ItemBenchmark, matched
from pairsmith_benchmarks.mentions import Lexicon, lexicon
from pairsmith_benchmarks.options import HalbenchOptions
from pairsmith_benchmarks.publications import where_to_get
from pairsmith_benchmarks.reviews import filled, judge, stored, template

SOURCE = where_to_get("object-halbench")
SLOTS = ("{question}", "{answer}")
SHORT = 3
"""Words of an answer up to which the extractor is not asked."""

DIRECTIONS = Directions(lower=("objhal_response", "objhal_object", "unparsed"), neutral=("length", "named"))
_LIST = re.compile(r"\[[^\[\]]*\]")


class ObjectHalbench(ItemBenchmark):
    """300 detailed descriptions, whose objects a named extractor lists."""

    source: ClassVar[str] = "Object HalBench: arXiv 1809.02156 and 2312.00849, with the extractor named in the metrics"

    def __init__(self, options: HalbenchOptions, run: Run) -> None:
        """Read the published prompt and check the extractor's table, before any model is asked."""
        self._options = options
        self.images = options.images
        self._folder = Folder(benchmark="object-halbench", path=options.annotations, source=SOURCE)
        self._lexicon = lexicon(options.synonyms)
        self._template = self._extractor = None
        if options.reviews is None:
            if options.template is None:
                self._folder.refuse("is not all there is to be: 'template' is missing")
            self._template = template(options.template, "prompt_template", SLOTS)
            self._extractor = judge(run, options.judge or {}, options.judge_name, "object-halbench")

    def items(self) -> Sequence[Item]:
        """Return the 300 questions, numbered from 0 in the order of the file."""
        names, objects = objects_of_images(self._folder, ("val",), self._lexicon)
        items = []
        for number, (place, row) in enumerate(rows(self._options.questions)):
            image = row.get("image_id")
            one = int(str(image)) if str(image).isdecimal() else -1
            if one not in names:
                msg = f"{place} must have the 'image_id' of one of the {len(names):,} annotated images: {image!r}"
                raise StageError(msg)
            question = text_of(row, "question", place)
            truth = {"objects": sorted(objects(one)), "question": question}
            items.append(Item(id=str(number), image=names[one], prompt=question, truth=truth))
        return items

    def check_images(self, items: Sequence[Item]) -> None:
        """Refuse to begin where images are missing."""
        self._folder.images(self.images, [item.image for item in items])

    def rate(self, items: Sequence[Item], answers: Answers) -> Scores:
        """Have the extractor list what was not listed before, and score the lists."""
        given = list(answers)
        if self._extractor is None or self._template is None:
            assert self._options.reviews is not None
            return score(items, given, stored(self._options.reviews), self._options.judge_name, self._lexicon)
        prompts = requests(items, given, self._template)
        return score(items, given, self._extractor.ask(prompts), self._extractor.name, self._lexicon)

    def metrics(self, sums: Mapping[str, float]) -> dict[str, float]:
        """Return the metrics of totals."""
        extractor = self._options.judge_name if self._extractor is None else self._extractor.name
        return known(named(of_sums(sums), f"[{extractor}]", but=("length",)))


def requests(items: Sequence[Item], answers: Answers, prompt: str) -> dict[str, str]:
    """Return what the extractor is asked, for each item whose answer is longer than three words."""
    found, by_id = match([item.id for item in items], answers), {item.id: item for item in items}
    return {
        one: filled(prompt, SLOTS, (by_id[one].truth["question"], framed(text, prompt)))
        for one, text in found.texts.items()
        if len(text.split()) > SHORT
    }


def listed(reply: str) -> list[str] | None:
    r"""Return the last JSON array of texts in a reply, or nothing where there is none.

    >>> listed('Sure: ["a dog", "cat"]'), listed("```json\n[]\n```"), listed("none")
    (['a dog', 'cat'], [], None)
    """
    for text in reversed(_LIST.findall(reply)):
        try:
            found = json.loads(text)
        except ValueError:
            continue
        if all(isinstance(one, str) for one in found):
            return list(found)
    return None


def score(
    items: Sequence[Item],
    answers: Answers,
    replies: Mapping[str, str],
    extractor: str,
    words: Lexicon | None = None,
) -> Scores:
    """Score lists of objects by item; a long answer without a list counts as unparsed.

    The truth of an item is ``{"objects": [categories]}``.
    """
    found, by_id = matched("object-halbench", items, answers)
    own = words or lexicon()
    records = {}
    for one, text in found.texts.items():
        objects = [] if len(text.split()) <= SHORT else listed(replies.get(one, ""))
        length = {"words": len(text.split()), "reply": replies.get(one, "")}
        records[one] = {**_record(objects, by_id[one].truth["objects"], own), **length}
    every = found.records(records)
    metrics = named(rates(every), f"[{extractor}]", but=("length",))
    return DIRECTIONS.scores(metrics, found, every, sums_of)


def _record(objects: Sequence[str] | None, truth: Sequence[str], words: Lexicon) -> Record:
    if objects is None:
        return {"parsed": False}
    mentions = {one.word: one.category for text in objects for one in words.mentions(text)}
    there = set(truth)
    return {
        "parsed": True,
        "named": sorted(mentions),
        "false": sorted(word for word, category in mentions.items() if category not in there),
        "objects": len(there),
        "found": len(there & set(mentions.values())),
    }


def rates(records: Sequence[Record]) -> dict[str, float | None]:
    """Return the metrics of lists of objects.

    >>> one = {"parsed": True, "named": ["cat", "dog"], "false": ["dog"], "objects": 2, "found": 1, "words": 9}
    >>> none = {**one, "named": [], "false": [], "found": 0}
    >>> found = rates([one, none])
    >>> found["objhal_response"], found["objhal_object"], found["objhal_recall"]
    (100.0, 50.0, 25.0)
    """
    return of_sums(added(map(sums_of, records)))


def sums_of(record: Record) -> dict[str, float]:
    """Return what one answer adds to the sums that the metrics are made of."""
    if "parsed" not in record:
        return {}
    own = {"answers": 1, "words": record["words"], "unparsed": int(not record["parsed"])}
    if not record["parsed"]:
        return own
    false, listed_objects = len(record["false"]), len(record["named"])
    found = {"false": false, "listed": listed_objects, "objects": record["objects"], "found": record["found"]}
    return {**own, **found, "naming": int(listed_objects > 0), "naming_false": int(false > 0)}


def of_sums(sums: Mapping[str, float]) -> dict[str, float | None]:
    """Return the metrics of totals."""
    return {
        "objhal_response": share(sums, "naming_false", "naming"),
        "objhal_object": share(sums, "false", "listed"),
        "objhal_recall": share(sums, "found", "objects"),
        "named": float(sums.get("naming", 0)),
        "unparsed": float(sums.get("unparsed", 0)),
        "length": average(sums, "words", "answers"),
    }

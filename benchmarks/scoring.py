"""Measures how long it takes to score 1,004 AMBER answers, 9,000 POPE answers, and others of the plugin's benchmarks.

    python benchmarks/scoring.py [--amber FOLDER] [--repeats 5]

The answers are made up: 90 words of each benchmark's own vocabulary and of plain English for a description, 20 for a
caption with five references, a sentence for a question. ``--amber`` is a folder with AMBER's annotations; without it
annotations of the same size are made up as well.
Each figure is the median of the repeats, with the fastest and the slowest; a time is of scoring alone, in one thread.
"""

import argparse
import platform
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from pairsmith.errors import StageError
from pairsmith.interfaces import Scores
from pairsmith_benchmarks import amber, amber_discriminative, amber_generative, captions, chair, pope
from pairsmith_benchmarks.amber import Associations
from pairsmith_benchmarks.items import Item
from pairsmith_benchmarks.mentions import lexicon
from pairsmith_benchmarks.meteor import meteor
from pairsmith_benchmarks.noun_finders import noun_finder
from pairsmith_benchmarks.similarity import similarity

SAID = """the a of and is in on with that there are to this image shows near large small red white next standing sitting
which be seen can background visible several some other his her it its as an by at from behind front"""
PLAIN = SAID.split()
WORDS, CAPTION, DIMENSIONS = 90, 20, 300
LIMITS = {"amber-generative": 5.0, "pope": 2.0}

Task = tuple[str, Callable[[], Scores]]


def description(dice: random.Random, nouns: Sequence[str], words: int = WORDS) -> str:
    return " ".join(dice.choice(nouns if dice.random() < 0.25 else PLAIN) for _ in range(words)).capitalize() + "."


def amber_data(folder: Path | None, dice: random.Random) -> tuple[Associations, list[Item]]:
    if folder is not None:
        where = amber.folder_of(folder, "amber-generative")
        return amber.associations(where), list(amber.items(where, "generative"))
    names = [f"thing{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(340)]
    words = Associations(
        words={one: dice.sample(names, dice.randint(0, 3)) for one in names}, safe=frozenset(names[:9])
    )
    made = [{"truth": dice.sample(names, 5), "hallu": dice.sample(names, 5)} for _ in range(1004)]
    return words, [Item(id=str(n), truth=truth) for n, truth in enumerate(made)]


def amber_tasks(folder: Path | None, dice: random.Random, work: Path) -> list[Task]:
    words, items = amber_data(folder, dice)
    vocabulary = sorted(words.vocabulary)
    answers = [(item.id, description(dice, vocabulary)) for item in items]
    table = work / "vectors.txt"
    rows = (f"{one} {' '.join(f'{dice.gauss(0, 1):.4f}' for _ in range(DIMENSIONS))}\n" for one in vocabulary)
    table.write_text("".join(rows))
    tasks = []
    for nouns in ("words", "nltk"):
        for rule in ("synonyms", "vectors"):
            try:
                finder = noun_finder(nouns, words.vocabulary)
            except StageError as error:
                print(f"not measured: amber-generative[{nouns},{rule}]: {error}")
                continue

            def task(finder: Callable[[str], Sequence[str]] = finder, rule: str = rule) -> Scores:
                similar = similarity(rule, str(table), words.vocabulary, 0.8)
                return amber_generative.score(items, answers, words, nouns=finder, similar=similar)

            tasks.append((f"amber-generative[{nouns},{rule}]", task))
    return tasks


def tasks_of(folder: Path | None, work: Path) -> list[Task]:
    dice = random.Random(0)
    says = ("Yes.", "No.", "No, there is no such thing.", "Yes, there is one in the image.")
    asked = [
        Item(id=str(n), truth={"split": ("random", "popular", "adversarial")[n % 3], "label": ("yes", "no")[n % 2]})
        for n in range(9000)
    ]
    kinds = ("existence", "state", "number", "action", "relation")
    questions = [Item(id=str(n), truth={"kind": kinds[n % 5], "label": ("yes", "no")[n % 2]}) for n in range(14_216)]
    names = sorted({word.split()[-1] for word in lexicon().category})
    coco = [Item(id=str(n), truth={"objects": dice.sample(names, 5)}) for n in range(500)]
    texts = [
        Item(id=str(n), truth={"references": [description(dice, names, CAPTION) for _ in range(5)]})
        for n in range(1000)
    ]
    answer = {item.id: description(dice, names, CAPTION) for item in texts}
    short = [(item.id, dice.choice(says)) for item in questions]
    return [
        *amber_tasks(folder, dice, work),
        ("amber-discriminative", lambda: amber_discriminative.score(questions, short, reading="first-word")),
        ("pope", lambda: pope.score(asked, short[:9000])),
        ("chair", lambda: chair.score(coco, [(item.id, description(dice, names)) for item in coco])),
        ("captions", lambda: captions.score(texts, answer.items())),
        ("captions, with METEOR", lambda: captions.score(texts, answer.items(), meteor=meteor("stem"))),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--amber", type=Path, help="a folder with AMBER's annotations.json and the files beside it")
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    print(f"{datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}, {platform.machine()}")
    late = []
    with tempfile.TemporaryDirectory() as work:
        for name, task in tasks_of(arguments.amber, Path(work)):
            times = []
            for _ in range(arguments.repeats):
                began = time.perf_counter()
                scores = task()
                times.append(time.perf_counter() - began)
            middle = statistics.median(times)
            count = f"{int(scores.metrics['scored']):,} answers"
            print(f"{name:<36}{count:>16}  {middle:7.3f} s  ({min(times):.3f} to {max(times):.3f})")
            if middle > LIMITS.get(name.partition("[")[0], float("inf")):
                late.append(name)
    if late:
        msg = f"slower than the limit: {', '.join(late)}"
        raise SystemExit(msg)


if __name__ == "__main__":
    main()

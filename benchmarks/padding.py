"""How much of what a step computes is padding: pairs side by side, sorted by length, and packed (train.pack_tokens).

    python benchmarks/padding.py PATH [--pairs 256] [--batch-size 32] [--at-once 4] [--pack-tokens 8192]

PATH holds published pairs: every ``pairs.json`` of pds-dpo's layout and every ``train.json`` of MCM-DPO's below it. Their
prompts, answers and picture sizes are the lengths; as they are few, steps of ``--batch-size`` are drawn from them with
repetition. A tree holds the image once, the prompt once, and both answers from where they part. Tokens are counted by a
byte-level BPE of 2,000 fitted to the texts; an image is 576 tokens, as for LLaVA-1.5, or one for 28 x 28 of its own pixels,
as for Qwen2.5-VL.
"""

import argparse
import json
import random
import sys
from collections.abc import Iterator, Sequence
from itertools import takewhile
from pathlib import Path
from statistics import quantiles
from typing import Any

from PIL import Image as Pillow

from pairsmith_hf.random_llava import fit_tokenizer
from pairsmith_train.passes import divide

Row = tuple[str, str, str, tuple[int, int]]


def published(path: Path) -> Iterator[Row]:
    """Yield prompt, chosen, rejected and the picture's size of every pair that can be trained on."""
    for file in sorted(path.rglob("*.json")):
        if file.name not in {"pairs.json", "train.json"}:
            continue
        for row in json.loads(file.read_text(encoding="utf-8")):
            texts = mdpo(row) if "conversations" in row else described(row)
            image = row["image"] if isinstance(row["image"], str) else f"images/{row['image']['path']}"
            if texts[1] and texts[2]:
                with Pillow.open(file.parent / image) as picture:
                    yield (*texts, picture.size)


def mdpo(row: dict[str, Any]) -> tuple[str, str, str]:
    """Return the texts of a row with two conversations."""
    (question, chosen), (_, rejected) = row["conversations"], row["rejected_conversations"]
    return question["value"].replace("<image>", ""), chosen["value"], rejected["value"]


def described(row: dict[str, Any]) -> tuple[str, str, str]:
    """Return the texts of a row that holds them as JSON."""
    inner = json.loads(row["text"])
    return inner["question"], inner["chosen"], inner["rejected"]


def lengths(rows: Sequence[Row], *, own_size: bool) -> list[int]:
    """Return the tokens of each pair's tree."""
    tokenizer = fit_tokenizer(iter([text for row in rows for text in row[:3]]), 2000)
    found = []
    for *texts, (width, height) in rows:
        prompt, chosen, rejected = (tokenizer(text).input_ids for text in texts)
        shared = len(list(takewhile(lambda two: two[0] == two[1], zip(chosen, rejected, strict=False))))
        image = round(width / 28) * round(height / 28) if own_size else 576
        found.append(image + len(prompt) + len(chosen) + len(rejected) + 2 - shared)
    return found


def batched(values: Sequence[int], size: int) -> list[Sequence[int]]:
    """Return the values, as many at a time; the last batch may be smaller."""
    return [values[start : start + size] for start in range(0, len(values), size)]


def waste(batches: Sequence[Sequence[int]]) -> float:
    """Return the share of padding where every row is as long as its batch's longest."""
    computed = sum(len(one) * max(one) for one in batches)
    return 1 - sum(map(sum, batches)) / computed


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", type=Path)
    for name, default in (("pairs", 256), ("batch-size", 32), ("at-once", 4), ("pack-tokens", 8192)):
        parser.add_argument(f"--{name}", type=int, default=default)
    told = parser.parse_args()
    rows = list(published(told.path))
    if not rows:
        sys.exit(f"no pairs.json or train.json below {str(told.path)!r}")
    print(f"{len(rows)} published pairs, {told.pairs} drawn, {told.batch_size} a step\n")
    print("| image tokens | a tree's tokens, 10 % / median / 90 % | passes | padding | passes a step |")
    print("|---|---|---|---|---|")
    for own_size in (False, True):
        known = lengths(rows, own_size=own_size)
        drawn = random.Random(0).choices(known, k=told.pairs)
        tenths = quantiles(drawn, n=10)
        steps = list(batched(drawn, told.batch_size))
        ways = {
            f"{told.at_once} pairs as they come": [b for step in steps for b in batched(step, told.at_once)],
            f"{told.at_once} pairs sorted by length": [
                b for step in steps for b in batched(sorted(step), told.at_once)
            ],
            f"packed, {told.pack_tokens:,} tokens": [
                (sum(step[k] for k in group),) for step in steps for group in divide(step, told.pack_tokens)
            ],
        }
        image = "its own size" if own_size else "576"
        for way, batches in ways.items():
            row = f"{tenths[0]:,.0f} / {tenths[4]:,.0f} / {tenths[8]:,.0f} | {way} | {waste(batches):.1%}"
            print(f"| {image} | {row} | {len(batches) / len(steps):.1f} |")


if __name__ == "__main__":
    main()

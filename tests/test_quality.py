"""The filter and the report in a run: what goes is counted by the run, and toyworld's pairs are told for what they are."""

import json
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture

from pairsmith.errors import PairsmithError
from pairsmith.options import read
from pairsmith.progress import progress
from pairsmith.recipe import Document
from pairsmith.registry import Registry
from pairsmith.start import start
from pairsmith.testing import make_run
from pairsmith.values import Item, Pair
from pairsmith.view import DirectoryView
from pairsmith_quality.options import QualityOptions
from pairsmith_quality.outside import Outside
from pairsmith_quality.report import findings
from pairsmith_quality.survey import Survey

SAID = "A small dog number {0} lies on a sofa that is green.", "A black cat number {0} stands on a wide table."


def stored(folder: Path) -> Path:
    """Write 12 samples: every third is a smaller copy of the one before, the ninth shows what the benchmark shows."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for number in range(12):
        seen = number - (number % 3 == 2)
        blocks = np.random.default_rng(seen).integers(0, 256, (6, 8, 3), dtype=np.uint8)
        size = (96, 72) if seen == number else (64, 48)
        Picture.fromarray(blocks).resize(size, Picture.Resampling.BICUBIC).save(folder / f"{number}.png")
        given = [
            {"id": f"{number}/{side}", "sample_id": f"s{number}", "text": text.format(seen), "label": side}
            for side, text in zip(("chosen", "rejected"), SAID, strict=True)
        ]
        prompt = [{"role": "user", "text": "What is this?"}]
        rows.append({"id": f"s{number}", "images": [{"path": f"{number}.png"}], "prompt": prompt, "given": given})
    path = folder / "samples.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "captions.jsonl").write_text(json.dumps({"image": "9.png", "references": ["A dog."]}) + "\n")
    return path


def recipe(folder: Path, **pairs: object) -> Document:
    path = stored(folder)
    held = {"use": "captions", "references": str(folder / "captions.jsonl"), "images": str(folder)}
    tables = {
        "schema": 1,
        "part_size": 5,
        "images": {"use": "stored", "path": str(path)},
        "pairs": {"use": "deduplicate", "selector": {"use": "published"}, "benchmarks": [held], **pairs},
        "reports": [{"use": "quality", "benchmarks": [held], "resamples": 100}],
    }
    return Document(name="quality", path=None, tables=tables)


def test_what_the_filter_leaves_out_is_counted_by_the_run(tmp_path: Path) -> None:
    out = start(recipe(tmp_path / "data"), out=tmp_path / "run", progress=progress(StringIO()))
    view = DirectoryView(out)
    counts = view.stages()["pairs"]["counts"]
    assert counts == {"selected": 12, "kept": 7, "dropped: near-duplicate": 4, "dropped: contaminated": 1}
    assert view.stages()["pairs"]["facts"]["deduplicate"] == "7 of 12"
    drops = {row["id"].partition(":")[0]: row["reason"] for row in view.dropped("pairs")}
    assert drops == {**dict.fromkeys(("s2", "s5", "s8", "s11"), "near-duplicate"), "s9": "contaminated"}
    found = json.loads((out / "quality.json").read_text())
    assert found["left_out"] == {"near-duplicate": 4, "contaminated": 1}
    assert found["items"] == 7
    assert found["duplicates"]["image_and_text"]["count"] == 0
    assert found["contamination"]["image"]["count"] == 0


def test_a_fault_in_a_table_of_the_filter_is_said_before_the_run(tmp_path: Path) -> None:
    with pytest.raises(PairsmithError, match=r"pairs\.benchmarks\[0\]\.use: no benchmark 'popes'"):
        start(
            recipe(tmp_path / "data", benchmarks=[{"use": "popes"}]),
            out=tmp_path / "run",
            progress=progress(StringIO()),
        )
    assert not (tmp_path / "run").exists()


def test_toyworlds_prejudices_can_be_told_without_the_image(tmp_path: Path) -> None:
    """True captions against those with the annotators' prejudices: words give many away, and the report says so."""
    offer, run = Registry.discover().find("image_sources", "toyworld"), make_run(tmp_path / "toys")
    sources = [
        offer.component.build(read({"samples": 250, "answers": kind}, offer.component.options_class, "images"), run)
        for kind in ("faithful", "biased")
    ]
    pairs = []
    for true, biased in zip(*(source.samples() for source in sources), strict=True):
        (chosen,), (rejected,) = true.given, biased.given
        if chosen.text != rejected.text:
            pairs.append(Item(value=Pair(id=true.id, sample=true, chosen=chosen, rejected=rejected)))
    options = QualityOptions(resamples=200)
    found = findings(Survey(options=options, outside=Outside(options, run)).read(pairs), options, {})
    assert found["pairs"] > 150
    assert found["images"] == {"distinct": found["pairs"], "near_copies": 0}
    assert found["duplicates"]["image_and_text"]["count"] == 0
    assert found["blind"]["text_only"]["low"] > 60, found

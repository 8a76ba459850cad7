"""Writes the pairs of a run as preference rows in LLaVA's manner."""

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import frozen

from pairsmith.component import NoOptions
from pairsmith.errors import StageError
from pairsmith.interfaces import Run, RunView
from pairsmith.values import Demonstration, Image, Pair, turns
from pairsmith_formats.conversations import write


@frozen
class LlavaExport:
    """Writes ``pairs.json``, a row a line, and ``images/``."""

    options: NoOptions
    run: Run

    def export(self, run: RunView, destination: Path) -> Sequence[Path]:
        """Write, and return the file of rows and the folder of images."""
        folder = destination / "images"
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = destination / "pairs.json.tmp"
        with unfinished.open("w", encoding="utf-8", newline="\n") as file:
            separator = "[\n"
            for row in _rows(run, folder):
                file.write(separator + json.dumps(row, ensure_ascii=False))
                separator = ",\n"
            file.write("[]\n" if separator == "[\n" else "\n]\n")
        return [unfinished.replace(destination / "pairs.json"), folder]


def _rows(run: RunView, folder: Path) -> Iterator[Mapping[str, Any]]:
    last = None
    for item in run.items():
        pair = item.value
        if isinstance(pair, Demonstration):
            msg = f"{pair.id!r} is a demonstration and has no rejected answer; llava-preferences holds pairs only"
            raise StageError(msg)
        # A sample's first pair keeps the sample's id, which is what a published file called its row.
        yield _row(pair.id if pair.sample.id == last else pair.sample.id, pair, folder)
        last = pair.sample.id


def _row(name: str, pair: Pair, folder: Path) -> Mapping[str, Any]:
    kept = [_keep(image, folder) for image in pair.sample.images]
    shown = {} if not kept else {"image": kept[0] if len(kept) == 1 else kept}
    sides = {
        key: write(turns(pair.sample, answer), answer.text, len(kept))
        for key, answer in (("conversations", pair.chosen), ("rejected_conversations", pair.rejected))
    }
    return {"id": name, **shown, **sides}


def _keep(image: Image, folder: Path) -> str:
    kept = folder / image.path.name
    if not kept.exists():
        shutil.copyfile(image.path, kept)
    return f"{folder.name}/{kept.name}"

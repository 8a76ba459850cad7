"""The images of a run under readable names: every candidate, and the one that was kept."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pairsmith.component import NoOptions
from pairsmith.interfaces import Run, RunView
from pairsmith_formats.kept import KeptImages, readable

_FILE = "images.jsonl"


class PicturesExport:
    """Writes ``images/ID.png``, ``candidates/ID-1.png`` and on, and a row a sample that says which is which."""

    def __init__(self, options: NoOptions, run: Run) -> None:
        """There is nothing to note."""

    def export(self, run: RunView, destination: Path) -> Sequence[Path]:
        """Write, and return the file of rows and the folders."""
        destination.mkdir(parents=True, exist_ok=True)
        unfinished = destination / f".{_FILE}.tmp"
        with unfinished.open("w", encoding="utf-8", newline="\n") as file:
            for row in _rows(run, KeptImages(destination, "sample", taken=(_FILE,))):
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
        folders = [destination / name for name in ("images", "candidates")]
        return [unfinished.replace(destination / _FILE), *(folder for folder in folders if folder.is_dir())]


def _rows(run: RunView, kept: KeptImages) -> Iterator[dict[str, Any]]:
    for judged in run.judged():
        sample = judged.sample
        shown = kept.keep(sample, sample.id)
        candidates = [
            kept.copy(image, [f"candidates/{readable(sample.id)}-{number}{image.path.suffix}"])
            for number, image in enumerate(sample.candidates, start=1)
        ]
        prompt = [{"role": turn.role, "text": turn.text} for turn in sample.prompt]
        chosen = [image.id for image in sample.images]
        won = [number for number, image in enumerate(sample.candidates, start=1) if image.id in chosen]
        more = {"candidates": candidates, "kept": won} if candidates else {}
        yield {"id": sample.id, "prompt": prompt, "images": list(shown), **more}

"""Writes the pairs or demonstrations of a run as rows of a format."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from pairsmith.errors import StageError
from pairsmith.interfaces import Run, RunView
from pairsmith.values import Demonstration, Pair
from pairsmith_formats.card import card
from pairsmith_formats.edits import mend
from pairsmith_formats.kept import KeptImages
from pairsmith_formats.options import ExportOptions
from pairsmith_formats.parquet import FILE, to_parquet
from pairsmith_formats.reading import Format
from pairsmith_formats.writing import entry_of

Row = Mapping[str, Any]


class RowExport:
    """Writes a file of rows, the images beside it, and a dataset card."""

    def __init__(self, form: Format, options: ExportOptions, run: Run) -> None:  # noqa: ARG002 - every factory is given the run
        """Note what to write."""
        self._format, self._options = form, options

    def export(self, run: RunView, destination: Path) -> Sequence[Path]:
        """Write, and return the files and the folder of images."""
        destination.mkdir(parents=True, exist_ok=True)
        kind = self._kind()
        if kind == "parquet":
            with TemporaryDirectory(dir=destination) as folder:
                staged, written, _ = self._write(run, Path(folder), "jsonl")
                path = destination / FILE
                to_parquet(staged, path, self._format.image_columns)
            made = [path]
        else:
            path, written, folders = self._write(run, destination, kind)
            made = [path, *folders]
        for name, content in self._format.about(path.relative_to(destination).as_posix(), written.holds).items():
            made.append(_write_json(destination / name, content))
        if self._options.card:
            made.append(destination / "README.md")
            text = card(self._format, run, path.relative_to(destination), written.number, self._options.licence)
            made[-1].write_text(text, encoding="utf-8", newline="\n")
        return made

    def _write(self, run: RunView, folder: Path, kind: str) -> tuple[Path, "_Counted", list[Path]]:
        path = folder / f"{self._format.file}.{kind}"
        images = KeptImages(
            folder, self._options.image_names, taken=(path.name, "README.md", *self._format.about("", "pairs"))
        )
        written = _Counted(self._rows(run, images))
        _write(path, written, lines=kind == "jsonl")
        return path, written, [folder / "images"] if (folder / "images").is_dir() else []

    def _kind(self) -> str:
        if self._options.file != "default":
            return self._options.file
        return "jsonl" if self._format.lines else "json"

    def _rows(self, run: RunView, images: KeptImages) -> Iterator[Row]:
        last = None
        for item in run.items():
            value = item.value
            self._check(value)
            # A sample's first pair keeps the sample's id, which is what a published file called its row.
            name = value.id if value.sample.id == last else value.sample.id
            last = value.sample.id
            kept = images.keep(value.sample, name)
            row = self._format.write(entry_of(value, name, kept))
            extra = value.sample.extra
            yield mend(row, extra.get("edits", ())) if extra.get("format") == self._format.name else row

    def _check(self, value: Pair | Demonstration) -> None:
        holds = self._format.holds
        if isinstance(value, Demonstration) and holds == "pairs":
            msg = f"{value.id!r} is a demonstration and has no rejected answer; {self._format.name} holds pairs only"
            raise StageError(msg)
        if isinstance(value, Pair) and holds == "demonstrations":
            msg = (
                f"{value.id!r} is a pair, and {self._format.name} holds one answer a row; choose demonstrations with "
                f"[pairs] use = 'demonstrations', or write a format of pairs"
            )
            raise StageError(msg)


class _Counted:
    """Rows, with how many there were, and what they hold."""

    def __init__(self, rows: Iterator[Row]) -> None:
        self._rows, self.number = rows, 0
        self.holds: Literal["pairs", "demonstrations"] = "pairs"

    def __iter__(self) -> Iterator[Row]:
        for row in self._rows:
            self.number += 1
            self.holds = "pairs" if any(name.startswith("rejected") for name in row) else "demonstrations"
            yield row


def _write(path: Path, rows: "_Counted", *, lines: bool) -> None:
    """Write under another name first, so that half a file is never taken for a whole one."""
    unfinished = path.with_name(f".{path.name}.tmp")
    with unfinished.open("w", encoding="utf-8", newline="\n") as file:
        separator = "" if lines else "[\n"
        for row in rows:
            file.write(separator + json.dumps(row, ensure_ascii=False) + ("\n" if lines else ""))
            separator = "" if lines else ",\n"
        if not lines:
            file.write("[]\n" if separator == "[\n" else "\n]\n")
    unfinished.replace(path)


def _write_json(path: Path, content: Any) -> Path:  # noqa: ANN401
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n")
    return path

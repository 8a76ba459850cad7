"""DecompGen's published pairs (DGPref, arXiv 2411.13697): a pickle of pairs by image, read without unpickling."""

import pickle
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from attrs import frozen

from pairsmith.errors import StageError
from pairsmith.interfaces import Run, RunView
from pairsmith.values import Turn, user
from pairsmith_formats.export import RowExport
from pairsmith_formats.images import Pictures
from pairsmith_formats.kept import KeptImages
from pairsmith_formats.options import DgprefOptions, ExportOptions, RowsOptions
from pairsmith_formats.pickles import read_pickle
from pairsmith_formats.reading import Answer, Entry, Format, Label, Reading, Row, bad, number, text
from pairsmith_formats.source import RowSource
from pairsmith_formats.tables import Table

NAME = "dgpref"
_FOLDERS = ("", "VG_100K", "VG_100K_2", "images")
_SIDES = ("prefer", "reject")
_LABELS: tuple[Label, Label] = ("chosen", "rejected")
_SCORES = {"score": "cap_scores", "average": "cap_avg_scores"}


@frozen
class _PairRecord:
    path: Path
    number: int
    key: Any
    about: Any
    pair: Any

    @property
    def place(self) -> str:
        return f"{str(self.path)!r}, pair {self.number} (image {self.key!r:.40})"

    def value(self) -> Mapping[str, Any]:
        if not isinstance(self.key, str | int) or not isinstance(self.pair, dict):
            bad("is no dict of 'prefer' and 'reject' under an image's key")
        return {
            "key": self.key,
            **{name: self.about[name] for name in _SCORES.values() if name in self.about},
            **self.pair,
        }


@frozen
class _PairTable(Table):
    """The pairs of a pickle, one by one."""

    def rows(self) -> Iterator[_PairRecord]:
        """Yield the pairs in the pickle's order."""
        images = read_pickle(self.path)
        if not isinstance(images, dict):
            msg = f"{str(self.path)!r} holds a {type(images).__name__}, and pairs come as a dict by image"
            raise StageError(msg)
        number = 0
        for key, about in images.items():
            pairs = about.get("sample_pair") if isinstance(about, dict) else None
            for pair in pairs if isinstance(pairs, list) else [None]:
                number += 1
                yield _PairRecord(self.path, number, key, about if isinstance(about, dict) else {}, pair)


def _read(instructions: Sequence[str], row: Row) -> Reading:
    sides = [(text(row, side), _index(row, side)) for side in _SIDES]
    prompts = [_instruction(instructions, index) for _, index in sides]
    answers = [
        Answer(text=said, label=label, prompt=prompt, ratings=_ratings(row, index))
        for (said, index), label, prompt in zip(sides, _LABELS, prompts, strict=True)
    ]
    return Reading(
        id=f"{row['key']}:{sides[0][1]}-{sides[1][1]}",
        images=(f"{row['key']}.jpg",),
        prompt=prompts[0],
        answers=tuple(answers),
    )


def _index(row: Row, side: str) -> int:
    index = row.get(f"{side}_idx")
    if type(index) is not int or index < 0:
        bad(f"has no number {side + '_idx'!r}: {index!r:.80}")
    return index


def _instruction(instructions: Sequence[str], index: int) -> tuple[Turn, ...]:
    if len(instructions) == 1:
        return user(instructions[0])
    if index >= len(instructions):
        bad(f"speaks of instruction {index}, and the templates hold {len(instructions)}, counted from 0")
    return user(instructions[index])


def _ratings(row: Row, index: int) -> dict[str, float]:
    found = {}
    for name, column in _SCORES.items():
        scores = row.get(column)
        score = number(scores[index]) if isinstance(scores, list) and index < len(scores) else None
        if score is not None:
            found[name] = score
    return found


def _write(entry: Entry) -> dict[str, Any]:
    return {"key": entry.sample.id, "prefer": entry.chosen, "reject": entry.rejected}


FORMAT = Format(name=NAME, read=partial(_read, ()), write=_write, file="pos_neg_pairs")


class DgprefSource(RowSource):
    """Yields each pair as a sample of its own: the two answers, each to its own instruction, with their scores."""

    def __init__(self, options: DgprefOptions, run: Run) -> None:
        """Read the instructions."""
        instructions = instructions_of(options.templates, options.prompt)
        form = Format(name=NAME, read=partial(_read, instructions), write=_write, file=FORMAT.file)
        rows = RowsOptions(path=options.path, images=options.images, on_bad_row=options.on_bad_row)
        super().__init__(form, rows, run, table=_PairTable(options.path))

    def _image_path(self, path: str) -> Path:
        return image_file(self._pictures, path)


def image_file(pictures: Pictures, path: str) -> Path:
    """Return where an image of Visual Genome is: flat, or in one of its two folders."""
    found = [pictures.confined(f"{folder}/{path}" if folder else path) for folder in _FOLDERS]
    return next((one for one in found if one.is_file()), found[0])


def instructions_of(templates: Path | None, prompt: str) -> Sequence[str]:
    """Return the instructions, one a line, or the one that stands for all."""
    if templates is None:
        return (prompt,)
    try:
        lines = templates.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        msg = f"[images] templates = {str(templates)!r} cannot be read: {error}"
        raise StageError(msg) from None
    return [line.strip() for line in lines if line.strip()]


class DgprefExport(RowExport):
    """Writes the pickle again: plain dicts, lists, texts and numbers, which any reader can take."""

    def export(self, run: RunView, destination: Path) -> Sequence[Path]:
        """Write the pickle and the images; it is made in memory, as a pickle must be."""
        destination.mkdir(parents=True, exist_ok=True)
        path = destination / f"{FORMAT.file}.pkl"
        images: dict[Any, dict[str, Any]] = {}
        for row in self._rows(run, KeptImages(destination, self._options.image_names, taken=(path.name,))):
            _add(images.setdefault(row["key"], {}), dict(row))
        unfinished = path.with_name(f".{path.name}.tmp")
        with unfinished.open("wb") as file:
            pickle.dump(images, file, protocol=4)
        return [unfinished.replace(path)]


def _add(image: dict[str, Any], row: dict[str, Any]) -> None:
    """Add a pair to those of its image; answers of a run's own pairs are counted as they come."""
    del row["key"]
    image.update({name: row.pop(name) for name in _SCORES.values() if name in row})
    pairs = image.setdefault("sample_pair", [])
    texts = list(dict.fromkeys(pair[side] for pair in [*pairs, row] for side in _SIDES))
    for side in _SIDES:
        row.setdefault(f"{side}_idx", texts.index(row[side]))
    pairs.append(row)


def export(options: ExportOptions, run: Run) -> DgprefExport:
    """Make the exporter."""
    return DgprefExport(FORMAT, options, run)

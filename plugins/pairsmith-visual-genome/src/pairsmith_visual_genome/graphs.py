"""Scene graphs as truth: GQA's, by image, and Visual Genome's own."""

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from pairsmith.errors import StageError
from pairsmith.interfaces import Run
from pairsmith.records import Record, RowError, members, records
from pairsmith.values import Sample
from pairsmith_visual_genome.images import Annotated, BadEntryError
from pairsmith_visual_genome.options import AnnotatedOptions, VisualGenomeOptions
from pairsmith_visual_genome.publications import where_to_get

_FOLDERS = ("", "images", "VG_100K", "VG_100K_2")


class Gqa(Annotated):
    """Yields the images of a file of scene graphs, in its order, in constant memory."""

    published = where_to_get("gqa")
    folders = _FOLDERS

    def __init__(self, options: AnnotatedOptions, run: Run) -> None:  # noqa: ARG002 - every factory is given the run
        """Look whether everything is there."""
        super().__init__(options)

    def samples(self, start: int = 0) -> Iterator[Sample]:
        """Yield the samples from the ``start``-th on."""
        return islice(self._all(), start, None)

    def _all(self) -> Iterator[Sample]:
        self.bad_rows = 0
        for key, record in members(self.options.path):
            try:
                graph = _graph(record)
                if graph.get("objects") or not self.options.annotated_only:
                    yield self.sample(key, f"{key}.jpg", {"scene_graph": graph})
            except RowError as error:
                self.bad(str(error))
            except BadEntryError as error:
                self.bad(f"{record.place} {error}")


class VisualGenome(Annotated):
    """Yields the images of ``scene_graphs.json``, in its order."""

    published = where_to_get("visual-genome")
    folders = _FOLDERS

    def __init__(self, options: VisualGenomeOptions, run: Run) -> None:  # noqa: ARG002 - every factory is given the run
        """Read the sizes of the images."""
        super().__init__(options)
        self._sizes = {} if options.image_data is None else dict(_sizes(options.image_data))

    def samples(self, start: int = 0) -> Iterator[Sample]:
        """Yield the samples from the ``start``-th on."""
        return islice(self._all(), start, None)

    def _all(self) -> Iterator[Sample]:
        self.bad_rows = 0
        for record in records(self.options.path):
            try:
                graph = _graph(record)
                name = graph.get("image_id")
                if not isinstance(name, int) or isinstance(name, bool):
                    msg = f"has no number 'image_id': {name!r:.80}"
                    raise BadEntryError(msg)  # noqa: TRY301 - one place words every refusal
                if graph.get("objects") or not self.options.annotated_only:
                    size = self._sizes.get(name)
                    sized = {} if size is None else {"width": size[0], "height": size[1]}
                    yield self.sample(str(name), f"{name}.jpg", {"scene_graph": {**graph, **sized}})
            except RowError as error:
                self.bad(str(error))
            except BadEntryError as error:
                self.bad(f"{record.place} {error}")


def _graph(record: Record) -> Mapping[str, Any]:
    graph = record.value()
    objects = graph.get("objects", {})
    inside = objects.values() if isinstance(objects, dict) else objects if isinstance(objects, list) else [None]
    if not all(isinstance(one, dict) for one in inside):
        msg = "has 'objects' that are neither a table nor a list of objects"
        raise BadEntryError(msg)
    return graph


def _sizes(path: Path) -> Iterator[tuple[int, tuple[int, int]]]:
    for record in records(path):
        row = record.value()
        name, width, height = (_positive(row.get(key)) for key in ("image_id", "width", "height"))
        if not (name and width and height):
            msg = f"{record.place} must have numbers 'image_id', 'width' and 'height'"
            raise StageError(msg)
        yield name, (width, height)


def _positive(value: object) -> int:
    """Return a number above 0, or 0 for everything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0

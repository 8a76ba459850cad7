"""As much of a run as exporters read, and both ways through a format, for every test of this plugin."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from attrs import evolve, field, frozen

from pairsmith.images import DirectoryImageStore
from pairsmith.interfaces import Run
from pairsmith.options import read as read_options
from pairsmith.registry import Registry
from pairsmith.values import Demonstration, Item, Judged, Pair, Sample

REGISTRY = Registry.discover()


@frozen
class View:
    """A run with these pairs and demonstrations, or these judged samples."""

    values: Sequence[Pair | Demonstration] = ()
    samples: Sequence[Judged] = ()
    document: Mapping[str, Any] = field(factory=lambda: {"name": "hand-made", "seed": 3, "components": {"pairs": "x"}})

    def items(self, arm: str = "") -> Iterator[Item]:
        """Yield the items."""
        assert not arm
        return (Item(value=value) for value in self.values)

    def judged(self) -> Iterator[Judged]:
        """Yield the samples."""
        return iter(self.samples)

    def stages(self) -> Mapping[str, Any]:
        """Return one stage."""
        return {"train-pairs": {"counts": {"selected": 3, "kept": 2}}}


class Formats:
    """Builds sources and exporters as a recipe and the command do, in one folder."""

    View = View

    def __init__(self, folder: Path) -> None:
        """Everything goes into ``folder``."""
        self.folder = folder
        self.run = Run(directory=folder / "run", images=DirectoryImageStore(folder / "run" / "images"))

    def source(self, form: str, path: Path, **options: Any) -> Any:
        """Build a source."""
        component = REGISTRY.find("image_sources", f"pairsmith-formats/{form}").component
        table = {"path": path, **options}
        table = {name: str(one) if isinstance(one, Path) else one for name, one in table.items()}
        return component.build(read_options(table, component.options, "images"), self.run)

    def admitted(self, sample: Sample) -> Sample:
        """Return a sample with its images in the run, as the pipeline stores it."""
        return evolve(sample, images=tuple(self.run.images.add_file(image.path) for image in sample.images))

    def value(self, sample: Sample) -> Pair | Demonstration:
        """Return the pair, or the demonstration, that came with a sample, as a run holds it."""
        lean = evolve(self.admitted(sample), given=(), truth={}, candidates=())
        if len(sample.given) == 1:
            return Demonstration(id=f"{sample.id}:d", sample=lean, chosen=sample.given[0])
        chosen, rejected = sample.given[:2]
        return Pair(id=f"{sample.id}:{chosen.id}:{rejected.id}", sample=lean, chosen=chosen, rejected=rejected)

    def export(self, form: str, view: View, out: Path, **options: Any) -> list[Path]:
        """Export."""
        component = REGISTRY.find("exporters", f"pairsmith-formats/{form}").component
        exporter = component.build(read_options(options, component.options, "export"), self.run)
        return list(exporter.export(view, out))

    def through(self, form: str, samples: Sequence[Sample], out: Path, **options: Any) -> list[Path]:
        """Take samples through a run and out again."""
        judged = [Judged(sample=self.admitted(sample), responses=sample.given) for sample in samples]
        return self.export(form, View(list(map(self.value, samples)), judged), out, **options)

    def rows(self, path: Path) -> list[Any]:
        """Return the rows of a file."""
        text = path.read_text(encoding="utf-8-sig")
        return json.loads(text) if text.startswith("[") else [json.loads(line) for line in text.splitlines() if line]


@pytest.fixture
def formats(tmp_path: Path) -> Formats:
    """All formats, in a folder of its own."""
    return Formats(tmp_path)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run for components that need none of it."""
    return Run(directory=tmp_path, images=Mock())

"""Several sources as one: ids, numbers, resuming, and what is refused."""

import json
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from pairsmith.errors import OptionsError
from pairsmith.interfaces import Run
from pairsmith.options import read
from pairsmith.registry import Registry
from pairsmith.testing import make_run
from pairsmith.within import builder


def stored(folder: Path, name: str, *ids: str) -> dict[str, Any]:
    path = folder / f"{name}.jsonl"
    rows = ({"id": one, "prompt": "What?", "given": [{"id": f"{one}/0", "text": f"{one}!"}]} for one in ids)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return {"use": "stored", "path": str(path)}


def source(folder: Path, *tables: dict[str, Any]) -> Any:
    registry = Registry.discover()
    run: Run = make_run(folder / "run")
    run = evolve(run, component=builder(registry, lambda: run))
    component = registry.find("image_sources", "several").component
    options = read({"sources": list(tables)}, component.options_class, "images")
    return component.build(options, run)


def test_samples_come_source_by_source_each_with_its_name(tmp_path: Path) -> None:
    lrv = {**stored(tmp_path, "lrv", "1", "2", "3"), "name": "lrv", "take": 2}
    graphs = stored(tmp_path, "graphs", "1")
    made = source(tmp_path, lrv, graphs)
    samples = list(made.samples())
    assert [one.id for one in samples] == ["lrv/1", "lrv/2", "1/1"]
    assert [(one.given[0].id, one.given[0].sample_id) for one in samples] == [
        ("lrv/1/0", "lrv/1"),
        ("lrv/2/0", "lrv/2"),
        ("1/1/0", "1/1"),
    ]
    assert list(made.samples(2)) == samples[2:]
    assert list(made.samples(1)) == samples[1:]


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        ([{"name": "a"}, {"name": "a"}], "two have the name 'a'"),
        ([{"take": 0}], "'take' must be a number of samples, at least 1: 0"),
        ([{"take": True}], "'take' must be a number of samples, at least 1: True"),
        ([], "sources"),
    ],
)
def test_what_cannot_be_meant(tables: list[dict[str, Any]], said: str, tmp_path: Path) -> None:
    with pytest.raises(OptionsError) as caught:
        source(tmp_path, *({**stored(tmp_path, "x", "1"), **one} for one in tables))
    assert said in str(caught.value)


def test_a_changed_file_of_a_source_is_noticed(tmp_path: Path) -> None:
    table = stored(tmp_path, "lrv", "1")
    component = Registry.discover().find("image_sources", "several").component
    options = read({"sources": [{**table, "prompt": "x" * 5000}]}, component.options_class, "images")
    assert [str(path) for path in component.input_paths(options)] == [table["path"]]

"""What lacks its data names files, address, size, licence and layout: every source and benchmark of three plugins."""

import importlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from pairsmith.errors import StageError
from pairsmith.interfaces import Run
from pairsmith.options import describe, read
from pairsmith.publication import Publication
from pairsmith.registry import Registry
from pairsmith.testing import make_run

KINDS = {
    "pairsmith_formats": "image_sources",
    "pairsmith_visual_genome": "image_sources",
    "pairsmith_benchmarks": "benchmarks",
}
NOT_KNOWN = {
    ("pairsmith_formats", "dgpref", "size"),
    ("pairsmith_formats", "dgpref-captions", "size"),
    ("pairsmith_visual_genome", "visual-genome", "size"),
    ("pairsmith_benchmarks", "amber-generative", "size"),
    ("pairsmith_benchmarks", "amber-generative", "licence"),
    ("pairsmith_benchmarks", "amber-discriminative", "size"),
    ("pairsmith_benchmarks", "amber-discriminative", "licence"),
    ("pairsmith_benchmarks", "hallusion-bench", "size"),
    ("pairsmith_benchmarks", "llava-bench", "size"),
    ("pairsmith_benchmarks", "alpaca-eval", "size"),
}
"""What no publisher states of a part: nothing may be added without having been looked for."""
ELSEWHERE = {"lmms-eval"}
"""Fetches its data itself."""
OTHER = {
    "pope": ("questions", "images"),
    "chair": ("annotations", "images"),
    "captions": ("references", "images"),
    "object-halbench": ("questions", "annotations", "images", "template"),
}
"""Options that hold a benchmark's data, where it is not ``path``."""
JUDGED = {"reviews": "reviews.jsonl", "judge_name": "j"}


def table(package: str) -> Mapping[str, tuple[Publication, ...]]:
    found = importlib.import_module(f"{package}.publications").PUBLICATIONS
    return {name: one if isinstance(one, tuple) else (one,) for name, one in found.items()}


def own(package: str) -> Mapping[str, str]:
    return getattr(importlib.import_module(f"{package}.publications"), "OWN", {})


def names(package: str) -> list[str]:
    offers = [offer.full_name.partition("/") for offer in Registry.discover().offers(KINDS[package])]
    return [name for plugin, _, name in offers if plugin == package.replace("_", "-")]


def component(package: str, name: str) -> Any:
    return Registry.discover().find(KINDS[package], f"{package.replace('_', '-')}/{name}").component


@pytest.mark.parametrize("package", KINDS)
def test_every_source_and_benchmark_has_its_facts(package: str) -> None:
    assert set(names(package)) == set(table(package)) | set(own(package)) | (ELSEWHERE & set(names(package)))


@pytest.mark.parametrize("package", KINDS)
def test_facts_are_there_or_are_known_not_to_be(package: str) -> None:
    lacking = {
        (package, name, fact)
        for name, publications in table(package).items()
        for one in publications
        for fact in ("size", "licence")
        if not getattr(one, fact)
    }
    assert lacking == {entry for entry in NOT_KNOWN if entry[0] == package}


def build(package: str, name: str, run: Run, folder: Path, missing: str) -> Any:
    """Build a component all of whose data lies in a folder, but for one option, which names nothing."""
    made = component(package, name)
    wanted = OTHER.get(name, ("path", "images")) if package == "pairsmith_benchmarks" else ("path", "images")
    known = {option.name for option in describe(made.options_class)}
    options: dict[str, Any] = {one: str(folder) for one in wanted if one in known}
    options |= {key: str(folder / value) for key, value in JUDGED.items() if key in known and key == "reviews"}
    options |= {key: value for key, value in JUDGED.items() if key in known and key != "reviews"}
    if package == "pairsmith_visual_genome" or name.startswith("dgpref"):
        options["path"] = str(folder / "rows.json")
    options |= {one: str(folder / "rows.json") for one in ("scene_graphs",) if one in known}
    options |= {"prompt": "Describe it."} if name == "dgpref-captions" else {}
    options |= {"meteor": "none"} if name == "captions" else {}  # it takes seconds to load
    return made.build(read({**options, missing: str(folder / "absent")}, made.options_class, name), run)


def first_of(package: str, name: str, run: Run, folder: Path, missing: str) -> Any:
    """Build such a component and take the first thing that it yields."""
    made = build(package, name, run, folder, missing)
    items: Callable[[], Any] = getattr(made, "items", None) or made.samples
    return next(iter(items()))


def everything() -> list[tuple[str, str]]:
    return [(package, name) for package in KINDS for name in table(package)]


@pytest.mark.parametrize(("package", "name"), everything())
def test_what_lacks_its_data_says_all_of_them_in_one_line(package: str, name: str, tmp_path: Path) -> None:
    (tmp_path / "reviews.jsonl").write_text("")
    (tmp_path / "rows.json").write_text("[]")
    missing = OTHER.get(name, ("path",))[0] if package == "pairsmith_benchmarks" else "path"
    with pytest.raises(StageError) as error:
        first_of(package, name, make_run(tmp_path / "run"), tmp_path, missing)
    said = str(error.value)
    for one in table(package)[name]:
        for fact in (one.files, one.address, one.size, one.licence, one.layout):
            assert fact in said
    assert "\n" not in said


@pytest.mark.parametrize("name", [name for name in table("pairsmith_formats") if name != "dgpref"])
def test_a_folder_of_images_that_is_not_there_says_so_too(name: str, tmp_path: Path) -> None:
    (tmp_path / "rows.json").write_text("[]")
    with pytest.raises(StageError) as error:
        build("pairsmith_formats", name, make_run(tmp_path / "run"), tmp_path, "images")
    assert str(table("pairsmith_formats")[name][0]) in str(error.value)


@pytest.mark.parametrize("name", own("pairsmith_formats"))
def test_a_format_that_nobody_publishes_says_what_to_bring(name: str, tmp_path: Path) -> None:
    with pytest.raises(StageError) as error:
        build("pairsmith_formats", name, make_run(tmp_path / "run"), tmp_path, "path")
    assert str(error.value).endswith(f"is neither a file nor a folder. Bring {own('pairsmith_formats')[name]}")

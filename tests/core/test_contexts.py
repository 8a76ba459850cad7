"""Corruptions that borrow from another sample or take away, and the check that looks at nothing."""

from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from pairsmith.errors import StageError
from pairsmith.interfaces import CheckedImage, Run
from pairsmith.registry import Registry
from pairsmith.values import Image, Sample, user

REGISTRY = Registry.discover()


def build(kind: Any, name: str) -> Any:
    component = REGISTRY.find(kind, name).component
    return component.build(component.options_class(), Run(directory=Path(), images=Mock()))


def row(name: str, context: str = "", *images: str) -> Sample:
    return Sample(
        id=name,
        prompt=user("Describe it."),
        context=context,
        images=tuple(Image(path=Path(image), id=image) for image in images),
    )


ROWS = [row(f"s{n}", f"post {n}", f"image {n}") for n in range(6)]


def test_each_has_its_axis() -> None:
    axes = {name: build("corruptions", name).axis for name in ("other-row", "empty", "other-image")}
    assert axes == {"other-row": "context", "empty": "context", "other-image": "image"}


def test_another_rows_context_is_never_its_own_and_may_be_any_other() -> None:
    corruption = build("corruptions", "other-row")
    drawn = {corruption.corrupt_context(ROWS[2], ROWS, seed=seed)[0] for seed in range(100)}
    assert drawn == {f"post {n}" for n in range(6)} - {"post 2"}
    assert corruption.corrupt_context(ROWS[2], ROWS, seed=9) == corruption.corrupt_context(ROWS[2], ROWS, seed=9)
    context, draw = corruption.corrupt_context(ROWS[2], ROWS, seed=9)
    assert context == f"post {draw['from'][1:]}"


def test_a_context_that_is_empty_or_the_same_is_no_corruption() -> None:
    corruption = build("corruptions", "other-row")
    rows = [row("a", "the post"), row("b"), row("c", " the post "), row("d", "another"), row("e")]
    assert {corruption.corrupt_context(rows[0], rows, seed=seed)[0] for seed in range(20)} == {"another"}
    with pytest.raises(StageError, match=r"no other of the 3 samples has a context different from that of sample 'a'"):
        corruption.corrupt_context(rows[0], rows[:3], seed=0)
    with pytest.raises(StageError, match="no other of the 0 samples"):
        corruption.corrupt_context(rows[0], [], seed=0)


def test_another_samples_image() -> None:
    corruption = build("corruptions", "other-image")
    drawn = {corruption.corrupt_images(ROWS[2], ROWS, seed=seed)[0][0].id for seed in range(100)}
    assert drawn == {f"image {n}" for n in range(6)} - {"image 2"}
    images, draw = corruption.corrupt_images(ROWS[2], ROWS, seed=9)
    assert (images, draw) == corruption.corrupt_images(ROWS[2], ROWS, seed=9)
    assert images[0].id == f"image {draw['from'][1:]}"


def test_an_other_image_is_a_different_one_and_as_many() -> None:
    corruption = build("corruptions", "other-image")
    rows = [row("a", "", "x"), row("b", "", "x"), row("c"), row("d", "", "y", "z"), row("e", "", "y")]
    assert {corruption.corrupt_images(rows[0], rows, seed=seed)[1]["from"] for seed in range(20)} == {"e"}
    with pytest.raises(
        StageError, match=r"no other of the 4 samples has 1 image\(s\) different from those of sample 'a'"
    ):
        corruption.corrupt_images(rows[0], rows[:4], seed=0)
    with pytest.raises(StageError, match="sample 'c' has no image to exchange"):
        corruption.corrupt_images(rows[2], rows, seed=0)


def test_images_outside_a_run_are_told_apart_by_path() -> None:
    rows = [Sample(id=name, prompt=user("?"), images=(Image(path=Path(name)),)) for name in ("a", "b")]
    assert build("corruptions", "other-image").corrupt_images(rows[0], rows, seed=0)[0] == rows[1].images


def test_an_empty_context_takes_something_away() -> None:
    corruption = build("corruptions", "empty")
    assert corruption.corrupt_context(ROWS[0], ROWS, seed=0) == ("", {})
    with pytest.raises(StageError, match="sample 'x' has no context"):
        corruption.corrupt_context(row("x"), ROWS, seed=0)


def test_the_other_axis_is_not_offered() -> None:
    assert not hasattr(build("corruptions", "other-image"), "corrupt_context")
    for name in ("other-row", "empty"):
        assert not hasattr(build("corruptions", name), "corrupt_images")


def test_no_check_takes_what_is_there(tmp_path: Path) -> None:
    check = build("image_checks", "none")
    (tmp_path / "a.png").write_bytes(b"anything")
    assert check.check(tmp_path / "a.png") == CheckedImage()
    assert check.check(tmp_path / "b.png") == "is not a file"

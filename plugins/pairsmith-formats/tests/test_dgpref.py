"""DecompGen's pickle of pairs."""

import os
import pickle
from pathlib import Path
from typing import Any

import pytest

from pairsmith.errors import StageError
from pairsmith.values import Pair, Response, Sample, turns, user
from pairsmith_formats.pickles import read_pickle


def pair(prefer: int, reject: int, **more: Any) -> dict[str, Any]:
    return {"prefer": f"A{prefer}", "reject": f"A{reject}", "prefer_idx": prefer, "reject_idx": reject, **more}


IMAGES = {
    "2407890": {
        "cap_scores": [-1, 0, -2],
        "cap_avg_scores": [-0.25, 0.0, -0.5],
        "sample_pair": [pair(1, 0), pair(1, 2, note="x")],
    },
    "7": {"sample_pair": [pair(0, 2)]},
}


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "vg"
    for name in ("VG_100K/2407890.jpg", "VG_100K_2/7.jpg"):
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_bytes(name.encode())
    return folder


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "pos_neg_pairs-object.pkl"
    made.write_bytes(pickle.dumps(IMAGES))
    return made


def test_each_pair_is_a_sample_with_two_instructions(formats: Any, path: Path, images: Path, tmp_path: Path) -> None:
    (tmp_path / "templates.txt").write_text("Describe it.\nTell all.\n\nSay more.", encoding="utf-8")
    source = formats.source("dgpref", path, images=images, templates=tmp_path / "templates.txt")
    first, second, third = source.samples()
    assert [one.id for one in (first, second, third)] == ["2407890:1-0", "2407890:1-2", "7:0-2"]
    assert [(one.text, one.label, turns(first, one)) for one in first.given] == [
        ("A1", "chosen", user("Tell all.")),
        ("A0", "rejected", user("Describe it.")),
    ]
    assert turns(second, second.given[1]) == user("Say more.")
    assert first.extra["ratings"] == {"0": {"score": 0.0, "average": 0.0}, "1": {"score": -1.0, "average": -0.25}}
    assert [one.images[0].path.relative_to(images).as_posix() for one in (first, third)] == [
        "VG_100K/2407890.jpg",
        "VG_100K_2/7.jpg",
    ]


def test_the_pickle_goes_out_as_it_came_in(formats: Any, path: Path, images: Path, tmp_path: Path) -> None:
    samples = list(formats.source("dgpref", path, images=images).samples())
    (written,) = formats.through("dgpref", samples, tmp_path / "out")
    assert read_pickle(written) == IMAGES
    again = list(formats.source("dgpref", written, images=tmp_path / "out").samples())
    assert [(one.id, one.given, one.extra) for one in again] == [(one.id, one.given, one.extra) for one in samples]


def test_pairs_of_ones_own_are_counted(formats: Any, tmp_path: Path) -> None:
    sample = Sample(id="s", prompt=user("Q?"))
    one, two, three = (Response(id=f"s/{n}", sample_id="s", text=f"A{n}") for n in range(3))
    pairs = [Pair(id=str(n), sample=sample, chosen=one, rejected=bad) for n, bad in enumerate((two, three))]
    (written,) = formats.export("dgpref", formats.View(pairs), tmp_path / "out")
    assert read_pickle(written) == {"s": {"sample_pair": [pair(0, 1), pair(0, 2)]}}


class Calls:
    def __reduce__(self) -> Any:
        return os.system, ("touch pwned",)


@pytest.mark.parametrize(("content", "said"), [
    ([1], "holds a list, and pairs come as a dict by image"),
    ({"1": Calls()}, "would load 'posix.system'"),
    ({"1": {"sample_pair": [3]}}, "pair 1 (image '1') is no dict of 'prefer' and 'reject'"),
    ({"1": 3}, "pair 1 (image '1') is no dict of 'prefer' and 'reject'"),
    ({"1": {"sample_pair": [{**pair(0, 1), "prefer": None}]}}, "has no text 'prefer': None"),
    ({"1": {"sample_pair": [{**pair(0, 1), "reject_idx": True}]}}, "has no number 'reject_idx': True"),
    ({"1": {"sample_pair": [pair(0, 1), pair(0, 1)]}}, "has the id '1:0-1' of row 1 again"),
    ({"../../etc/passwd": {"sample_pair": [pair(0, 1)]}}, "leaves the folder"),
    ({1.5: {"sample_pair": [pair(0, 1)]}}, "under an image's key"),
])  # fmt: skip
def test_what_is_no_pair_is_named(
    formats: Any, tmp_path: Path, images: Path, content: Any, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "bad.pkl"
    path.write_bytes(pickle.dumps(content))
    with pytest.raises(StageError) as error:
        list(formats.source("dgpref", path, images=images).samples())
    assert said in str(error.value)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "pwned").exists()


def test_bad_pairs_can_be_left_out(formats: Any, tmp_path: Path, images: Path) -> None:
    path = tmp_path / "some.pkl"
    path.write_bytes(pickle.dumps({"1": {"sample_pair": [3, pair(0, 1)]}}))
    source = formats.source("dgpref", path, images=images, on_bad_row="skip")
    assert [sample.id for sample in source.samples()] == ["1:0-1"]
    assert source.bad_rows == 1


def test_instructions_must_be_enough_and_readable(formats: Any, path: Path, images: Path, tmp_path: Path) -> None:
    (tmp_path / "two.txt").write_text("a\nb", encoding="utf-8")
    with pytest.raises(StageError, match="speaks of instruction 2, and the templates hold 2, counted from 0"):
        list(formats.source("dgpref", path, images=images, templates=tmp_path / "two.txt").samples())
    with pytest.raises(StageError, match="cannot be read"):
        formats.source("dgpref", path, images=images, templates=tmp_path / "absent.txt")

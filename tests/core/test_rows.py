from pathlib import Path

import pytest

from pairsmith.images import DirectoryImageStore
from pairsmith.rows import RowCodec
from pairsmith.values import (
    Claim,
    Corrupted,
    Demonstration,
    Image,
    Item,
    Pair,
    Response,
    Sample,
    Turn,
    Verdict,
    user,
)

ROOT = Path("/run")
IMAGE = Image(path=ROOT / "images" / "aa" / "x.png", id="x")
SAMPLE = Sample(id="s", images=(IMAGE,), prompt=user("?"), context="post", truth={"boxes": [[1, 2]], "none": None})
GOOD = Response(id="s/0", sample_id="s", text="a cat", parameters={"temperature": 1.0}, seed=2**62)
BAD = Response(id="s/1", sample_id="s", text="", label="rejected", prompt=(Turn(role="system", text="x"), *user("!")))
PAIR = Pair(id="p", sample=SAMPLE, chosen=GOOD, rejected=BAD, scores=(1.0, -0.5))


@pytest.mark.parametrize(
    "value",
    [
        SAMPLE,
        GOOD,
        BAD,
        PAIR,
        Claim(id="c", response_id="s/0", aspect="object", text="a cat", depends_on=("b",), data={"colour": "red"}),
        Verdict(judge="j", response_id="s/0", claim_id="c", outcome="skipped", reason="no cat", evidence={"box": [1]}),
        Verdict(judge="j", response_id="s/0", score=0.1 + 0.2),
        Item(value=PAIR),
        Item(value=PAIR, corrupted=Corrupted(images=(IMAGE,), context="", draw={"image": {"angle": 3}})),
        Item(value=Demonstration(id="d", sample=SAMPLE, chosen=GOOD, score=2.0)),
        Item(value=Demonstration(id="d", sample=SAMPLE, chosen=GOOD)),
    ],
)
def test_every_value_survives_being_stored(value: object) -> None:
    codec = RowCodec(ROOT)
    assert codec.value(codec.row(value), type(value)) == value


def test_image_paths_are_relative_so_that_a_run_can_be_moved() -> None:
    row = RowCodec(ROOT).row(SAMPLE)
    moved = RowCodec(Path("/elsewhere")).value(row, Sample)
    assert moved.images[0].path == Path("/elsewhere/images/aa/x.png")


def test_defaults_are_not_written() -> None:
    assert RowCodec(ROOT).row(Sample(id="s", prompt=user("?"))) == {
        "id": "s",
        "prompt": [{"role": "user", "text": "?"}],
    }


def test_the_same_image_is_kept_once(tmp_path: Path) -> None:
    store = DirectoryImageStore(tmp_path / "images")
    (tmp_path / "photo.PNG").write_bytes(b"pixels")
    first, second = store.add_bytes(b"pixels", ".png"), store.add_file(tmp_path / "photo.PNG")
    assert first == second
    assert [path.name for path in (tmp_path / "images").rglob("*.*")] == [f"{first.id}.png"]

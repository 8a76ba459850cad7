"""What is alike is found, what is not is not, and neither needs all to be compared with all."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Picture
from PIL import ImageDraw

from pairsmith.errors import StageError
from pairsmith.values import Image
from pairsmith_quality.hamming import HammingIndex
from pairsmith_quality.looks import Look, look
from pairsmith_quality.pictures import Pictures
from pairsmith_quality.wording import Wordings, jaccard, shingles, wording

CODES = st.integers(0, 2**64 - 1)


@settings(max_examples=60, deadline=None)
@given(st.lists(CODES, min_size=1, max_size=40), st.lists(st.integers(0, 63), max_size=12), st.integers(0, 10))
def test_the_index_finds_what_comparing_all_finds(codes: list[int], flips: list[int], distance: int) -> None:
    asked = codes[0]
    for bit in flips:
        asked ^= 1 << bit
    index = HammingIndex(distance)
    assert [index.add(code) for code in codes] == list(range(len(codes)))
    all_of_them = sorted(((code ^ asked).bit_count(), number) for number, code in enumerate(codes))
    assert index.within(asked) == [one for one in all_of_them if one[0] <= distance]


def test_the_index_looks_at_few_of_many() -> None:
    random = np.random.default_rng(0)
    index = HammingIndex(4)
    for code in random.integers(0, 2**64, 5000, dtype=np.uint64):
        index.add(int(code))
    looked_at = [len(bucket.codes) for table in index._tables for bucket in table.values()]
    assert len(index) == 5000
    assert np.mean(looked_at) * 5 < 50  # of five bands, where all would be 5,000


def test_copies_that_were_scaled_compressed_or_brightened_are_alike(tmp_path: Path, make: SimpleNamespace) -> None:
    pictures = Pictures(4, 32)
    originals = [make.drawn(tmp_path, number) for number in range(30)]
    assert [pictures.number(one) for one in originals] == list(range(30))
    for number, one in enumerate(originals):
        with Picture.open(one.path) as image:
            image.save(tmp_path / f"{number}.jpg", quality=60)
            image.resize((150, 111)).save(tmp_path / f"{number}.webp")
            image.point(lambda level: min(255, level + 8)).save(tmp_path / f"{number}.bmp")
        for suffix in ("jpg", "webp", "bmp"):
            assert pictures.number(Image(path=tmp_path / f"{number}.{suffix}")) == number
    assert (len(pictures), pictures.copies) == (30, 90)


def disc(path: Path, colour: str) -> Image:
    picture = Picture.new("RGB", (64, 64), "#808080")
    ImageDraw.Draw(picture).ellipse((8, 8, 40, 40), fill=colour)
    picture.save(path)
    return Image(path=path)


def test_a_red_and_a_blue_disc_have_one_hash_and_are_not_alike(tmp_path: Path) -> None:
    red, blue = disc(tmp_path / "red.png", "#ff0000"), disc(tmp_path / "blue.png", "#2020a0")
    assert look(red.path).code == look(blue.path).code
    assert len({Pictures(4, 32).number(red), *map(Pictures(4, 255).number, (red, blue))}) == 1
    both = Pictures(4, 32)
    assert [both.number(one) for one in (red, blue, red)] == [0, 1, 0]


def test_likeness_does_not_drift() -> None:
    pictures = Pictures(2, 255)
    colours = np.zeros(48, dtype=np.uint8)
    codes = [0, 0b11, 0b1111, 0b111111]
    numbers = []
    for code in codes:
        found = pictures.find(Look(code, colours))
        numbers.append(pictures._add(Look(code, colours)) if found is None else found)
    assert numbers == [0, 0, 1, 1]  # each is near the one before it, and the last is far from the first


def test_images_are_seen_upright_and_on_white(tmp_path: Path, make: SimpleNamespace) -> None:
    upright = make.drawn(tmp_path, 1)
    with Picture.open(upright.path) as image:
        exif = Picture.Exif()
        exif[0x0112] = 6
        image.transpose(Picture.Transpose.ROTATE_90).save(tmp_path / "turned.png", exif=exif)
        clear = Picture.new("RGBA", image.size, (0, 0, 0, 0))
        clear.save(tmp_path / "clear.png")
    assert look(tmp_path / "turned.png").code == look(upright.path).code
    assert set(look(tmp_path / "clear.png").colours) == {255}


def test_what_is_no_image_is_said_with_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.png").write_bytes(b"no image")
    with pytest.raises(StageError, match=r"image '.*a\.png' cannot be read"):
        look(tmp_path / "a.png")
    with pytest.raises(StageError, match=r"image '.*b\.png' cannot be read"):
        look(tmp_path / "b.png")
    Picture.new("L", (40, 40)).save(tmp_path / "c.png")
    monkeypatch.setattr("pairsmith_quality.looks.MOST_PIXELS", 1000)
    with pytest.raises(StageError, match="40 x 40 pixels, too many to compare"):
        look(tmp_path / "c.png")


# Texts ---------------------------------------------------------------------------------------------------------------


def text(random: np.random.Generator, length: int = 60) -> list[str]:
    return [f"w{number}" for number in random.integers(0, 5000, length)]


def test_jaccard_by_hand() -> None:
    one, other = shingles([("a", "one two three four")]), shingles([("a", "One, two, three; FIVE!")])
    assert (one.size, other.size) == (2, 2)
    assert jaccard(one, other) == 1 / 3
    assert jaccard(one, one) == 1
    assert jaccard(shingles([]), shingles([("a", "...")])) == 0


def test_labels_keep_texts_apart() -> None:
    assert jaccard(shingles([("chosen", "a b c")]), shingles([("rejected", "a b c")])) == 0


def test_alike_texts_are_found_and_others_are_not() -> None:
    random = np.random.default_rng(1)
    texts = [text(random) for _ in range(300)]
    wordings = Wordings(0.8)
    for said in texts:
        assert wordings.find(wording([("", " ".join(said))])) is None
        wordings.add(wording([("", " ".join(said))]))
    for number, said in enumerate(texts):
        nearly = [*said[:30], "else", *said[31:]]  # three of 58 sequences differ: 55 of 61 in common
        found = wordings.find(wording([("", " ".join(nearly).upper())]))
        assert found is not None
        assert found[0] == number
        assert found[1] == pytest.approx(55 / 61)
        far = [*said[:20], *text(random, 40)]
        assert wordings.find(wording([("", " ".join(far))])) is None
    assert len(wordings) == 300


def test_what_shares_eighty_percent_is_missed_hardly_ever() -> None:
    random = np.random.default_rng(2)
    found = 0
    for _ in range(400):
        said = text(random, 92)
        wordings = Wordings(0.8)
        wordings.add(wording([("", " ".join(said))]))
        nearly = [*said[:-10], *text(random, 10)]  # 80 of 100 sequences in common
        one = wordings.find(wording([("", " ".join(nearly))]))
        assert one is None or one[1] == pytest.approx(0.8)
        found += one is not None
    assert found >= 399


def test_groups_are_compared_within_themselves() -> None:
    wordings = Wordings(0.8)
    said = wording([("", "the cat sat on the mat")])
    assert wordings.add(said, (1,)) == 0
    assert wordings.find(said, (2,)) is None
    assert wordings.find(said, (1,)) == (0, 1.0)
    assert wordings.add(said, (1,)) == 1
    assert wordings.add(said, (1,)) == 2
    assert wordings.find(said, (1,)) == (0, 1.0)


def test_a_very_long_text_is_compared_as_any_other() -> None:
    random = np.random.default_rng(3)
    said = text(random, 20_000)
    wordings = Wordings(0.8)
    wordings.add(wording([("", " ".join(said))]))
    found = wordings.find(wording([("", " ".join([*said[:-100], "x"]))]))
    assert found is not None
    assert found[1] > 0.98


def test_without_words_nothing_is_alike() -> None:
    wordings = Wordings(0.8)
    wordings.add(wording([("", "?!")]))
    assert wordings.find(wording([("", "?!")])) is None

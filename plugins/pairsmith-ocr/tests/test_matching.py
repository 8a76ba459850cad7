"""Matching by table."""

import pytest

from pairsmith_ocr.matching import alike, plain, whole_line

LINES = ["STOP 42 Main Street", "Open daily!", "9am - 5pm"]


@pytest.mark.parametrize(
    ("claimed", "line"),
    [
        ("open daily", "Open daily!"),
        ("Open, daily.", "Open daily!"),
        (" OPEN  DAILY ", "Open daily!"),
        ("Main Street", ""),
        ("Open dialy", ""),
        ("", ""),
        ("?!", ""),
    ],
)
def test_a_whole_line(claimed: str, line: str) -> None:
    found = whole_line(claimed, LINES)
    assert (found.text, found.similarity) == (line, 1.0 if line else 0.0)


@pytest.mark.parametrize(
    ("claimed", "text", "similarity"),
    [
        ("Main Street", "main street", 1.0),
        ("main streat", "main street", 0.909),
        ("Street Open", "street open", 1.0),
        ("MainStreet", "main street", 0.952),
        ("9 am", "9am", 0.857),
        ("", "", 0.0),
    ],
)
def test_words_in_a_row(claimed: str, text: str, similarity: float) -> None:
    found = alike(claimed, LINES)
    assert (found.text, found.similarity) == (text, similarity)


def test_nothing_read_is_like_nothing() -> None:
    assert alike("STOP", []).similarity == whole_line("STOP", []).similarity == 0.0
    assert alike("Elephants", LINES).similarity < 0.6


def test_plain_text() -> None:
    assert plain(" Who's  *there*?! ") == "who's there"

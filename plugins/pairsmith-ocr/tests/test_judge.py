"""The judge with real OCR weights, and the two other libraries by their documented results."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from pairsmith.errors import OptionsError, StageError
from pairsmith.options import read
from pairsmith.testing import make_run
from pairsmith.values import Case, Claim, Image, Response, Sample, user
from pairsmith_ocr import engines
from pairsmith_ocr.judge import Ocr
from pairsmith_ocr.options import OcrOptions, needs


def case(path: Path, *texts: str, number: int = 0, answers: int = 1) -> Case:
    sample = Sample(id=f"s{number}", images=(Image(path=path),), prompt=user("?"))
    responses = tuple(Response(id=f"s{number}/{k}", sample_id=sample.id, text="?") for k in range(answers))
    claims = tuple(
        Claim(id=f"{response.id}#{n}", response_id=response.id, aspect="text", text="?", data={"text": text})
        for response in responses
        for n, text in enumerate(texts)
    )
    return Case(sample=sample, responses=responses, claims=claims)


def outcomes(judge: Ocr, one: Case) -> list[str | None]:
    return [verdict.outcome for verdict in judge.judge([one])[0]]


def test_writing_is_read(signs, tmp_path: Path) -> None:
    texts = ("STOP 42 Main Street", "open daily", "Main Street", "Main Streat", "Elephant")
    line = Ocr(OcrOptions(), make_run(tmp_path / "run"))
    assert outcomes(line, case(signs[0], *texts)) == [
        "supported",
        "supported",
        "contradicted",
        "contradicted",
        "contradicted",
    ]
    fuzzy = Ocr(OcrOptions(match="fuzzy"), make_run(tmp_path / "run"))
    assert outcomes(fuzzy, case(signs[0], *texts)) == ["supported"] * 4 + ["contradicted"]
    assert outcomes(line, case(signs[2], "STOP")) == ["contradicted"]


def test_published_alt_texts_quote_what_can_be_read(published, tmp_path: Path) -> None:
    tube, song = published / "3_1533514817511768065.jpg", published / "3_1533556321403822081.jpg"
    texts = ("Twoface", "The Final Conflict")
    line, fuzzy = (Ocr(OcrOptions(match=match), make_run(tmp_path / "run")) for match in ("line", "fuzzy"))
    # The tube reads "Twoface" with a registered mark behind it; the song's title stands in quotation marks.
    assert [outcomes(line, case(path, *texts)) for path in (tube, song)] == [
        ["contradicted"] * 2,
        ["contradicted", "supported"],
    ]
    assert [outcomes(fuzzy, case(path, *texts)) for path in (tube, song)] == [
        ["supported", "contradicted"],
        ["contradicted", "supported"],
    ]


def test_what_was_read_is_kept(signs, tmp_path: Path) -> None:
    ((verdict,),) = Ocr(OcrOptions(), make_run(tmp_path / "run")).judge([case(signs[1], "Harbour")])
    (line,) = verdict.evidence["lines"]
    left, top, right, bottom = line["box"]
    assert line["text"] == verdict.evidence["best"] == "HARBOUR"
    assert line["confidence"] > 0.8
    assert 0.0 < left < right < 0.7
    assert 0.0 < top < bottom < 0.2


def test_an_image_is_read_once_whatever_is_asked(signs, tmp_path: Path, monkeypatch) -> None:
    cases = [case(path, "STOP", "open daily", number=number, answers=8) for number, path in enumerate(signs[:2])]
    first = Ocr(OcrOptions(), make_run(tmp_path / "one"))
    assert [len(verdicts) for verdicts in first.judge(cases)] == [16, 16]
    assert (first.answers.calls, first.answers.asked) == (2, 2)
    monkeypatch.setattr("pairsmith_ocr.engines._rapidocr", lambda: 1 / 0)
    for number, options in enumerate([{"match": "fuzzy", "similarity": 0.1}, {"match": "fuzzy", "similarity": 1.0}]):
        other = Ocr(OcrOptions(**options), make_run(tmp_path / f"other{number}"))
        given = {verdict.outcome for verdicts in other.judge(cases) for verdict in verdicts}
        assert given == ({"supported"} if number == 0 else {"supported", "contradicted"})
        assert other.answers.calls == 0


def test_an_image_without_such_a_claim_is_not_read(signs, tmp_path: Path) -> None:
    judge = Ocr(OcrOptions(), make_run(tmp_path / "run"))
    ((verdict,),) = judge.judge([case(signs[0], "!?")])
    assert (verdict.outcome, judge.answers.calls) == ("skipped", 0)
    assert judge.judge([case(signs[0])]) == [[]]


def test_tesseracts_words_become_lines(signs, tmp_path: Path, monkeypatch) -> None:
    table = {
        "text": ["", "STOP", "42", " ", "Open"],
        "conf": ["-1", "90", 70.0, -1, 96],
        "block_num": [1, 1, 1, 1, 2],
        "par_num": [0, 1, 1, 1, 1],
        "line_num": [0, 1, 1, 1, 1],
        "left": [0, 40, 120, 0, 40],
        "top": [0, 40, 40, 0, 240],
        "width": [400, 40, 40, 0, 80],
        "height": [400, 80, 120, 0, 80],
    }
    pytesseract = pytest.importorskip("pytesseract")
    asked = []
    monkeypatch.setattr(pytesseract, "image_to_data", lambda *_, lang, **__: asked.append(lang) or table)
    judge = Ocr(OcrOptions(engine="tesseract", languages=("eng", "deu")), make_run(tmp_path / "run"))
    assert outcomes(judge, case(signs[0], "stop 42", "open", "42")) == ["supported", "supported", "contradicted"]
    first, second = judge.judge([case(signs[0], "?a")])[0][0].evidence["lines"]
    assert first == {"text": "STOP 42", "confidence": 0.8, "box": [0.1, 0.1, 0.4, 0.4]}
    assert second == {"text": "Open", "confidence": 0.96, "box": [0.1, 0.6, 0.3, 0.8]}
    assert asked == ["eng+deu"]


def test_a_missing_program_is_named(signs, tmp_path: Path, monkeypatch) -> None:
    pytesseract = pytest.importorskip("pytesseract")
    monkeypatch.setattr(pytesseract.pytesseract, "tesseract_cmd", str(tmp_path / "none"))
    judge = Ocr(OcrOptions(engine="tesseract"), make_run(tmp_path / "run"))
    with pytest.raises(StageError, match=r"engine = 'tesseract' cannot read: .*; install the program"):
        judge.judge([case(signs[0], "STOP")])


def test_easyocrs_results_become_lines(signs, tmp_path: Path, monkeypatch) -> None:
    class Reader:
        def __init__(self, languages, **_) -> None:
            assert languages == ["en"]

        def readtext(self, pixels):
            assert pixels.shape == (400, 400, 3)
            return [([[40, 40], [200, 40], [200, 120], [40, 120]], "STOP", 0.5)]

    monkeypatch.setitem(sys.modules, "easyocr", SimpleNamespace(Reader=Reader))
    monkeypatch.setattr(engines, "version", lambda _: "1.7.2")
    judge = Ocr(OcrOptions(engine="easyocr"), make_run(tmp_path / "run"))
    ((verdict,),) = judge.judge([case(signs[0], "stop")])
    assert verdict.outcome == "supported"
    assert verdict.evidence["lines"] == [{"text": "STOP", "confidence": 0.5, "box": [0.1, 0.1, 0.5, 0.3]}]
    assert needs(OcrOptions(engine="easyocr")).downloads == {"easyocr's models": 100_000_000}


def test_a_missing_library_is_named(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "easyocr", None)
    with pytest.raises(StageError, match=r"engine = 'easyocr' needs 'pip install pairsmith-ocr\[easyocr\]'"):
        Ocr(OcrOptions(engine="easyocr"), make_run(tmp_path / "run"))


def test_bad_images_are_refused(signs, tmp_path: Path) -> None:
    judge = Ocr(OcrOptions(max_pixels=100), make_run(tmp_path / "run"))
    with pytest.raises(StageError, match="is 400 x 400, more than max_pixels = 100; it was not decoded"):
        judge.judge([case(signs[0], "STOP")])


def test_languages_go_with_engines_that_have_them() -> None:
    with pytest.raises(OptionsError, match=r"'languages' \('de',\) goes with tesseract and easyocr"):
        read({"languages": ["de"]}, OcrOptions, "judges[0]")
    with pytest.raises(OptionsError, match="expected one of 'rapidocr', 'tesseract', 'easyocr', got 'paddle'"):
        read({"engine": "paddle"}, OcrOptions, "judges[0]")

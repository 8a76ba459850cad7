"""What reads an image: three libraries behind one function each, imported when used."""

from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Any

import numpy as np
from PIL.Image import Image as Picture

from pairsmith.errors import StageError
from pairsmith_ocr.options import OcrOptions

Line = dict[str, Any]
"""``{"text": "STOP", "confidence": 0.98, "box": [left, top, right, bottom]}``, the box in fractions of the image."""

Engine = Callable[[Picture], list[Line]]

_PACKAGES = {"rapidocr": "rapidocr", "tesseract": "pytesseract", "easyocr": "easyocr"}
_DIGITS = 4


def identity(options: OcrOptions) -> dict[str, Any]:
    """Return what raw lines depend on: the library, its version, its languages."""
    package = _PACKAGES[options.engine]
    with _installed(options.engine):
        return {"engine": options.engine, "version": version(package), "languages": list(options.languages)}


def engine(options: OcrOptions) -> Engine:
    """Load a library and return what reads with it.

    Raises :class:`StageError` where it is not installed.
    """
    with _installed(options.engine):
        match options.engine:
            case "rapidocr":
                return _rapidocr()
            case "tesseract":
                return _tesseract(options.languages or ("eng",))
            case "easyocr":
                return _easyocr(options.languages or ("en",))


class _installed:  # noqa: N801 - used as a block
    """Words the absence of a library."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        """Say what to install."""
        if isinstance(error, ImportError):  # a package without metadata raises a kind of it
            extra = "" if self._name == "rapidocr" else f"[{self._name}]"
            msg = f"[[judges]] use = 'ocr': engine = {self._name!r} needs 'pip install pairsmith-ocr{extra}' ({error})"
            raise StageError(msg) from error


def _rapidocr() -> Engine:
    from rapidocr import RapidOCR

    reader = RapidOCR(params={"Global.log_level": "critical"})

    def read(picture: Picture) -> list[Line]:
        result = reader(np.asarray(picture)[:, :, ::-1])
        if result.txts is None:
            return []
        rows = zip(result.txts, result.scores, result.boxes, strict=True)
        return [_line(text, score, np.asarray(corners), picture) for text, score, corners in rows]

    return read


def _easyocr(languages: Sequence[str]) -> Engine:
    import easyocr

    reader = easyocr.Reader(list(languages), verbose=False)

    def read(picture: Picture) -> list[Line]:
        rows = reader.readtext(np.asarray(picture))
        return [_line(text, score, np.asarray(corners), picture) for corners, text, score in rows]

    return read


def _tesseract(languages: Sequence[str]) -> Engine:
    import pytesseract

    def read(picture: Picture) -> list[Line]:
        try:
            table = pytesseract.image_to_data(picture, lang="+".join(languages), output_type=pytesseract.Output.DICT)
        except (pytesseract.TesseractNotFoundError, pytesseract.TesseractError) as error:
            msg = f"[[judges]] use = 'ocr': engine = 'tesseract' cannot read: {error}; install the program and its languages"
            raise StageError(msg) from error
        return _lines_of_words(table, picture)

    return read


def _lines_of_words(table: dict[str, list[Any]], picture: Picture) -> list[Line]:
    """Return lines of tesseract's words: their texts in a row, mean confidence, the box around all."""
    lines: dict[tuple[int, int, int], list[int]] = {}
    for row, text in enumerate(table["text"]):
        if str(text).strip():
            key = (table["block_num"][row], table["par_num"][row], table["line_num"][row])
            lines.setdefault(key, []).append(row)
    found = []
    for rows in lines.values():
        corners = np.array(
            [
                (table["left"][row] + dx * table["width"][row], table["top"][row] + dy * table["height"][row])
                for row in rows
                for dx, dy in ((0, 0), (1, 1))
            ]
        )
        confidence = sum(float(table["conf"][row]) for row in rows) / len(rows) / 100
        found.append(_line(" ".join(str(table["text"][row]).strip() for row in rows), confidence, corners, picture))
    return found


def _line(text: str, confidence: float, corners: Any, picture: Picture) -> Line:  # noqa: ANN401 - an array [n, 2]
    low, high = corners.min(axis=0), corners.max(axis=0)
    box = [low[0] / picture.width, low[1] / picture.height, high[0] / picture.width, high[1] / picture.height]
    return {
        "text": str(text),
        "confidence": round(min(1.0, max(0.0, float(confidence))), _DIGITS),
        "box": [round(float(value), _DIGITS) for value in box],
    }

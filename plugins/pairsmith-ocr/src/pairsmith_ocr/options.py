"""Options of the judge. Imports no OCR library."""

from typing import Literal

from attrs import field, frozen
from attrs.validators import and_, deep_iterable, ge, in_, le, matches_re

from pairsmith.component import Needs

ENGINES = ("rapidocr", "tesseract", "easyocr")
_SHARE = and_(ge(0.0), le(1.0))


@frozen(kw_only=True)
class OcrOptions:
    """Options of ``[[judges]] use = "ocr"``."""

    engine: Literal["rapidocr", "tesseract", "easyocr"] = field(
        default="rapidocr", validator=in_(ENGINES), metadata={"help": "what reads; the models of rapidocr come with it"}
    )
    languages: tuple[str, ...] = field(
        default=(),
        validator=deep_iterable(matches_re(r"[A-Za-z_]+")),
        metadata={"help": "the engine's own codes, e.g. 'eng' for tesseract, 'en' for easyocr; empty: English"},
    )
    match: Literal["line", "fuzzy"] = field(
        default="line",
        validator=in_(("line", "fuzzy")),
        metadata={"help": "line: the text is a whole line as published; fuzzy: it is much like some words in a row"},
    )
    similarity: float = field(
        default=0.8,
        validator=_SHARE,
        metadata={"help": "share of letters in common from which texts are alike (fuzzy)"},
    )
    min_confidence: float = field(
        default=0.0, validator=_SHARE, metadata={"help": "confidence below which a line that was read is not believed"}
    )
    max_pixels: int = field(
        default=40_000_000, validator=ge(1), metadata={"help": "width times height beyond which no image is decoded"}
    )

    def __attrs_post_init__(self) -> None:
        """Refuse languages where they would be ignored."""
        if self.languages and self.engine == "rapidocr":
            msg = f"'languages' {self.languages!r} goes with tesseract and easyocr; rapidocr reads Chinese and English"
            raise ValueError(msg)


def needs(options: OcrOptions) -> Needs:
    """Return what is downloaded: the models of easyocr, which fetches them itself."""
    return Needs(downloads={"easyocr's models": 100_000_000} if options.engine == "easyocr" else {})

"""Claims about writing, checked by reading the image."""

from collections.abc import Iterable

from pairsmith import Component, hookimpl
from pairsmith_ocr.options import OcrOptions


@hookimpl
def pairsmith_judges() -> Iterable[Component]:
    """Offer the judge."""
    yield Component(
        name="ocr",
        factory="pairsmith_ocr.judge:Ocr",
        options=OcrOptions,
        needs="pairsmith_ocr.options:needs",
        summary="Reads what is written in the image and looks for the texts that answers claim.",
    )

"""Shows an image with a question that has nothing to do with it: does a model still answer the question?

The published noisy-image test (mllm-dpo, arXiv 2402.10884) wrote the word for an image before the question and put no
image in. Here the image is part of the sample, so every model family puts its features where they go.
"""

from collections.abc import Sequence
from pathlib import Path

from pairsmith.errors import StageError
from pairsmith.seeds import derive

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"}


def drawn(folder: Path, ids: Sequence[str], seed: int) -> dict[str, str]:
    """Return the name of an image for each id, the same for the same seed, id and folder.

    Raises :class:`StageError` where there is none.
    """
    names = sorted(path.name for path in folder.glob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    if not names:
        msg = f"irrelevant_images = {str(folder)!r} holds no image ({', '.join(sorted(SUFFIXES))})"
        raise StageError(msg)
    return {one: names[derive("irrelevant", seed, one) % len(names)] for one in ids}

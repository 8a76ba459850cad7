"""Pictures with writing on them."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def signs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three pictures: two lines of text, one line, none."""
    from PIL import Image, ImageDraw, ImageFont

    folder = tmp_path_factory.mktemp("signs")
    paths = []
    for number, lines in enumerate([("STOP 42 Main Street", "Open daily"), ("HARBOUR",), ()]):
        picture = Image.new("RGB", (400, 400), "white")
        for row, text in enumerate(lines):
            ImageDraw.Draw(picture).text((20, 20 + 70 * row), text, fill="black", font=ImageFont.load_default(34))
        paths.append(folder / f"{number}.png")
        picture.save(paths[-1])
    return paths

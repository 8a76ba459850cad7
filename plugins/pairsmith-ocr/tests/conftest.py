"""Pictures with writing on them."""

import os
from pathlib import Path

import pytest


def shared() -> Path:
    """Return the folder of published data, beside the repository unless the environment says otherwise."""
    named = os.environ.get("PAIRSMITH_SHARED")
    return Path(named) if named else Path(__file__).resolve().parents[4] / "shared"


@pytest.fixture(scope="session")
def published() -> Path:
    """The published alt-text images."""
    folder = shared() / "data" / "mcm-dpo" / "twitter" / "images"
    if not folder.is_dir():
        pytest.skip("the published images are not here")
    return folder


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

"""Every test that docs/published.md names is there."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NAMED = re.compile(r"`([\w-]+(?:/[\w-]+)*/test_\w+\.py)::(test_\w+)`")


def test_what_is_said_to_be_tested_is() -> None:
    found = NAMED.findall((ROOT / "docs" / "published.md").read_text(encoding="utf-8"))
    assert len(found) > 40
    missing = [f"{file}::{name}" for file, name in found if f"def {name}(" not in text_of(file)]
    assert not missing


def text_of(file: str) -> str:
    """Return a file of tests: of a plugin by its short name, of the core, or in tests/."""
    first, _, rest = file.partition("/")
    places = (ROOT / file, ROOT / "tests" / "core" / rest, ROOT / "plugins" / f"pairsmith-{first}" / "tests" / rest)
    path = next(
        (
            path
            for path in (places[:1] if first == "tests" else places[1:2] if first == "core" else places[2:])
            if path.exists()
        ),
        None,
    )
    return "" if path is None else path.read_text(encoding="utf-8")

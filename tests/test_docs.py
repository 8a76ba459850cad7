"""Every code block of the README and of docs/ runs, or says why it is not run."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(
    r"(?P<note><!-- not run: (?P<why>[^>]+) -->\n)?^```(?P<kind>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
KINDS = {"python", "console", "toml"}


def blocks(page: Path):
    for found in BLOCK.finditer(page.read_text(encoding="utf-8")):
        yield found["kind"], found["text"], found["why"]


def environment() -> dict[str, str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "HF_HUB_OFFLINE": "1"}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_code_blocks_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONWARNINGS", "ignore")
    names: dict[str, object] = {"__name__": "docs"}
    for number, (kind, text, why) in enumerate(blocks(page)):
        if why:
            continue
        assert kind in KINDS, f"block {number} of {page.name} is of kind {kind!r}; indent what is no code"
        if kind == "python":
            exec(compile(text, f"{page.name}[{number}]", "exec"), names)  # noqa: S102 - our own documentation
        elif kind == "console":
            for line in text.splitlines():
                if line.startswith("$ "):
                    done = subprocess.run(
                        ["bash", "-c", line[2:]], env=environment(), check=False, capture_output=True, text=True
                    )
                    assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        elif text.startswith("# recipe"):
            Path("recipe.toml").write_text(text, encoding="utf-8")
            subprocess.run(["pairsmith", "check", "recipe.toml"], env=environment(), check=True)


def test_a_block_that_fails_would_be_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```python\nassert 1 == 2\n```\n\n<!-- not run: needs a GPU -->\n```console\n$ false\n```\n")
    assert list(blocks(page)) == [("python", "assert 1 == 2\n", None), ("console", "$ false\n", "needs a GPU")]


def test_every_page_is_linked_from_the_first() -> None:
    index = (ROOT / "docs" / "index.md").read_text()
    missing = [page.name for page in PAGES[1:] if page.name != "index.md" and page.name not in index]
    assert not missing

"""The template of contrib, made into a package as the documentation says: it installs, is listed and keeps its contract."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def generate(target: Path, name: str) -> Path:
    """Copy the template and put a name in, in files and in their names: what the documentation's commands do."""
    shutil.copytree(ROOT / "contrib" / "template", target)
    for path in sorted(target.rglob("*"), reverse=True):
        if path.is_file():
            path.write_text(path.read_text().replace("NAME", name))
        if "NAME" in path.name:
            path.rename(path.with_name(path.name.replace("NAME", name)))
    return target


def test_a_generated_package_installs_is_listed_and_keeps_its_contract(tmp_path: Path) -> None:
    package = generate(tmp_path / "package", "length")
    site = tmp_path / "site"
    install = ["pip", "install", "-q", "--no-deps", "--no-index", "--no-build-isolation", "--target", str(site)]
    subprocess.run([sys.executable, "-m", *install, str(package)], check=True)
    environment = {**os.environ, "PYTHONPATH": str(site)}

    def run(*command: str) -> str:
        return subprocess.run(
            [sys.executable, "-m", *command], env=environment, cwd=tmp_path, check=True, capture_output=True, text=True
        ).stdout

    assert "pairsmith-judge-length/length" in run("pairsmith", "plugins")
    assert "words of an ideal answer" in run("pairsmith", "plugins", "length")
    tests = str(package / "tests" / "test_contract.py")
    assert "passed" in run("pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, tests)

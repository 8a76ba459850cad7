"""Builds the core and every plugin as wheels and uses each plugin with the core and no other plugin.

The heavy libraries are shared: the environment of a plugin sees the third-party packages of this one, through links, and
of pairsmith only the wheels it is given. Each must be listed without a failure and pass its own contract tests. Plugins are
checked side by side, one a core.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SITE = Path(next(path for path in sys.path if path.endswith("site-packages")))
MUST_HOLD = {
    "pairsmith": ["pairsmith/py.typed", "pairsmith/testing/judge.py"],
    "pairsmith-benchmarks": ["pairsmith_benchmarks/coco_synonyms.txt"],
    "pairsmith-decompose": ["pairsmith_decompose/templates/entity.txt"],
    "pairsmith-diffusion": ["pairsmith_diffusion/data/prompts.jsonl"],
    "pairsmith-report": ["pairsmith_report/templates/report.html.j2"],
    "pairsmith-toyworld": ["pairsmith_toyworld/base/model.safetensors", "pairsmith_toyworld/blank/config.json"],
    "pairsmith-recipes": ["pairsmith_recipes/toyworld.toml"],
}


def folders() -> Iterator[Path]:
    """Yield every distribution's folder, the core's first."""
    yield ROOT
    yield from sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml"))
    yield ROOT / "recipes"


def build(folder: Path, wheels: Path) -> Path:
    """Build a wheel with what is installed here, into a new folder; nothing is downloaded."""
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(wheels), str(folder)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    (wheel,) = wheels.iterdir()
    return wheel


def check_content(name: str, wheel: Path) -> None:
    """Look for what a wheel must not lack."""
    with zipfile.ZipFile(wheel) as archive:
        there = set(archive.namelist())
    package = name.replace("-", "_")
    wanted = [*MUST_HOLD.get(name, []), f"{package}/__init__.py", f"{package}/py.typed"]
    missing = [path for path in wanted if path not in there]
    if missing:
        sys.exit(f"{wheel.name} lacks {missing}")


def third_party(target: Path) -> None:
    """Link every package of this environment but pairsmith's own."""
    target.mkdir()
    for path in SITE.iterdir():
        if "pairsmith" not in path.name and path.suffix != ".pth" and not path.name.startswith("__editable__"):
            (target / path.name).symlink_to(path)


def use(name: str, wheels: list[Path], shared: Path, folder: Path, work: Path) -> str:
    """Install wheels into an empty folder and use them from there alone; return a line that says so."""
    site = work / name
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(site)]
    subprocess.run([*command, *map(str, wheels)], check=True)
    # -S keeps this environment's own site-packages, and the editable plugins in it, out of sight.
    environment = {
        **os.environ,
        "PYTHONPATH": f"{site}{os.pathsep}{shared}",
        "PAIRSMITH_STRICT_PLUGINS": "1",
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
    }
    python = [sys.executable, "-S", "-m"]
    listed = subprocess.run(
        [*python, "pairsmith", "plugins"], env=environment, cwd=work, capture_output=True, text=True, check=False
    )
    plugins = {line.split()[1].partition("/")[0] for line in listed.stdout.splitlines()}
    expected = {"pairsmith"} if name in {"pairsmith", "pairsmith-recipes"} else {"pairsmith", name}
    if listed.returncode or plugins != expected:
        sys.exit(f"{name} alone lists {sorted(plugins)}, not {sorted(expected)}: {listed.stdout}{listed.stderr}")
    tests = sorted((folder / "tests").glob("test_*contract*.py")) if folder != ROOT else []
    if tests:
        shutil.copytree(folder / "tests", work / f"tests-{name}")
        copies = [str(work / f"tests-{name}" / path.name) for path in tests]
        options = ["-q", "-p", "no:cacheprovider", "--import-mode=importlib", "-c", os.devnull, "-m", "not slow"]
        passed = subprocess.run(
            [*python, "pytest", *options, *copies],
            env=environment,
            cwd=work,
            capture_output=True,
            text=True,
            check=False,
        )
        if passed.returncode:
            sys.exit(f"{name} alone fails its contracts:\n{passed.stdout}{passed.stderr}")
    return f"{name}: alone with the core, {len(tests)} contract file(s) passed"


def main() -> None:
    """Build and use everything."""
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        shared = work / "shared"
        third_party(shared)
        core = build(ROOT, work / "wheel-pairsmith")

        def check(folder: Path) -> str:
            name = tomllib.loads((folder / "pyproject.toml").read_text())["project"]["name"]
            wheel = core if folder == ROOT else build(folder, work / f"wheel-{name}")
            check_content(name, wheel)
            return use(name, sorted({core, wheel}), shared, folder, work)

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for line in pool.map(check, folders()):
                print(line, flush=True)


if __name__ == "__main__":
    main()

"""Commands in real processes, and throw-away distributions that they discover as they discover any other."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

PARTS = '''
"""Components that need nothing: numbers to describe, a judge that counts words, a reporter of one line."""

import builtins
import time
from pathlib import Path

from attrs import field, frozen

from pairsmith import Component, hookimpl
from pairsmith.values import Sample, Verdict, user


@frozen(kw_only=True)
class NumbersOptions:
    count: int = field(default=6, metadata={"help": "how many"})


class Numbers:
    def __init__(self, options, run):
        self.count = options.count

    def samples(self, start=0):
        for n in range(start, self.count):
            yield Sample(id=f"s{n}", prompt=user("How many?"))


@frozen(kw_only=True)
class WordsOptions:
    ideal: float = field(default=3.0, metadata={"help": "words of a perfect answer"})
    log: Path | None = field(default=None, metadata={"help": "where each call is noted"})
    wait: Path | None = field(default=None, metadata={"help": "go on when this file is there"})
    tired: Path | None = field(default=None, metadata={"help": "raise at the fourth sample while this file is there"})
    error: str = field(default="RuntimeError", metadata={"help": "what to raise then"})


class Words:
    aspects = ()

    def __init__(self, options, run):
        self.options = options

    def judge(self, cases):
        return [self.look(case) for case in cases]

    def look(self, case):
        if self.options.log:
            with self.options.log.open("a") as file:
                file.write(case.sample.id + "\\n")
        while self.options.wait and not self.options.wait.exists():
            time.sleep(0.02)
        if case.sample.id == "s3" and self.options.tired and self.options.tired.exists():
            raise getattr(builtins, self.options.error)("the judge is tired\\nvery")
        return [
            Verdict(judge="words", response_id=one.id, score=-abs(len(one.text.split()) - self.options.ideal))
            for one in case.responses
        ]


class Line:
    def __init__(self, options, run):
        pass

    def report(self, view):
        page = view.directory / "line.txt"
        page.write_text(", ".join(view.stages()) + "\\n")
        return [page]


@hookimpl
def pairsmith_image_sources():
    yield Component(name="numbers", factory="probe:Numbers", options=NumbersOptions, summary="Numbers.")


@hookimpl
def pairsmith_judges():
    yield Component(name="words", factory="probe:Words", options=WordsOptions, summary="Counts words.")


@hookimpl
def pairsmith_reporters():
    yield Component(name="line", factory="probe:Line", summary="One line.")
'''

RECIPE = """
schema = 1
summary = "Numbers, described twice."
seed = 0
part_size = 2

[images]
use = "numbers"

[image_check]
use = "none"

[responses]
use = "stored"
path = "answers.jsonl"

[[judges]]
use = "words"

[pairs]
use = "best-worst"
score = "score"

[[reports]]
use = "line"
"""

ANSWERS = "".join(
    f'{{"id": "s{n}", "responses": ["there are {n}", "there are perhaps {n} of those things"]}}\n' for n in range(6)
)
Done = subprocess.CompletedProcess[str]


def distribution(site: Path, name: str, module: str, source: str, version: str = "1.0") -> None:
    """Install a plugin into a folder, as pip would leave it: a module, and metadata with its entry point."""
    site.mkdir(exist_ok=True)
    (site / f"{module}.py").write_text(source)
    info = site / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "entry_points.txt").write_text(f"[pairsmith]\n{module} = {module}\n")


class Workplace:
    """A folder with a recipe in it, and commands that see the plugins put into ``site``."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.site = folder, folder / "site"
        distribution(self.site, "pairsmith-probe", "probe", PARTS)
        (folder / "answers.jsonl").write_text(ANSWERS)
        self.recipe(RECIPE)

    def recipe(self, text: str, name: str = "six.toml") -> Path:
        path = self.folder / name
        path.write_text(text)
        return path

    def environment(self, **more: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PAIRSMITH_")}
        return {**kept, "PYTHONPATH": str(self.site), "COLUMNS": "200", "NO_COLOR": "1", **more}

    def command(self, *arguments: object) -> list[str]:
        return [sys.executable, "-m", "pairsmith", *map(str, arguments)]

    def start(self, *arguments: object) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __call__(self, *arguments: object, before: Callable[[], object] | None = None, **environment: str) -> Done:
        return subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment(**environment),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            preexec_fn=before,
        )

    def well(self, *arguments: object, **how: Any) -> Done:
        """Run a command that must go well."""
        done = self(*arguments, **how)
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
        return done

    def refused(self, *arguments: object, code: int = 2, **how: Any) -> str:
        """Run a command that must be refused, and return what it says for that: the last thing on the error stream."""
        done = self(*arguments, **how)
        assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
        return sentence(done.stderr)


def sentence(stderr: str) -> str:
    """Return the error that a command ended with, which is worded for a person."""
    assert "Traceback" not in stderr, stderr
    assert "internal error" not in stderr, stderr
    before, found, said = stderr.rpartition("pairsmith: ")
    assert found, stderr
    assert before == "" or before.endswith("\n"), stderr
    return said.strip()


def parts(run: Path) -> dict[str, bytes]:
    """Return every finished part of a run, by its place in it."""
    found: Sequence[Path] = sorted(run.glob("stages/*/part-*.jsonl"))
    return {path.relative_to(run).as_posix(): path.read_bytes() for path in found}

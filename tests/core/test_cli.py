"""Commands as people give them: each in a process of its own, with plugins that it discovers itself."""

import ctypes
import errno
import os
import resource
import shutil
import signal
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from pairsmith.errors import StageError
from pairsmith.images import DirectoryImageStore
from pairsmith.store import Stage
from processes import ANSWERS, RECIPE, Done, Workplace, distribution, parts, sentence

CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, PR_CAPBSET_DROP = 1, 2, 24


@pytest.fixture
def work(tmp_path: Path) -> Workplace:
    return Workplace(tmp_path)


def touched(run: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in run.glob("stages/**/*") if path.is_file()}


def until(true: Callable[[], object]) -> None:
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def ruled() -> None:
    """Let permissions count for root too, as they do for everybody else."""
    libc = ctypes.CDLL(None)
    for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)


@pytest.fixture
def ruled_by_permissions(tmp_path: Path) -> Callable[[], None]:
    (tmp_path / "locked").touch(mode=0)
    if subprocess.run(["cat", tmp_path / "locked"], preexec_fn=ruled, capture_output=True, check=False).returncode == 0:
        pytest.skip("permissions do not count here")
    return ruled


# Asking --------------------------------------------------------------------------------------------------------------


def test_no_command_and_an_unknown_one_are_usage(work: Workplace) -> None:
    for arguments in ((), ("trian",), ("run",), ("run", "six.toml", "--limit", "x")):
        done = work(*arguments)
        assert done.returncode == 2
        assert done.stderr.startswith("usage: pairsmith")
        assert "Traceback" not in done.stderr
    assert "run a recipe, or go on with a run" in work.well("--help").stdout


def test_plugins_lists_every_component_with_its_plugin(work: Workplace) -> None:
    lines = work.well("plugins").stdout.splitlines()
    assert f"{'judges':<16} {'pairsmith-probe/words':<42} Counts words." in lines
    assert f"{'image_checks':<16} {'pairsmith/none':<42}" in "\n".join(lines)


@pytest.mark.parametrize("name", ["words", "pairsmith-probe/words"])
def test_plugins_shows_the_options_of_a_component(work: Workplace, name: str) -> None:
    head, summary, *options = work.well("plugins", name).stdout.splitlines()
    assert (head, summary) == ("pairsmith-probe/words 1.0 (judges)", "  Counts words.")
    assert options[0].split() == ["ideal", "number", "3.0", "words", "of", "a", "perfect", "answer"]
    assert len(options) == 5


def test_plugins_shows_all_components_of_a_plugin(work: Workplace) -> None:
    shown = work.well("plugins", "pairsmith-probe").stdout
    assert [name for name in ("/numbers", "/words", "/line") if name in shown] == ["/numbers", "/words", "/line"]


def test_a_reader_that_has_seen_enough_is_no_error(work: Workplace) -> None:
    with work.start("plugins") as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert (process.stderr.read(), process.wait()) == ("", 0)


# Packaged recipes ----------------------------------------------------------------------------------------------------


@pytest.fixture
def shipped(work: Workplace) -> Path:
    """A distribution with recipes, one of them from Windows and one broken."""
    hook = (
        "from pairsmith import hookimpl\nfrom pairsmith.hookspecs import RecipeDirectory\n\n@hookimpl\n"
        "def pairsmith_recipe_dirs():\n    yield RecipeDirectory(package='shelf')\n"
    )
    distribution(work.site, "pairsmith-shelf", "shelf_plugin", hook)
    shelf = work.site / "shelf"
    shelf.mkdir()
    (shelf / "__init__.py").touch()
    (shelf / "six.toml").write_bytes(b"\xef\xbb\xbf" + RECIPE.replace("\n", "\r\n").encode())
    (shelf / "torn.toml").write_text("schema = ")
    (work.folder / "six.toml").unlink()
    return shelf


@pytest.mark.usefixtures("shipped")
def test_recipes_are_listed_with_what_they_are_for(work: Workplace) -> None:
    listed = work.well("recipes").stdout
    assert f"{'six':<32} Numbers, described twice.\n" in listed
    assert "torn" in listed
    assert "cannot be read: " in listed


@pytest.mark.usefixtures("shipped")
def test_a_packaged_recipe_is_run_by_its_name(work: Workplace) -> None:
    done = work.well("run", "six")
    (run,) = (work.folder / "runs").iterdir()
    assert f"run directory: runs/{run.name}\n" in done.stderr
    assert run.name.startswith("six-")
    assert "did you mean 'six'?" in work.refused("run", "sixx")


def test_a_recipe_is_copied_and_the_copy_runs(work: Workplace, shipped: Path) -> None:
    assert work.well("copy", "six", "mine.toml").stdout == "mine.toml: edit it, then 'pairsmith check mine.toml'\n"
    assert (work.folder / "mine.toml").read_text() == RECIPE
    work.well("run", "mine.toml", "--out", "r")
    assert shipped.joinpath("six.toml").read_bytes().startswith(b"\xef\xbb\xbf")


@pytest.mark.usefixtures("shipped")
def test_a_copy_overwrites_nothing(work: Workplace) -> None:
    mine = work.recipe("mine", "mine.toml")
    assert (
        work.refused("copy", "six", "mine.toml") == "'mine.toml' is there already; give another name, or move it away"
    )
    assert mine.read_text() == "mine"
    assert work.refused("copy", "six", "site") == "'site' is there already; give another name, or move it away"
    assert work.refused("copy", "six", "no/x.toml") == "'no/x.toml' cannot be written: No such file or directory"
    assert "did you mean 'six'?" in work.refused("copy", "sixx", "new.toml")
    assert not (work.folder / "new.toml").exists()


# Running -------------------------------------------------------------------------------------------------------------


def test_a_run_says_where_it_is_and_status_what_it_did(work: Workplace) -> None:
    done = work.well("run", "six.toml", "--out", "r")
    assert done.stderr.splitlines()[0] == "run directory: r"
    assert done.stderr.splitlines()[-1] == "report: r/line.txt"
    first, started, *stages = work.well("status", "r").stdout.splitlines()
    assert first == "six: Numbers, described twice."
    assert started.endswith("seed 0")
    seen = [(line.split()[0], line.split(None, 4)[3:]) for line in stages]
    assert seen == [
        ("images", ["6", "6 samples"]),
        ("responses", ["6", "12 responses"]),
        ("verdicts-1-words", ["6", "12 scored"]),
        ("pairs", ["6", "6 kept, 6 selected"]),
    ]


def test_a_finished_run_does_nothing_again(work: Workplace) -> None:
    settings = ("--out", "r", "--set", "judges[0].log=log")
    work.well("run", "six.toml", *settings)
    before = touched(work.folder / "r")
    for again in (("six.toml", *settings), ("r",)):
        done = work.well("run", *again)
        assert "done in" not in done.stderr
    assert touched(work.folder / "r") == before
    assert (work.folder / "log").read_text().split() == [f"s{n}" for n in range(6)]


@pytest.mark.parametrize("last", ["images", "responses", "verdicts", "pairs", "report"])
def test_a_run_stops_where_it_is_told_and_goes_on(work: Workplace, last: str) -> None:
    stages = ["images", "responses", "verdicts-1-words", "pairs"]
    there = stages[: 1 + next((n for n, name in enumerate(stages) if name.startswith(last)), 3)]
    work.well("run", "six.toml", "--out", "r", "--until", last)
    assert [name for name in stages if (work.folder / "r" / "stages" / name / "done.json").exists()] == there
    assert (work.folder / "r" / "line.txt").exists() == (last == "report")
    waiting = [line.split()[0] for line in work.well("status", "r").stdout.splitlines() if " waiting " in line]
    assert waiting == stages[len(there) :]
    work.well("run", "r")
    assert (work.folder / "r" / "line.txt").exists()


def test_a_stage_that_does_not_exist_starts_nothing(work: Workplace) -> None:
    said = work.refused("run", "six.toml", "--out", "r", "--until", "verdict")
    assert said.startswith("--until 'verdict' is no stage; the stages are images, responses, claims, verdicts")
    assert not (work.folder / "r").exists()


def test_the_first_samples_go_through_everything(work: Workplace) -> None:
    work.well("run", "six.toml", "--out", "r", "--limit", 3)
    assert "seed 0, the first 3 samples only" in work.well("status", "r").stdout
    assert len(list(Stage(work.folder / "r" / "stages" / "pairs").rows())) == 3
    for wrong in (0, -1):
        assert work.refused("run", "six.toml", "--limit", wrong) == f"--limit {wrong} must be at least 1"


def test_a_limited_run_that_was_stopped_before_it_noted_its_last_part_goes_on(work: Workplace) -> None:
    work.well("run", "six.toml", "--out", "r", "--limit", 3, "--until", "images")
    (work.folder / "r" / "stages" / "images" / "done.json").unlink()
    work.well("run", "r")
    assert len(list(Stage(work.folder / "r" / "stages" / "pairs").rows())) == 3


def test_every_setting_has_a_directory_of_its_own(work: Workplace) -> None:
    for arguments in ((), ("--set", "seed=1"), ("--limit", 2), ("--set", "seed=1")):
        work.well("run", "six.toml", *arguments)
    assert len(list((work.folder / "runs").iterdir())) == 3


def test_a_directory_of_another_recipe_is_refused_and_left_as_it_was(work: Workplace) -> None:
    work.well("run", "six.toml", "--out", "r")
    before = touched(work.folder)
    said = work.refused("run", "six.toml", "--out", "r", "--set", "pairs.min_margin=2.5", "--set", "seed=3")
    assert said.startswith(
        f"'{work.folder}/r' was made by recipe 'six' with other settings: pairs.min_margin is absent there"
    )
    assert "and 2.5 here (and 1 more). Give --out another directory beside it" in said
    said = work.refused("run", "six.toml", "--out", "r", "--limit", 3)
    assert "limit is absent there and 3 here" in said
    assert touched(work.folder) == before
    work.well("run", "six.toml", "--out", "r")


def test_another_selector_takes_the_rest_over_from_the_run_beside(work: Workplace) -> None:
    settings = ("--set", "judges[0].log=log")
    work.well("run", "six.toml", *settings)
    work.well("run", "six.toml", *settings, "--set", "pairs.min_margin=1.0")
    assert len((work.folder / "log").read_text().split()) == 6


def test_a_damaged_run_beside_does_no_harm(work: Workplace) -> None:
    work.well("run", "six.toml", "--out", "runs/a")
    for name in ("key.json", "done.json"):
        (work.folder / "runs" / "a" / "stages" / "responses" / name).write_text("{")
    work.well("run", "six.toml", "--out", "runs/b")
    assert parts(work.folder / "runs" / "b") == parts(work.folder / "runs" / "a")


def test_a_run_keeps_what_it_began_with(work: Workplace) -> None:
    work.well("run", "six.toml", "--out", "r", "--until", "images")
    for more in (("--set", "seed=1"), ("--limit", 1), ("--out", "elsewhere")):
        assert "--set, --out and --limit go with a recipe" in work.refused("run", "r", *more)


@pytest.mark.parametrize("there", ["file", "folder"])
def test_a_place_that_is_taken_is_refused(work: Workplace, there: str) -> None:
    if there == "file":
        (work.folder / "r").write_text("thesis")
    else:
        (work.folder / "r").mkdir()
        (work.folder / "r" / "thesis.tex").touch()
    before = sorted((work.folder / "r").rglob("*"))
    assert "give --out" in work.refused("run", "six.toml", "--out", "r")
    assert sorted((work.folder / "r").rglob("*")) == before
    assert there == "folder" or (work.folder / "r").read_text() == "thesis"
    assert not (work.folder / "runs").exists()


def test_what_a_run_leaves_that_is_killed_in_its_first_moment_is_taken_over(work: Workplace) -> None:
    (work.folder / "r").mkdir()
    for name in (".lock", ".run.json.tmp"):
        (work.folder / "r" / name).write_text("{")
    work.well("run", "six.toml", "--out", "r")


# Failing, and going on -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The parts of a run that nothing stopped."""
    work = Workplace(tmp_path_factory.mktemp("unbroken"))
    work.well("run", "six.toml", "--out", "r")
    return parts(work.folder / "r")


@pytest.mark.parametrize("error", ["RuntimeError", "ConnectionRefusedError"])
def test_a_judge_that_raises_loses_nothing(work: Workplace, unbroken: dict[str, bytes], error: str) -> None:
    tired = work.folder / "tired"
    settings = ("--set", "judges[0].log=log", "--set", f"judges[0].error={error}", "--set", "judges[0].tired=tired")
    tired.touch()
    said = work.refused("run", "six.toml", "--out", "r", *settings, code=1)
    error_file = work.folder / "r" / "error.txt"
    assert said == (
        f"verdicts-1-words: {error}: the judge is tired (the full traceback is in '{error_file}'). Finished parts are kept; "
        f"the same command goes on from there"
    )
    assert "in look\n" in error_file.read_text()
    assert "verdicts-1-words" in work.well("status", "r").stdout
    assert not list((work.folder / "r").rglob("*.tmp"))
    tired.unlink()
    work.well("run", "r")
    assert (work.folder / "log").read_text().split() == ["s0", "s1", "s2", "s3", "s2", "s3", "s4", "s5"]
    assert parts(work.folder / "r") == unbroken


def test_an_interrupted_run_goes_on(work: Workplace, unbroken: dict[str, bytes]) -> None:
    settings = ("--set", "judges[0].log=log", "--set", "judges[0].wait=go")
    with work.start("run", "six.toml", "--out", "r", *settings) as process:
        until((work.folder / "log").exists)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert sentence(stderr) == "stopped; the same command goes on from here"
    (work.folder / "go").touch()
    work.well("run", "r")
    assert parts(work.folder / "r") == unbroken


def test_two_processes_do_not_work_in_one_run(work: Workplace) -> None:
    settings = ("--out", "r", "--set", "judges[0].log=log", "--set", "judges[0].wait=go")
    with work.start("run", "six.toml", *settings) as process:
        until((work.folder / "log").exists)
        for command in (("run", "six.toml", *settings), ("run", "r")):
            said = work.refused(*command)
            assert said == f"Another process ({process.pid}) is working in '{work.folder}/r'; wait for it"
        status = work.well("status", "r").stdout
        assert "verdicts-1-words                0 parts" in status
        (work.folder / "go").touch()
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == 0, stderr
    assert (work.folder / "log").read_text().split() == [f"s{n}" for n in range(6)]


def test_of_processes_that_begin_together_one_runs_and_the_others_say_so(work: Workplace) -> None:
    processes = [work.start("run", "six.toml", "--out", "r") for _ in range(3)]
    ended = [(process.communicate(timeout=60)[1], process.returncode) for process in processes]
    assert 0 in {code for _, code in ended}
    for stderr, code in ended:
        assert code == 0 or (code == 2 and sentence(stderr).startswith("Another process")), stderr
    assert "6 kept" in work.well("status", "r").stdout


def test_answers_whose_ids_match_nothing(work: Workplace) -> None:
    (work.folder / "answers.jsonl").write_text(ANSWERS.replace('"s', '"image-'))
    said = work.refused("run", "six.toml", "--out", "r", code=1)
    assert said == (
        "'answers.jsonl' has no answer to 2 of 2 samples, such as 's0', 's1'; it holds 6 ids, such as 'image-0', "
        "'image-1', 'image-2'. The field 'id' must hold the samples' ids"
    )
    (work.folder / "answers.jsonl").write_text(ANSWERS)
    work.well("run", "r")


def test_answers_that_may_not_be_read(work: Workplace, ruled_by_permissions: Callable[[], None]) -> None:
    (work.folder / "answers.jsonl").chmod(0)
    said = work.refused("run", "six.toml", "--out", "r", code=1, before=ruled_by_permissions)
    assert said == "'answers.jsonl' cannot be read: Permission denied"


@pytest.mark.parametrize("out", ["answers.jsonl/r", "/proc/no/r"])
def test_a_directory_that_cannot_be_made(work: Workplace, out: str) -> None:
    said = work.refused("run", "six.toml", "--out", out)
    assert "give --out another directory" in said
    assert "\n" not in said


def test_a_run_directory_that_may_not_be_written(work: Workplace, ruled_by_permissions: Callable[[], None]) -> None:
    work.well("run", "six.toml", "--out", "r", "--until", "responses")
    before = touched(work.folder / "r")
    for folder in (work.folder / "r", work.folder / "r" / "stages"):
        folder.chmod(0o555)
    said = work.refused("run", "r", before=ruled_by_permissions, code=1)
    assert (
        said
        == f"'{work.folder}/r/stages/verdicts-1-words/key.json' could not be written: Permission denied. Nothing finished was lost"
    )
    (work.folder / "r" / ".lock").unlink()
    said = work.refused("run", "r", before=ruled_by_permissions)
    assert said == f"'{work.folder}/r' cannot be written: Permission denied; give --out another directory"
    assert touched(work.folder / "r") == before
    for folder in (work.folder / "r", work.folder / "r" / "stages"):
        folder.chmod(0o755)
    work.well("run", "r")


def test_a_run_that_may_not_be_looked_into(work: Workplace, ruled_by_permissions: Callable[[], None]) -> None:
    work.well("run", "six.toml", "--out", "r", "--until", "images")
    (work.folder / "r" / "run.json").chmod(0)
    assert (
        work.refused("status", "r", before=ruled_by_permissions)
        == f"'{work.folder}/r' cannot be read: Permission denied"
    )


def test_a_full_disk_while_a_part_is_written(work: Workplace, unbroken: dict[str, bytes]) -> None:
    work.well("run", "six.toml", "--out", "r", "--until", "verdicts")
    stage = work.folder / "r" / "stages" / "verdicts-1-words"
    for name in ("done.json", "part-000001.jsonl"):
        (stage / name).unlink()
    (stage / ".part-000001.jsonl.tmp").symlink_to("/dev/full")
    said = work.refused("run", "r", code=1)
    part = f"'{stage}/part-000001.jsonl'"
    assert said == (
        f"The disk is full: {part} could not be written. Free some space and run the same command again; everything "
        f"finished so far is kept"
    )
    assert (stage / "part-000000.jsonl").exists()
    work.well("run", "r")
    assert parts(work.folder / "r") == unbroken


def small(work: Workplace, kibibytes: int, *commands: tuple[str, ...]) -> Done:
    """Run commands in a disk of their own that is this small, and grows after the first."""
    disk = work.folder / "disk"
    disk.mkdir()
    first, *rest = [" ".join(work.command(*command)) for command in commands]
    script = " && ".join([
        f"mount -t tmpfs -o size={kibibytes}k tmpfs {disk} || exit 99",
        f"{{ {first}; echo code $?; }}",
        f"mount -o remount,size=64m {disk}",
        *rest,
        f"cp -r {disk}/r {work.folder}/saved",
    ])  # fmt: skip
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script],
        cwd=work.folder,
        env=work.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 99 or "unshare" in done.stderr:
        pytest.skip("no disk can be mounted here")
    return done


@pytest.mark.parametrize("kibibytes", [4, 16, 40])
def test_a_full_disk(work: Workplace, unbroken: dict[str, bytes], kibibytes: int) -> None:
    if shutil.which("unshare") is None:
        pytest.skip("unshare is not there")
    done = small(work, kibibytes, ("run", "six.toml", "--out", "disk/r"), ("run", "six.toml", "--out", "disk/r"))
    assert done.returncode == 0, done.stderr
    assert "code 0" not in done.stdout
    said = sentence(done.stderr.partition("everything finished so far is kept")[0])
    assert "The disk is full: " in said or "No space left on device" in said
    assert parts(work.folder / "saved") == unbroken


def test_a_full_disk_while_an_image_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    store, picture = DirectoryImageStore(tmp_path / "images"), tmp_path / "a.png"
    picture.write_bytes(b"picture")
    kept = store.add_bytes(b"before", ".png")
    with monkeypatch.context() as patch:
        patch.setattr("pairsmith.images.os.fsync", full)
        for keep in (lambda: store.add_file(picture), lambda: store.add_bytes(b"other", ".png")):
            with pytest.raises(StageError, match=r"^The disk is full: '.*/images/.*\.png' could not be written"):
                keep()
    assert [path for path in store.directory.rglob("*") if path.is_file()] == [kept.path]
    assert store.add_file(picture).path.read_bytes() == b"picture"


def test_files_that_may_not_grow(work: Workplace, unbroken: dict[str, bytes]) -> None:
    def bound() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300))

    work.well("run", "six.toml", "--out", "r", "--until", "images")
    said = work.refused("run", "r", code=1, before=bound)
    assert "could not be written: File too large. Nothing finished was lost" in said
    work.well("run", "r")
    assert parts(work.folder / "r") == unbroken


# Looking at runs -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["status", "report"])
def test_what_is_no_run_is_said(work: Workplace, command: str) -> None:
    expected = "is not a run: it has no run.json. Give the directory that 'pairsmith run' printed"
    for place in ("nowhere", "site", "six.toml"):
        assert work.refused(command, place) == f"'{work.folder / place}' {expected}"
    assert work.refused(command, "x" * 300).endswith("x' cannot be read: File name too long")


@pytest.mark.parametrize(("name", "text"), [
    ("done.json", "{"),
    ("part-000001.jsonl", '{"id":'),
])  # fmt: skip
def test_a_damaged_stage_is_named_with_the_way_out(work: Workplace, name: str, text: str) -> None:
    work.well("run", "six.toml", "--out", "r")
    expected = parts(work.folder / "r")
    stage = work.folder / "r" / "stages" / "responses"
    (stage / name).write_text(text)
    if name != "done.json":
        (stage / "done.json").unlink()
    (work.folder / "r" / "stages" / "pairs" / "done.json").unlink()
    (work.folder / "r" / "stages" / "pairs" / "part-000001.jsonl").unlink()
    for command in ("status", "run"):
        said = work.refused(command, "r", code=1)
        assert said == (
            f"'{stage / name}' ends too early or is damaged; it was changed after it was written. Delete '{stage}' and run again"
        )
    shutil.rmtree(stage)
    work.well("run", "r")
    assert parts(work.folder / "r") == expected


def test_a_report_is_written_again(work: Workplace) -> None:
    work.well("run", "six.toml", "--out", "r")
    page = work.folder / "r" / "line.txt"
    page.unlink()
    assert work.well("report", "r").stdout == f"{page}\n"
    assert page.read_text() == "images, responses, verdicts-1-words, pairs\n"


def test_a_report_needs_no_other_plugin_of_the_run(work: Workplace) -> None:
    work.well("run", "six.toml", "--out", "r", "--until", "pairs")
    document = (work.folder / "r" / "run.json").read_text()
    (work.folder / "r" / "run.json").write_text(document.replace('"words"', '"gone"').replace('"numbers"', '"gone"'))
    assert "line.txt" in work.well("report", "r").stdout


def test_a_run_without_a_reporter_is_told_which_to_install(work: Workplace) -> None:
    work.recipe(RECIPE.partition("[[reports]]")[0], "silent.toml")
    work.well("run", "silent.toml", "--out", "r")
    said = work.refused("report", "r", PAIRSMITH_DISABLE_PLUGINS="pairsmith-report")
    assert said.startswith("the recipe names no reporter, and 'html' is not installed: pip install ")


def test_a_reporter_that_raises_ends_a_run_whose_stages_are_kept(work: Workplace) -> None:
    source = (
        "from pairsmith import Component, hookimpl\n\nclass Bad:\n    def __init__(self, options, run):\n        pass\n\n"
        "    def report(self, view):\n        raise ValueError('no ink')\n\n@hookimpl\ndef pairsmith_reporters():\n"
        "    yield Component(name='bad', factory='bad:Bad', summary='s')\n"
    )
    distribution(work.site, "pairsmith-bad", "bad", source)
    said = work.refused("run", "six.toml", "--out", "r", "--set", "reports[0].use=bad", code=1)
    assert said.startswith("reports[0]: ValueError: no ink (the full traceback is in ")
    assert "6 kept" in work.well("status", "r").stdout
    assert work.refused("report", "r", code=1).startswith("reports[0]: ValueError: no ink")


# Images of one's own ---------------------------------------------------------------------------------------------------

FOLDER = """
schema = 1
[images]
use = "folder"
path = "photos"
prompt = "What is this?"
"""


@pytest.fixture
def photos(work: Workplace) -> Path:
    """A folder with two sound images, and the broken ones that folders hold."""
    pytest.importorskip("pairsmith_images")
    from PIL import Image

    folder = work.folder / "photos"
    folder.mkdir()
    for n in range(2):
        Image.new("RGB", (64, 64), (200, 10 * n, 0)).save(folder / f"good-{n}.png")
    data = (folder / "good-0.png").read_bytes()
    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    bomb = data[:8] + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk)) + data[33:]
    (folder / "bomb.png").write_bytes(bomb)
    (folder / "cut.png").write_bytes(data[: len(data) // 2])
    (folder / "text.jpg").write_text("not an image")
    (folder / "void.png").touch()
    work.recipe(FOLDER, "folder.toml")
    return folder


def test_bad_images_are_left_out_counted_and_listed(work: Workplace, photos: Path) -> None:
    work.well("run", "folder.toml", "--out", "r")
    assert "2 samples" in (status := work.well("status", "r").stdout)
    assert "4 dropped: bad image" in status
    rows = list(Stage(work.folder / "r" / "stages" / "images").rows())
    dropped = {row["dropped"]["id"]: row["dropped"]["detail"] for row in rows if "dropped" in row}
    assert list(dropped) == ["bomb.png", "cut.png", "text.jpg", "void.png"]
    assert dropped["bomb.png"] == "photos/bomb.png has more than 40,000,000 pixels; it was not decoded"
    assert dropped["cut.png"].startswith("photos/cut.png is broken or truncated")
    assert [row["sample"]["id"] for row in rows if "sample" in row] == ["good-0.png", "good-1.png"]
    assert photos.is_dir()


def test_a_bad_image_stops_a_run_whose_recipe_says_so(work: Workplace, photos: Path) -> None:
    stop = ("run", "folder.toml", "--out", "r", "--set", "on_bad_image=stop")
    said = work.refused(*stop, code=1)
    assert said == "images: sample 'bomb.png': 'photos/bomb.png' has more than 40,000,000 pixels; it was not decoded"
    for path in photos.glob("[!g]*"):
        path.unlink()
    work.well(*stop)


@pytest.mark.parametrize("check", ["pillow", "none"])
def test_an_image_that_may_not_be_read_is_a_bad_image(
    work: Workplace, photos: Path, ruled_by_permissions: Callable[[], None], check: str
) -> None:
    (photos / "good-0.png").chmod(0)
    work.well("run", "folder.toml", "--out", "r", "--set", f"image_check.use={check}", before=ruled_by_permissions)
    rows = list(Stage(work.folder / "r" / "stages" / "images").rows())
    (detail,) = [row["dropped"]["detail"] for row in rows if row.get("dropped", {}).get("id") == "good-0.png"]
    assert "Permission denied" in detail


@pytest.mark.usefixtures("photos")
def test_folders_without_images_stop_the_run(work: Workplace) -> None:
    (work.folder / "empty").mkdir()
    for path, said in (("empty", "holds no image"), ("nowhere", "is not a folder"), ("six.toml", "is not a folder")):
        refused = work.refused("run", "folder.toml", "--set", f"images.path={path}", code=1)
        assert refused.startswith(f"[images] path '{path}' {said}")
        assert "\n" not in refused


def test_prompts_from_windows_and_prompts_in_another_encoding(work: Workplace, photos: Path) -> None:
    rows = "".join(f'{{"image": "{name}", "prompt": "Où?"}}\n' for name in ("good-0.png", "good-1.png"))
    asked = ("run", "folder.toml", "--set", "images.prompt=", "--set", "images.prompt_file=asked.jsonl")
    file = photos.parent / "asked.jsonl"
    file.write_bytes(rows.encode("latin-1"))
    assert (
        work.refused(*asked, "--out", "r", code=1)
        == "'asked.jsonl', row 1 (line 1) is not UTF-8; save the file as UTF-8"
    )
    file.write_bytes(b"\xef\xbb\xbf" + rows.replace("\n", "\r\n").encode())
    work.well(*asked, "--out", "r")
    samples = [row["sample"] for row in Stage(work.folder / "r" / "stages" / "images").rows()]
    assert [sample["prompt"][0]["text"] for sample in samples] == ["Où?", "Où?"]


def test_a_file_name_that_is_no_text_is_one_sentence(work: Workplace, photos: Path) -> None:
    (photos / "good-0.png").rename(os.fsdecode(os.fsencode(photos) + b"/\xff.png"))
    said = work.refused("run", "folder.toml", "--out", "r", code=1)
    assert said.startswith("images: ")
    assert "\n" not in said


# Objects of one's own --------------------------------------------------------------------------------------------------

IN_PYTHON = """
from pathlib import Path
from pairsmith.progress import progress
from pairsmith.recipe import Document
from pairsmith.start import start
from pairsmith.values import Sample, user

class Riddles:
    def samples(self, start=0):
        for n in range(start, 3):
            yield Sample(id=str(n), prompt=user("?"))

tables = {"schema": 1, "images": {"use": Riddles()}, "image_check": {"use": "none"}, "reports": {"use": "line"}}
start(Document(name="riddles", tables=tables), out=Path("r"), progress=progress())
"""


def test_a_run_of_objects_is_looked_at_but_not_gone_on_with(work: Workplace) -> None:
    subprocess.run([sys.executable, "-c", IN_PYTHON], cwd=work.folder, env=work.environment(), check=True)
    assert "3 samples" in work.well("status", "r").stdout
    assert "line.txt" in work.well("report", "r").stdout
    said = work.refused("run", "r")
    assert said.splitlines()[1].startswith("  images.use: '__main__.Riddles' was an object in Python")

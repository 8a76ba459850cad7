"""Whole runs in processes of their own: killed, resumed, failed, and paid for once."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

KEY = "sk-a-secret-that-nobody-may-see"
SAMPLES = 30
SCRIPT = """
import json, sys
from pathlib import Path
from pairsmith.cli import main
from pairsmith.progress import progress
from pairsmith.recipe import Document
from pairsmith.start import start
from pairsmith.values import Image, Sample, user
from pairsmith.errors import PairsmithError

folder, name, tables = Path(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3])

class Pictures:
    def samples(self, first=0):
        for n in range(first, SAMPLES):
            yield Sample(id=f"s{n}", prompt=user(f"What is {n}?"), images=(Image(path=folder / "picture.png"),))

tables["images"] = {"use": Pictures()}
try:
    start(Document(name="test", tables=tables), out=folder / name / "run", progress=progress())
except PairsmithError as error:
    print(f"pairsmith: {error}", file=sys.stderr)
    sys.exit(1)
""".replace("SAMPLES", str(SAMPLES))


class Runs:
    """Runs a recipe in a process."""

    def __init__(self, folder: Path, options: dict[str, Any]) -> None:
        self.folder = folder
        fast = {**options, "backoff": 0.01, "concurrency": 4}
        self.tables: dict[str, Any] = {
            "schema": 1,
            "part_size": 8,
            "image_check": {"use": "none"},
            "responses": {"use": "openai", "n": 2, **fast},
            "claims": {"use": "openai-claims", **fast},
            "judges": [{"use": "openai-rubric", "price_in": 1.0, "price_out": 4.0, **fast}],
            "pairs": {"use": "best-worst", "score": "score"},
            "hygiene": {"min_words": 1},
        }

    def start(self, name: str, **more: Any) -> subprocess.Popen[str]:
        arguments = [str(self.folder), name, json.dumps({**self.tables, **more})]
        return subprocess.Popen(
            [sys.executable, "-c", SCRIPT, *arguments], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
        )

    def run(self, name: str, **more: Any) -> tuple[int, str]:
        process = self.start(name, **more)
        _, complaint = process.communicate(timeout=100)
        return process.returncode, complaint

    def stage(self, name: str, stage: str) -> Path:
        return self.folder / name / "run" / "stages" / stage

    def parts(self, name: str) -> dict[str, bytes]:
        root = self.folder / name / "run" / "stages"
        return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.glob("*/part-*.jsonl"))}

    def journalled(self, name: str) -> int:
        files = (self.folder / name / "run" / "journal").glob("*/*.jsonl")
        return sum(line.endswith(b"\n") for path in files for line in path.read_bytes().splitlines(keepends=True))


@pytest.fixture
def runs(tmp_path: Path, options: dict[str, Any], image: Any) -> Runs:
    image()
    return Runs(tmp_path, options)


def questions(server: Any) -> Counter[str]:
    return Counter(json.dumps(request.body, sort_keys=True) for request in server.requests)


@pytest.mark.timeout(180)
def test_a_run_killed_again_and_again_pays_for_no_answer_twice_and_equals_an_unbroken_one(
    server: Any, runs: Runs
) -> None:
    assert runs.run("whole")[0] == 0
    server.requests.clear()
    server.delay = 0.03
    for kills, stop_after in enumerate((5, 40, 75, 100, 140), start=1):
        process = runs.start("broken")
        while process.poll() is None and runs.journalled("broken") < stop_after:
            time.sleep(0.005)
        assert process.poll() is None, process.communicate()[1]
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        kept, sent = runs.journalled("broken"), len(server.requests)
        assert sent - kept <= 4 * kills, "more was lost than was on its way"
    before, kept = len(server.requests), runs.journalled("broken")
    code, complaint = runs.run("broken")
    assert code == 0, complaint
    distinct = len(questions(server))
    assert len(server.requests) - before == distinct - kept, "something that was answered was asked again"
    assert runs.parts("broken") == runs.parts("whole")
    assert runs.run("broken")[0] == 0
    assert len(server.requests) == before + distinct - kept


@pytest.mark.timeout(120)
def test_what_was_answered_when_a_hanging_server_is_killed_is_not_asked_again(server: Any, runs: Runs) -> None:
    free = threading.Event()

    def behave(request: Any, number: int) -> Any:
        if not free.is_set() and "What is 5?" in request.said:
            return server.act_with(way="hang")
        return None

    server.behave = behave
    process = runs.start("run", responses={**runs.tables["responses"], "concurrency": 3, "timeout": 60.0})
    while len(server.requests) < 16 or runs.journalled("run") < 14:
        assert process.poll() is None
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    answered = {body for body, _ in questions(server).items() if "What is 5?" not in body}
    assert len(answered) == 14
    server.requests.clear()
    free.set()
    assert runs.run("run", responses={**runs.tables["responses"], "concurrency": 3, "timeout": 60.0})[0] == 0
    assert not answered & set(questions(server))


@pytest.mark.timeout(120)
def test_a_person_who_interrupts_a_hanging_run_does_not_wait_for_it(server: Any, runs: Runs) -> None:
    server.behave = lambda request, number: server.act_with(way="hang") if number >= 3 else None
    process = runs.start("run", responses={**runs.tables["responses"], "timeout": 60.0})
    while len(server.requests) < 6 or runs.journalled("run") < 3:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    _, complaint = process.communicate(timeout=30)
    assert time.monotonic() - began < 5
    assert complaint.rstrip().endswith("KeyboardInterrupt")
    assert runs.journalled("run") == 3


@pytest.mark.timeout(120)
def test_failures_are_counted_the_run_fails_and_a_resume_asks_only_for_them(server: Any, runs: Runs) -> None:
    broken = True

    def behave(request: Any, number: int) -> Any:
        if broken and "What is 3?" in request.said:
            return server.act_with(status=500, raw=b'{"error": {"message": "out of memory"}}')
        if broken and "What is 20?" in request.said:
            return server.act_with(way="reset")
        return None

    server.behave = behave
    code, complaint = runs.run("run")
    assert code == 1
    assert "responses: 2 of 30 samples failed, and max_failures allows 0; the first, 's3'" in complaint
    assert "the server answered 500: out of memory (asked 4 times)" in complaint
    assert "Traceback" not in complaint
    assert len(questions(server)) == 2 * SAMPLES
    assert not runs.stage("run", "claims").exists()
    server.requests.clear()
    broken = False
    assert runs.run("run")[0] == 0
    asked = [request for request in server.requests if "You " not in request.said]
    assert sorted(request.said.strip() for request in asked) == ["What is 20?"] * 2 + ["What is 3?"] * 2


@pytest.mark.timeout(120)
def test_a_recipe_that_allows_failures_goes_on_and_says_what_it_cost(server: Any, runs: Runs) -> None:
    def behave(request: Any, number: int) -> Any:
        del number
        graded = "You are an expert who grades" in request.said
        return server.act_with("no idea") if graded and "What is 7?" in request.said else None

    server.behave = behave
    code, complaint = runs.run("run", max_failures=1)
    assert code == 0, complaint
    done = json.loads((runs.stage("run", "verdicts-1-openai-rubric") / "done.json").read_text())
    assert done["counts"] == {"failed": 1, "scored": 58, "skipped": 2}
    status = subprocess.run(
        [sys.executable, "-m", "pairsmith", "status", str(runs.folder / "run" / "run")],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    # 29 samples once and the failed one three times; a request takes 100 + 10 tokens.
    assert "requests 32, prompt tokens 3200, reply tokens 320, cost 0.00448" in status
    written = [path.read_bytes() for path in (runs.folder / "run").rglob("*") if path.is_file()]
    assert not any(KEY.encode() in data for data in written)


@pytest.mark.timeout(120)
def test_another_recipe_beside_it_pays_nothing_for_the_same_answers(server: Any, runs: Runs) -> None:
    first = runs.run("a")
    assert first[0] == 0, first[1]
    (runs.folder / "a" / "run").rename(runs.folder / "a" / "one")
    asked = len(server.requests)
    # Another price makes another stage of the judge; its verdicts come from what is written down.
    judges = [{**runs.tables["judges"][0], "price_in": 2.0}]
    assert runs.run("a", judges=judges)[0] == 0
    assert len(server.requests) == asked


@pytest.mark.timeout(120)
def test_a_wrong_key_ends_the_run_with_one_sentence(server: Any, runs: Runs) -> None:
    leak = f'{{"error": {{"message": "Incorrect API key provided: {KEY}"}}}}'.encode()
    server.behave = lambda request, number: server.act_with(status=401, raw=leak)
    code, complaint = runs.run("run")
    assert code == 1
    assert (
        "openai: the server refused the key (401): Incorrect API key provided: [key], at http://127.0.0.1" in complaint
    )
    assert KEY not in complaint
    assert "Traceback" not in complaint
    assert not (runs.folder / "run" / "run" / "error.txt").exists()

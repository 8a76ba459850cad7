"""Before a real server of a real model: ``transformers serve`` on the toy world's LLaVA, where both are installed."""

import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from pairsmith.interfaces import Run
from pairsmith.options import read
from pairsmith.registry import Registry
from pairsmith.values import Case, Failed, Image, Response, Sample, user
from pairsmith_llm.generator import OpenAIGenerator
from pairsmith_llm.options import GeneratorOptions, RubricOptions
from pairsmith_llm.rubric import RubricJudge

NEEDED = ("torch", "transformers", "fastapi", "uvicorn")
MISSING = [name for name in NEEDED if find_spec(name) is None]
MODEL = Registry.discover().models().get("toyworld-base")

pytestmark = [
    pytest.mark.skipif(bool(MISSING), reason=f"transformers serve needs {', '.join(MISSING)}"),
    pytest.mark.skipif(MODEL is None, reason="pairsmith-toyworld, which ships the model, is not installed"),
]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Where the server is."""
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    command = [str(Path(sys.executable).parent / "transformers"), "serve", str(MODEL), "--device", "cpu"]
    process = subprocess.Popen(
        [*command, "--host", "127.0.0.1", "--port", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_for(f"http://127.0.0.1:{port}/health", process)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait(timeout=30)


def wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + 90
    while time.monotonic() < until:
        assert process.poll() is None, f"transformers serve ended with {process.returncode}"
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - our own server
                return
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"nothing at {url} after 90 s")


@pytest.mark.timeout(180)
def test_a_served_model_answers_what_it_sees_and_a_judge_that_cannot_judge_fails(
    address: str, run: Run, image: Callable[..., Image]
) -> None:
    table: dict[str, Any] = {"model": str(MODEL), "base_url": address, "key_env": "", "max_tokens": 12, "retries": 1}
    sample = Sample(id="s", prompt=user("describe the image ."), images=(image(size=(48, 48)),))
    with OpenAIGenerator(read({**table, "n": 2}, GeneratorOptions, "responses"), run) as generator:
        (responses,) = generator.respond([sample], seed=1)
        (first,) = generator.respond([sample], seed=1, greedy=True)
        assert generator.facts()["requests"] == 3
    assert [response.id for response in responses] == ["s/0", "s/1"]
    assert first[0].text.strip()
    answers = (Response(id="s/0", sample_id="s", text="a ring"), Response(id="s/1", sample_id="s", text="a star"))
    with RubricJudge(read({**table, "reasks": 1}, RubricOptions, "judges[0]"), run) as judge:
        (verdict,) = judge.judge([Case(sample=sample, responses=answers)])
    assert isinstance(verdict, Failed), "this model writes captions, not JSON"

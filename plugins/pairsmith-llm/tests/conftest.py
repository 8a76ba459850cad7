"""A real HTTP server on the loopback interface that answers as a model would, and misbehaves when it is told to."""

import hashlib
import json
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field, frozen
from PIL import Image as Pillow

from pairsmith.images import DirectoryImageStore
from pairsmith.interfaces import Run
from pairsmith.values import Image

KEY = "sk-a-secret-that-nobody-may-see"


@frozen
class Request:
    """What the server was asked."""

    body: dict[str, Any]
    headers: dict[str, str]
    at: float

    @property
    def said(self) -> str:
        """The texts of all messages."""
        return "\n".join(said_in(message) for message in self.body["messages"])

    @property
    def images(self) -> list[str]:
        """The data URLs."""
        parts = [part for one in self.body["messages"] if isinstance(one["content"], list) for part in one["content"]]
        return [part["image_url"]["url"] for part in parts if part["type"] == "image_url"]


def said_in(message: dict[str, Any]) -> str:
    content = message["content"]
    return content if isinstance(content, str) else " ".join(part.get("text", "") for part in content)


@frozen
class Act:
    """What the server does in place of a sound reply."""

    status: int = 200
    headers: dict[str, str] = field(factory=dict)
    text: str | None = None
    """The text of the model's reply."""
    raw: bytes | None = None
    """The whole body."""
    way: str = "reply"
    """reply; reset: the connection; half: of the body, then closed; hang; drip: a byte now and then."""
    finish: str = "stop"


Behaviour = Callable[[Request, int], Act | None]
"""What to do with a request, and how many there were before it; ``None`` is to answer well."""


def model(request: Request) -> str:
    """Return what a well-behaved model replies: the same to the same request."""
    told = said_in(request.body["messages"][0])
    dice = hashlib.sha256(json.dumps(request.body, sort_keys=True).encode()).digest()
    if "You are an expert who grades" in told:
        found = re.findall(r'<candidate label="(\w+)">\n(.*?)\n</candidate>', request.said, re.DOTALL)
        return json.dumps({"candidates": [graded(label, text) for label, text in found]})
    if "You split an answer" in told:
        answer = re.search(r"<answer>\n(.*?)\n</answer>", request.said, re.DOTALL)
        return json.dumps({"claims": claims(answer[1] if answer else "")})
    if "You correct texts" in told:
        text = re.search(r"<text>\n(.*?)\n</text>", request.said, re.DOTALL)
        return json.dumps({"text": corrected(text[1] if text else "")})
    if "Write down every piece of text" in told:
        return json.dumps({"texts": ["One Way", "STOP"]})
    return f"There are {dice[0]} cats, seed {request.body.get('seed')}."


def corrected(text: str) -> str:
    return text[:1].upper() + text[1:].removesuffix(".") + "."


def graded(label: str, text: str) -> dict[str, Any]:
    """Grade a text by its own digits, so that a test knows the right grades whatever the order."""
    digits = [int(one) for one in re.findall(r"[0-4]", text)] or [2]
    names = ("helpfulness", "correctness", "coherence", "complexity", "verbosity")
    return {
        "candidate": label,
        "comment": f"I saw {text!r}",
        **{name: digits[n % len(digits)] for n, name in enumerate(names)},
    }


def claims(text: str) -> list[dict[str, Any]]:
    """One object claim a word, and that each is fine."""
    made = []
    for n, word in enumerate(re.findall(r"\w+", text)[:2]):
        plain = {"subject": word, "value": "", "other": ""}
        made.append({"number": 2 * n + 1, "aspect": "object", "text": f"a {word}", **plain, "depends_on": []})
        fine = {**plain, "value": "fine"}
        made.append(
            {"number": 2 * n + 2, "aspect": "attribute", "text": f"{word} is fine", **fine, "depends_on": [2 * n + 1]}
        )
    return made


@define
class Server:
    """The endpoint. ``behave`` decides about each request."""

    behave: Behaviour = lambda request, number: None
    requests: list[Request] = field(factory=list)
    delay: float = 0.0
    together: int = 0
    """How many requests must have been here at once before any is replied to; none is after half a minute."""
    address: str = ""
    busy: int = 0
    most_busy: int = 0
    _lock: threading.Lock = field(factory=threading.Lock)
    _stop: threading.Event = field(factory=threading.Event)

    def took(self, body: dict[str, Any], headers: dict[str, str]) -> tuple[Request, Act]:
        request = Request(body, headers, time.monotonic())
        with self._lock:
            number = len(self.requests)
            self.requests.append(request)
            self.busy += 1
            self.most_busy = max(self.most_busy, self.busy)
        return request, self.behave(request, number) or Act(text=model(request))

    def act_with(self, text: str | None = None, **more: Any) -> "Act":
        """Return what to do: reply with this text, or else."""
        return Act(text=text, **more)

    def wait(self) -> None:
        """Wait before a reply: as long as was asked for, and for others to come."""
        self.rest(self.delay)
        until = time.monotonic() + 30
        while self.most_busy < self.together and time.monotonic() < until and not self._stop.is_set():
            self.rest(0.005)

    def done(self) -> None:
        with self._lock:
            self.busy -= 1

    def rest(self, seconds: float) -> None:
        """Sleep, but no longer than the server lives."""
        self._stop.wait(seconds)

    def stop(self) -> None:
        self._stop.set()


def handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            size = int(self.headers["Content-Length"])
            request, act = server.took(
                json.loads(self.rfile.read(size)), {name.lower(): value for name, value in self.headers.items()}
            )
            try:
                server.wait()
                self.act(request, act)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True
            finally:
                server.done()

        def act(self, request: Request, act: Act) -> None:
            body = act.raw if act.raw is not None else envelope(request, act)
            if act.way == "hang":
                server.rest(60)
            if act.way in {"reset", "hang"}:
                self.reset()
                return
            self.send_response(act.status)
            for name, value in act.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if act.way == "half":
                self.wfile.write(body[: len(body) // 2])
                self.close_connection = True
                return
            if act.way == "drip":
                for byte in body:
                    self.wfile.write(bytes([byte]))
                    self.wfile.flush()
                    server.rest(0.1)
                return
            self.wfile.write(body)

        def reset(self) -> None:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            self.connection.close()
            self.wfile = self.rfile = open("/dev/null", "r+b", buffering=0)  # noqa: PTH123, SIM115

        def log_message(self, *arguments: object) -> None: ...

    return Handler


def envelope(request: Request, act: Act) -> bytes:
    number = request.body.get("n", 1)
    text = act.text if act.text is not None else model(request)
    choices = [
        {"index": k, "message": {"role": "assistant", "content": text + " again" * k}, "finish_reason": act.finish}
        for k in range(number)
    ]
    usage = {"prompt_tokens": 100, "completion_tokens": 10 * number, "total_tokens": 100 + 10 * number}
    sent = {
        "id": "1",
        "object": "chat.completion",
        "model": f"{request.body['model']}-2026",
        "choices": choices,
        "usage": usage,
    }
    return json.dumps(sent).encode()


class Quiet(ThreadingHTTPServer):
    """Says nothing of connections that are broken on purpose."""

    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None: ...


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server that behaves well until it is told otherwise."""
    made = Server()
    http = Quiet(("127.0.0.1", 0), handler(made))
    made.address = f"http://127.0.0.1:{http.server_address[1]}/v1"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    monkeypatch.setenv("A_KEY", KEY)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield made
    made.stop()
    http.shutdown()
    http.server_close()
    thread.join()


@pytest.fixture
def options(server: Server) -> dict[str, Any]:
    """Options that reach the server and lose no time."""
    return {"model": "m", "base_url": server.address, "key_env": "A_KEY", "backoff": 0.01, "timeout": 5.0, "retries": 3}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run in a folder of its own."""
    return Run(directory=tmp_path / "runs" / "one", images=DirectoryImageStore(tmp_path / "runs" / "one" / "images"))


@pytest.fixture
def image(tmp_path: Path) -> Callable[..., Image]:
    """Makes image files."""

    def make(name: str = "picture.png", size: tuple[int, int] = (40, 30), colour: str = "red") -> Image:
        Pillow.new("RGB", size, colour).save(tmp_path / name)
        return Image(path=tmp_path / name)

    return make


@pytest.fixture
def act() -> type[Act]:
    """What a server may do in place of a sound reply."""
    return Act

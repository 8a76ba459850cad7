"""Data sets of the hub, through the real client: a server on the loopback interface, the client's own cache, then offline."""

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from PIL import Image

pytest.importorskip("huggingface_hub")

COMMIT = "0123456789abcdef0123456789abcdef01234567"
NAME = "owner/some-data"


def picture(colour: str) -> bytes:
    data = BytesIO()
    Image.new("RGB", (8, 8), colour).save(data, "PNG")
    return data.getvalue()


def row(number: int, image: str) -> dict[str, Any]:
    said = {"prompt": f"What is {number}?", "chosen": "A red square of cloth.", "rejected": "It is some blue sea."}
    return {**said, "images": [image]}


FILES = {
    "data/rows.jsonl": "".join(json.dumps(row(n, f"pictures/{n}.png")) + "\n" for n in range(2)).encode(),
    "data/pictures/0.png": picture("red"),
    "data/pictures/1.png": picture("blue"),
    "README.md": b"# Some data",
    "other/huge.bin": b"0" * 10,
}


class Hub:
    """As much of the hub as its client asks for; it notes which files were fetched."""

    def __init__(self) -> None:
        self.fetched: list[str] = []
        self.address = ""

    def answer(self, path: str, *, head: bool) -> tuple[int, dict[str, str], bytes]:
        tree = [
            {"type": "file", "path": name, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}  # noqa: S324 - git's
            for name, data in FILES.items()
        ]
        if path == f"/api/datasets/{NAME}/revision/v1":
            return 200, {}, json.dumps({"id": NAME, "sha": COMMIT, "siblings": []}).encode()
        if path == f"/api/datasets/{NAME}/tree/{COMMIT}":
            return 200, {}, json.dumps(tree).encode()
        for revision in ("v1", COMMIT):
            name = path.removeprefix(f"/datasets/{NAME}/resolve/{revision}/")
            if name in FILES:
                self.fetched += [] if head else [name]
                etag = f'"{hashlib.sha1(FILES[name]).hexdigest()}"'  # noqa: S324
                return 200, {"ETag": etag, "X-Repo-Commit": COMMIT}, FILES[name]
        return 404, {"X-Error-Code": "EntryNotFound"}, b"{}"


@pytest.fixture
def hub() -> Iterator[Hub]:
    made = Hub()

    class Handler(BaseHTTPRequestHandler):
        def _send(self, *, head: bool) -> None:
            status, headers, body = made.answer(unquote(urlsplit(self.path).path), head=head)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            if not head:
                self.wfile.write(body)

        def do_HEAD(self) -> None:
            self._send(head=True)

        def do_GET(self) -> None:
            self._send(head=False)

        def log_message(self, *arguments: object) -> None: ...

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.address = f"http://127.0.0.1:{http.server_address[1]}"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield made
    http.shutdown()
    http.server_close()
    thread.join()


CODE = """
import sys
from pathlib import Path
from pairsmith.images import DirectoryImageStore
from pairsmith.interfaces import Run
from pairsmith.options import read
from pairsmith.registry import Registry
from pairsmith.errors import StageError

component = Registry.discover().find("image_sources", "trl-plain").component
for number, table in enumerate({tables}):
    run = Run(directory=Path(f"run-{{number}}"), images=DirectoryImageStore(Path("images")))
    try:
        samples = list(component.build(read(table, component.options_class, "images"), run).samples())
        print(len(samples), *(len(run.images.add_file(one.images[0].path).path.read_bytes()) for one in samples))
    except StageError as error:
        print(error)
"""


def client(folder: Path, address: str, *tables: dict[str, str], offline: bool = False) -> list[str]:
    """Read tables in a process of its own, as the client reads its settings but once."""
    env = {
        **os.environ, "HF_ENDPOINT": address, "HF_HOME": str(folder / "hf"), "HF_HUB_OFFLINE": str(int(offline)),
        "NO_PROXY": "127.0.0.1", "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    }  # fmt: skip
    code = CODE.format(tables=list(tables))
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=100
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_data_set_some_of_its_files_or_one_at_a_revision(hub: Hub, tmp_path: Path) -> None:
    sizes = " ".join(str(len(FILES[f"data/pictures/{n}.png"])) for n in range(2))
    some = {"path": f"hub:{NAME}@v1:data/*"}
    one = {"path": f"hub:{NAME}@{COMMIT}:data/rows.jsonl", "images": f"hub:{NAME}@{COMMIT}:data/*"}
    absent = {"path": f"hub:{NAME}@v1:data/absent.json"}
    unfit = {"path": f"hub:{NAME}@v1:none/*.json"}
    read = client(tmp_path, hub.address, some, one, absent, unfit)
    assert read[:2] == [f"2 {sizes}"] * 2
    assert "absent.json' cannot be downloaded: " in read[2]
    assert read[3].endswith("no file of the data set fits 'none/*.json'")
    assert sorted(hub.fetched) == ["data/pictures/0.png", "data/pictures/1.png", "data/rows.jsonl"], (
        "each once, no other"
    )
    hub.fetched.clear()
    assert client(tmp_path, hub.address, some, one, offline=True) == [f"2 {sizes}"] * 2
    assert hub.fetched == []
    whole = {"path": f"hub:{NAME}@v1", "images": f"hub:{NAME}@v1"}
    read = client(tmp_path, hub.address, whole)
    assert "must hold one .json, .jsonl or .parquet file: there is none" in read[0]
    assert sorted(hub.fetched) == ["README.md", "other/huge.bin"]


def test_offline_and_never_fetched_is_one_sentence(tmp_path: Path) -> None:
    (said,) = client(tmp_path, "http://127.0.0.1:9", {"path": f"hub:{NAME}@v1:rows.json"}, offline=True)
    assert f"[images] 'hub:{NAME}@v1:rows.json' cannot be downloaded: " in said


def test_links_out_of_the_cache_are_refused_all_the_same(hub: Hub, tmp_path: Path) -> None:
    some = {"path": f"hub:{NAME}@v1:data/*"}
    client(tmp_path, hub.address, some)
    (link,) = tmp_path.glob(f"hf/hub/datasets--*/snapshots/{COMMIT}/data/pictures/0.png")
    (tmp_path / "secret.png").write_bytes(FILES["data/pictures/0.png"])
    link.unlink()
    link.symlink_to(tmp_path / "secret.png")
    (said,) = client(tmp_path, hub.address, some, offline=True)
    assert "has an image that is a link out of the folder" in said

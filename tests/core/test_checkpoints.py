"""What identifies an expert's model, and what is said where it cannot be had."""

import json
import struct
from pathlib import Path

import pytest

from pairsmith.checkpoints import explained, fingerprint, model_needs
from pairsmith.component import Needs
from pairsmith.errors import StageError
from pairsmith.sizes import Size, size_of


def test_a_directory_is_what_its_files_hold(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for folder in (one, other):
        folder.mkdir()
        (folder / "model.safetensors").write_bytes(b"weights")
        (folder / "README.md").write_text(folder.name)
    assert fingerprint(str(one)) == fingerprint(str(other))
    (other / "model.safetensors").write_bytes(b"other weights")
    assert fingerprint(str(one)) != fingerprint(str(other))


def test_a_hub_id_is_its_commit() -> None:
    assert fingerprint("org/model", "abc") == "org/model@abc"


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/no/such/place", "is no directory"),
        ("org/model", "HF_HUB_OFFLINE is set"),
        ("DIR", "the directory holds nothing"),
    ],
)
def test_what_cannot_be_loaded_is_said_in_a_sentence(
    path: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with (
        pytest.raises(StageError, match=words) as caught,
        explained("[[judges]] model", str(tmp_path) if path == "DIR" else path),
    ):
        raise OSError("no file\nand a long tale")
    assert "\n" not in str(caught.value)
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    with pytest.raises(StageError, match="could not be had from the hub: no file"), explained("model", "org/model"):
        raise OSError("no file\nand a long tale")


def test_other_errors_stay_what_they_are() -> None:
    with pytest.raises(StageError, match="as it was"), explained("model", "org/model"):
        raise StageError("as it was")
    with pytest.raises(ZeroDivisionError), explained("model", "org/model"):
        _ = 1 / 0


def test_a_librarys_own_errors_are_said_too_where_they_are_named() -> None:
    with (
        pytest.raises(StageError, match=r"could not be had|neither a directory"),
        explained("model", "a/b", (EOFError,)),
    ):
        raise EOFError


def test_models_that_are_here_need_memory_and_no_download(tmp_path: Path) -> None:
    header = json.dumps({"__metadata__": {}, "w": {"dtype": "F32", "shape": [3, 5], "data_offsets": [0, 60]}}).encode()
    (tmp_path / "model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + bytes(60))
    (tmp_path / "pytorch_model.bin").write_bytes(bytes(100))
    assert model_needs(str(tmp_path), loaded=2) == Needs(device_bytes=30)
    (tmp_path / "model.safetensors").unlink()
    assert model_needs(str(tmp_path), loaded=4) == Needs(device_bytes=100)
    (tmp_path / "model.safetensors").write_bytes(b"broken")
    assert model_needs(str(tmp_path)) == Needs()


def test_a_size_comes_from_a_table_or_a_name() -> None:
    known = {"org/model-7b": Size(parameters=8e9), "org/old": Size(parameters=1e9, stored=4, copies=2)}
    needs = model_needs(
        "org/model-7b", "org/old", "org/x-0.5B-v0.1", "org/100M", loaded=1, known=known, readers=["org/words"]
    )
    assert needs.downloads == {
        "org/model-7b": 16 * 10**9, "org/old": 8 * 10**9, "org/x-0.5B-v0.1": 10**9, "org/100M": 2 * 10**8, "org/words": 0,
    }  # fmt: skip
    assert needs.device_bytes == 9.6e9
    assert size_of("7b-labs/model", {}) is None, "a name within an organisation's name says nothing"
    assert size_of("org/step-7base", {}) is None


def test_needs_are_what_is_not_here(tmp_path: Path) -> None:
    needs = model_needs(str(tmp_path), "", "meta-llama/Meta-Llama-3-8B-Instruct", "IDEA-Research/grounding-dino-base")
    assert needs.downloads == {
        "meta-llama/Meta-Llama-3-8B-Instruct": 16 * 10**9,
        "IDEA-Research/grounding-dino-base": None,
    }
    assert needs.device_bytes == 32 * 10**9
    assert needs.gated == ("meta-llama/Meta-Llama-3-8B-Instruct",)

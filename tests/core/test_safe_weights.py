"""Weights that were published as pickles: what is made of them, once, and what is refused."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from pairsmith.checkpoints import fingerprint
from pairsmith.errors import StageError
from pairsmith.safe_weights import SafeWeights, cache
from pairsmith.testing.pickles import hostile, pickled

torch = pytest.importorskip("torch")
safetensors = pytest.importorskip("safetensors.torch")


def nowhere(*_: Any, **__: Any) -> None:
    raise OSError("not to be had")


WEIGHTS = SafeWeights(load=torch.load, save=safetensors.save_file, fetch=nowhere)
TENSORS = {"a": torch.arange(6.0), "b": torch.ones(2, 3), "c": torch.zeros(1, dtype=torch.bfloat16)}


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def safe(tmp_path: Path) -> Path:
    folder = tmp_path / "safe"
    folder.mkdir()
    safetensors.save_file(TENSORS, folder / "model.safetensors")
    (folder / "config.json").write_text('{"model_type": "x"}')
    (folder / "own.py").write_text("")
    (folder / "vocab.txt").write_text("a")
    return folder


def same(folder: str) -> bool:
    found = {
        name: one for file in Path(folder).glob("*.safetensors") for name, one in safetensors.load_file(file).items()
    }
    return found.keys() == TENSORS.keys() and all(torch.equal(found[name], TENSORS[name]) for name in found)


def test_safetensors_stay_where_they_are(safe: Path) -> None:
    assert WEIGHTS.located(str(safe), None, "model") == str(safe)
    torch.save(TENSORS, safe / "pytorch_model.bin")
    assert WEIGHTS.located(str(safe), None, "model") == str(safe)
    assert not cache().exists()


@pytest.mark.parametrize("shards", [1, 2])
def test_pickles_are_converted_once_into_a_folder_that_loads(shards: int, safe: Path, tmp_path: Path) -> None:
    made = WEIGHTS.located(str(pickled(safe, tmp_path / "bin", shards=shards)), None, "model")
    assert same(made)
    assert Path(made).parent == cache()
    assert list(cache().iterdir()) == [Path(made)], "nothing temporary is left"
    weights = ["model.safetensors"] if shards == 1 else [
        "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "model.safetensors.index.json",
    ]  # fmt: skip
    assert sorted(file.name for file in Path(made).iterdir()) == sorted(["config.json", "own.py", *weights])
    if shards > 1:
        named = json.loads((Path(made) / weights[-1]).read_text())["weight_map"]
        assert all(name in safetensors.load_file(Path(made) / file) for name, file in named.items())
    never = evolve(WEIGHTS, load=lambda *_, **__: pytest.fail("a pickle was read again"))
    assert never.located(str(tmp_path / "bin"), None, "model") == made


def test_another_configuration_or_other_weights_make_another_folder(safe: Path, tmp_path: Path) -> None:
    folder = pickled(safe, tmp_path / "bin")
    found = {WEIGHTS.located(str(folder), None, "model")}
    (folder / "config.json").write_text('{"model_type": "y"}')
    found.add(WEIGHTS.located(str(folder), None, "model"))
    torch.save({"a": torch.zeros(1)}, folder / "pytorch_model.bin")
    found.add(WEIGHTS.located(str(folder), None, "model"))
    assert len(found) == 3


@pytest.mark.parametrize("shards", [1, 2])
def test_files_of_a_hub_are_asked_for_by_name(shards: int, safe: Path, tmp_path: Path) -> None:
    folder, asked = pickled(safe, tmp_path / "bin", shards=shards), []

    def fetch(path: str, name: str, *, revision: str | None) -> str | None:
        asked.append((path, revision))
        if not (folder / name).exists():
            raise OSError(name)
        return str(folder / name)

    hub = evolve(WEIGHTS, fetch=fetch)
    made = hub.located("org/model", "v1", "model")
    assert same(made)
    assert (Path(made) / "config.json").read_text() == '{"model_type": "x"}'
    assert set(asked) == {("org/model", "v1")}
    shutil.copyfile(safe / "model.safetensors", folder / "model.safetensors")
    assert hub.located("org/model", "v1", "model") == "org/model"


def test_what_is_not_there_is_left_to_who_loads_it(tmp_path: Path) -> None:
    assert WEIGHTS.located("org/model", None, "model") == "org/model"
    assert WEIGHTS.located(str(tmp_path), None, "model") == str(tmp_path)


def test_a_pickle_that_would_run_code_is_refused_with_its_name_and_what_it_asks_for(safe: Path, tmp_path: Path) -> None:
    folder = hostile(safe, tmp_path / "bin", tmp_path / "harm")
    with pytest.raises(StageError) as caught:
        WEIGHTS.located(str(folder), None, "[model] path")
    said = str(caught.value)
    assert said.startswith(f"[model] path: {str(folder / 'pytorch_model.bin')!r} holds more than tensors, or is broken")
    assert said.endswith(": it asks for 'posix.mkdir'")
    assert not (tmp_path / "harm").exists()
    assert list(cache().iterdir()) == []


@pytest.mark.parametrize(("held", "said"), [
    (b"nothing", "holds more than tensors, or is broken"),
    ([1, 2], "is no state dict; it holds list"),
    ({"a": 3}, "is no state dict; it holds dict"),
])  # fmt: skip
def test_files_that_hold_no_weights(tmp_path: Path, held: Any, said: str) -> None:
    if isinstance(held, bytes):
        (tmp_path / "w.pt").write_bytes(held)
    else:
        torch.save(held, tmp_path / "w.pt")
    with pytest.raises(StageError, match=said):
        WEIGHTS.file(tmp_path / "w.pt", "here")
    assert not cache().exists()


def test_a_file_of_its_own_is_converted_once(tmp_path: Path) -> None:
    shared = torch.arange(6.0)
    torch.save({"state_dict": {"a": shared, "b": shared[2:], "c": shared.reshape(2, 3).T}}, tmp_path / "w.pt")
    kept = WEIGHTS.file(tmp_path / "w.pt", "here")
    assert list(cache().iterdir()) == [kept]
    assert {name: tensor.tolist() for name, tensor in safetensors.load_file(kept).items()} == {
        "a": [0, 1, 2, 3, 4, 5], "b": [2, 3, 4, 5], "c": [[0, 3], [1, 4], [2, 5]],
    }  # fmt: skip
    never = evolve(WEIGHTS, load=lambda *_, **__: pytest.fail("a pickle was read again"))
    assert never.file(tmp_path / "w.pt", "here") == kept
    assert never.file(kept, "here") == kept


@pytest.mark.parametrize(("index", "said"), [
    ('{"weight_map": {"a": "../../w.bin"}}', "names '../../w.bin', which is no file beside it"),
    ('{"weight_map": {"a": "gone.bin"}}', "names 'gone.bin', which is not there"),
    ('{"weight_map": [1]}', "is no index of weights"),
    ("{", "is no index of weights"),
])  # fmt: skip
def test_an_index_that_leads_nowhere(index: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "pytorch_model.bin.index.json").write_text(index)
    with pytest.raises(StageError, match=said):
        WEIGHTS.located(str(tmp_path), None, "model")


def test_pickles_are_part_of_what_a_model_is_where_nothing_else_is_read(safe: Path, tmp_path: Path) -> None:
    folder = pickled(safe, tmp_path / "bin")
    before = fingerprint(str(folder)), fingerprint(str(safe))
    torch.save({"a": torch.zeros(1)}, folder / "pytorch_model.bin")
    torch.save({"a": torch.zeros(1)}, safe / "pytorch_model.bin")
    os.utime(folder / "pytorch_model.bin", (1, 1))
    assert fingerprint(str(folder)) != before[0]
    assert fingerprint(str(safe)) == before[1]

"""Pickled weights become safetensors, and nothing that is not a weight is loaded."""

import pickle
import shutil
from pathlib import Path

import pytest

from pairsmith.errors import UsageError
from pairsmith_vqa.convert import convert, main


class Hostile:
    """Would write a file when unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


@pytest.fixture
def pickled(models, tmp_path: Path) -> Path:
    import torch
    import transformers

    folder = tmp_path / "pickled"
    shutil.copytree(models["cola"], folder)
    (folder / "model.safetensors").unlink()
    model = transformers.AutoModelForSequenceClassification.from_pretrained(models["cola"])
    torch.save(model.state_dict(), folder / "pytorch_model.bin")
    return folder


def test_the_same_weights_come_out(pickled: Path, models, tmp_path: Path, capsys) -> None:
    import torch
    from safetensors.torch import load_file

    main([str(pickled), str(tmp_path / "safe")])
    assert capsys.readouterr().out.strip().endswith("model.safetensors")
    made, wanted = load_file(tmp_path / "safe" / "model.safetensors"), load_file(f"{models['cola']}/model.safetensors")
    assert made.keys() == wanted.keys()
    assert all(torch.equal(made[name], wanted[name]) for name in wanted)
    assert (tmp_path / "safe" / "config.json").exists()
    assert not list((tmp_path / "safe").glob("*.bin"))


def test_more_than_weights_is_refused(pickled: Path, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    (pickled / "pytorch_model.bin").write_bytes(pickle.dumps(Hostile(mark)))
    with pytest.raises(UsageError, match="holds more than weights, or is broken, and was not loaded"):
        convert(pickled, tmp_path / "safe")
    assert not mark.exists()
    assert not (tmp_path / "safe").exists()


def test_bad_arguments_are_said_in_a_sentence(models, pickled: Path, tmp_path: Path, capsys) -> None:
    with pytest.raises(UsageError, match="there is nothing to convert"):
        convert(Path(models["cola"]), tmp_path / "safe")
    with pytest.raises(SystemExit):
        main([str(pickled), str(tmp_path)])
    assert "exists; name a new directory" in capsys.readouterr().err

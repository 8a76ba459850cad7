import json

import pytest
import torch
from safetensors.torch import load_file
from transformers import LlavaForConditionalGeneration

from pairsmith_toyworld import blank
from pairsmith_toyworld.rebuild import put_in_place


def finished_run(folder, recall):
    model = folder / "stages" / "sft" / "output" / "model"
    LlavaForConditionalGeneration(blank.config()).save_pretrained(model)
    blank.processor().save_pretrained(model)
    scores = {"benchmark": "toyworld", "items": 400, "metrics": {"recall": recall, "chair_i": 15.123456}}
    document = {
        "name": "toyworld-base",
        "seed": 4,
        "recipe": {"schema": 1},
        "trainings": ["vision", "sft"],
        "versions": {"torch": "2"},
        "created": "2026-01-01T00:00:00+00:00",
    }
    evaluation = folder / "stages" / "evaluate-toyworld-trained"
    evaluation.mkdir(parents=True)
    (evaluation / "scores.json").write_text(json.dumps(scores))
    (folder / "run.json").write_text(json.dumps(document))
    return folder


def test_the_base_is_half_as_large_and_says_what_made_it(tmp_path):
    base = tmp_path / "base"
    note = put_in_place(finished_run(tmp_path / "run", 95.0), base)
    assert note == json.loads((base / "provenance.json").read_text(encoding="utf-8"))
    assert (note["recipe"], note["seed"], note["metrics"]) == ("toyworld-base", 4, {"recall": 95.0, "chair_i": 15.12})
    weights = load_file(base / "model.safetensors")
    assert {value.dtype for value in weights.values()} == {torch.float16}
    made, loaded = (
        LlavaForConditionalGeneration.from_pretrained(path, dtype=torch.float32).state_dict()
        for path in (tmp_path / "run" / "stages" / "sft" / "output" / "model", base)
    )
    assert all(torch.allclose(loaded[name], value, rtol=1e-3, atol=1e-6) for name, value in made.items())
    assert {path.name for path in base.iterdir()} == {
        path.name for path in (blank.Path(blank.__file__).parent / "blank").iterdir()
    } | {"model.safetensors", "provenance.json"}


def test_a_model_that_does_not_see_is_refused_and_nothing_is_changed(tmp_path):
    base = tmp_path / "base"
    base.mkdir()
    (base / "old").touch()
    with pytest.raises(SystemExit, match=r"recall is 89\.9 and must be 90"):
        put_in_place(finished_run(tmp_path / "run", 89.9), base)
    assert [path.name for path in base.iterdir()] == ["old"]

"""Weights that were published as pickles: families and reward models read them as their safetensors, once."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from attrs import evolve
from tiny_qwen_vl_chat import make
from tiny_rewards import armorm, classifier

from pairsmith.errors import StageError
from pairsmith.interfaces import Weights
from pairsmith.testing import make_run
from pairsmith.testing.pickles import hostile, pickled
from pairsmith.values import Case, Response, Sample, user
from pairsmith_hf import checkpoint, rewards
from pairsmith_hf.armorm import ArmoJudge
from pairsmith_hf.judges import ArmoOptions, RewardOptions
from pairsmith_hf.llava import LlavaFamily
from pairsmith_hf.options import LlavaOptions, QwenVLChatOptions, RandomLlavaOptions
from pairsmith_hf.qwen_vl_chat import QwenVLChatFamily
from pairsmith_hf.random_llava import RandomLlavaFamily

TOKENS = torch.arange(5, 20)[None]


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "modules"))
    monkeypatch.syspath_prepend(tmp_path / "modules")


@pytest.fixture
def never(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Have any pickle that is read fail the test from now on."""

    def forbid() -> None:
        forbidden = evolve(checkpoint.SAFE, load=lambda *_, **__: pytest.fail("a pickle was read again"))
        monkeypatch.setattr(checkpoint, "SAFE", forbidden)
        monkeypatch.setattr(rewards, "SAFE", forbidden)

    return forbid


def llava(tmp_path: Path) -> str:
    options = RandomLlavaOptions(image_size=16, patch_size=8, vocabulary=300, std=0.05)
    return RandomLlavaFamily(options, make_run(tmp_path / "made")).weights.path


def logits(path: str | Path, run: Path) -> torch.Tensor:
    family = LlavaFamily(LlavaOptions(path=str(path)), make_run(run))
    with torch.inference_mode():
        read: torch.Tensor = family.load(family.weights, device="cpu", dtype="float32")(input_ids=TOKENS).logits  # type: ignore[operator]
        return read


@pytest.mark.parametrize("shards", [1, 2])
def test_a_family_reads_them_as_its_safetensors(shards: int, tmp_path: Path, never: Callable[[], None]) -> None:
    safe = llava(tmp_path)
    twin = pickled(safe, tmp_path / "bin", shards=shards)
    wanted = logits(safe, tmp_path / "run")
    assert torch.equal(logits(twin, tmp_path / "run"), wanted)
    never()
    assert torch.equal(logits(twin, tmp_path / "run"), wanted)


def test_a_familys_own_code_is_filled_from_them(tmp_path: Path, never: Callable[[], None]) -> None:
    safe = make(tmp_path / f"safe-{abs(hash(tmp_path))}")
    twin = pickled(safe, tmp_path / f"bin-{abs(hash(tmp_path))}", shards=2)

    def weights(folder: Path) -> dict[str, torch.Tensor]:
        family = QwenVLChatFamily(
            QwenVLChatOptions(path=str(folder), trust_remote_code=True), make_run(tmp_path / "run")
        )
        return family.load(Weights(path=str(folder)), device="cpu", dtype="float32").state_dict()

    wanted, found = weights(safe), weights(twin)
    assert all(torch.equal(found[name], wanted[name]) for name in wanted)
    never()
    assert weights(twin).keys() == wanted.keys()


@pytest.mark.parametrize("kind", ["armorm", "reward-model"])
def test_a_reward_model_scores_as_with_its_safetensors(kind: str, tmp_path: Path, never: Callable[[], None]) -> None:
    safe = (armorm if kind == "armorm" else classifier)(tmp_path / "safe")
    twin = pickled(safe, tmp_path / "bin")
    responses = tuple(Response(id=f"s/{n}", sample_id="s", text=text) for n, text in enumerate(("A dog.", "Two cats.")))
    case = Case(sample=Sample(id="s", prompt=user("What is this?")), responses=responses)

    def scores(folder: Path, place: str) -> list[Any]:
        (verdicts,) = judge(kind, folder, tmp_path / place).judge([case])
        return [one.score for one in verdicts]

    wanted = scores(safe, "safe-run")
    assert scores(twin, "one") == wanted
    never()
    assert scores(twin, "two") == wanted


def judge(kind: str, folder: Path, run: Path) -> Any:
    if kind == "armorm":
        return ArmoJudge(ArmoOptions(model=str(folder)), make_run(run))
    return rewards.RewardJudge(RewardOptions(model=str(folder)), make_run(run))


def test_a_pickle_that_would_run_code_is_refused(tmp_path: Path) -> None:
    harm = tmp_path / "harm"
    said = r": '.*pytorch_model.bin' holds more than tensors, .* it asks for 'posix.mkdir'"
    with pytest.raises(StageError, match=r"\[model\] path" + said):
        logits(hostile(llava(tmp_path), tmp_path / "bad", harm), tmp_path / "run")
    bad = hostile(classifier(tmp_path / "safe"), tmp_path / "worse", harm)
    with pytest.raises(StageError, match="use = 'reward-model': model" + said):
        judge("reward-model", bad, tmp_path / "judge").load()
    assert not harm.exists()


def test_other_pickles_are_another_model(tmp_path: Path) -> None:
    """What is kept for a model is not taken for that of another one."""
    folder = pickled(llava(tmp_path), tmp_path / "bin")
    before = checkpoint.fingerprint(Weights(path=str(folder)))
    torch.save({"a": torch.zeros(1)}, folder / "pytorch_model.bin")
    assert checkpoint.fingerprint(Weights(path=str(folder))) != before

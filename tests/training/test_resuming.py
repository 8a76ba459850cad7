"""A training goes on from its last good checkpoint, bit for bit, whatever was killed, cut short or written to a full disk."""

import errno
import json
import resource
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from attrs import evolve

from jobs import answers, loaded, make_family, make_items, make_job, train
from pairsmith.errors import StageError
from pairsmith.interfaces import Job, Weights
from pairsmith.resuming import Checkpoints
from pairsmith_losses.dpo import Dpo
from pairsmith_losses.options import DpoOptions
from pairsmith_train.options import LoraOptions

WAYS: dict[str, dict[str, Any]] = {
    # Every weight of a LLaVA: transformers' own trainer goes on from the base weights here, with a line in its log.
    "full": {"parts": ("vision", "projector", "language-model"), "learning_rate": 1e-3},
    "adapter": {"lora": LoraOptions(r=2, full=("projector",), dropout=0.1)},
}
COMMON: dict[str, Any] = {"epochs": 2.0, "save_steps": 1}


class Killed(Exception):
    pass


class Ends(Dpo):
    """Ends the training in the forward pass of a step."""

    def __init__(self, step: int) -> None:
        super().__init__(DpoOptions(), None)
        self.step, self.taken = step, 0

    def __call__(self, policy, reference):
        if torch.is_grad_enabled():  # and not in the check of the first step
            self.taken += 1
            if self.taken == self.step:
                raise Killed
        return super().__call__(policy, reference)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Job, Weights]]:
    """An unbroken training of each kind."""
    folder = tmp_path_factory.mktemp("whole")
    items, family = make_items(folder / "images", pairs=8), make_family(folder / "run")
    jobs = {way: make_job(folder / way, family, items) for way in WAYS}
    return {way: (job, train(job, **COMMON, **WAYS[way])) for way, job in jobs.items()}


def killed_at(job: Job, step: int, way: str, **more: Any) -> None:
    with pytest.raises(Killed):
        train(evolve(job, loss=Ends(step)), **{**COMMON, **WAYS[way], **more})


def check_same(job: Job, ours: Weights, whole: tuple[Job, Weights]) -> None:
    theirs, weights = whole
    assert losses(job) == losses(theirs)
    found, wanted, base = (
        answers(job.family, loaded(job.family, one), job.items) for one in (ours, weights, job.weights)
    )
    assert torch.equal(found, wanted)
    assert not torch.allclose(found, base, atol=1e-3), "it learnt nothing"


def losses(job: Job) -> list[float]:
    return [json.loads(line)["loss"] for line in job.metrics.read_text().splitlines()]


@pytest.mark.parametrize("way", WAYS)
def test_a_training_that_was_cut_off_goes_on_bit_for_bit(
    tmp_path: Path, made: dict[str, tuple[Job, Weights]], way: str, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = made[way][0]
    job = make_job(tmp_path, whole.family, whole.items)
    killed_at(job, 3, way)
    again = train(job, **COMMON, **WAYS[way])
    assert "goes on from step 2" in capsys.readouterr().out
    check_same(job, again, made[way])


def test_a_damaged_checkpoint_is_left_out_with_a_sentence_and_the_one_before_used(
    tmp_path: Path,
    made: dict[str, tuple[Job, Weights]],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = made["adapter"][0]
    job = make_job(tmp_path, whole.family, whole.items)
    keep, there = Checkpoints.keep, list[str | None]()

    def watched(self: Checkpoints, step: int, newest: int) -> None:
        last = self.last()
        there.append(last and last.name)
        keep(self, step, newest)

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoints, "keep", watched)
        killed_at(job, 4, "adapter")
    assert there == [None, "checkpoint-1", "checkpoint-2"], "a good one is there while the next is written"
    checkpoints = Checkpoints(job.output / "checkpoints")
    file = checkpoints.path(3) / "optimizer.pt"
    assert checkpoints.last() == checkpoints.path(3)
    size = file.stat().st_size
    file.write_bytes(file.read_bytes()[:100])
    again = train(job, **COMMON, **WAYS["adapter"])
    said = capsys.readouterr().out
    assert f"left out the checkpoint of step 3: 'optimizer.pt' has 100 of its {size} bytes" in said
    assert "goes on from step 2" in said
    check_same(job, again, made["adapter"])


def test_a_full_disk_costs_no_good_checkpoint(
    tmp_path: Path, made: dict[str, tuple[Job, Weights]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The operating system refuses to write more than so many bytes to a file, as it does on a disk that is full."""
    whole = made["full"][0]
    job = make_job(tmp_path, whole.family, whole.items)
    place = job.output / "checkpoints" / "checkpoint-1"
    with monkeypatch.context() as patch:
        limit_files(patch, 50_000, after=1)
        with pytest.raises(StageError, match=r"The disk is full: .* of checkpoints that of step 1 is kept\. Free some"):
            train(job, **COMMON, **WAYS["full"])
    assert Checkpoints(job.output / "checkpoints").last() == place
    with monkeypatch.context() as patch:
        patch.setattr("pairsmith_train.results._save", no_room)
        with pytest.raises(StageError, match=r"The disk is full: .* of checkpoints that of step 4 is kept\. Free some"):
            train(job, **COMMON, **WAYS["full"])
    again = train(job, **COMMON, **WAYS["full"])
    check_same(job, again, made["full"])


def no_room(*_: Any) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def limit_files(patch: pytest.MonkeyPatch, size: int, after: int) -> None:
    """Let no file grow beyond so many bytes while transformers writes a checkpoint, after that many."""
    from transformers import Trainer

    write, written = Trainer._save_checkpoint, list[Any]()

    def limited(*given: Any) -> None:
        written.append(given)
        if len(written) <= after:
            return write(*given)
        old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        try:
            return write(*given)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            signal.signal(signal.SIGXFSZ, old)

    patch.setattr(Trainer, "_save_checkpoint", limited)


def write(checkpoints: Checkpoints, step: int) -> Path:
    """Leave what a library does at a step, and return its folder."""
    path = checkpoints.unfinished / f"checkpoint-{step}"
    path.mkdir(parents=True)
    (path / "model.safetensors").write_bytes(b"weights")
    (path / "training_args.bin").write_bytes(b"a pickle")
    return path


def test_a_checkpoint_has_its_name_once_it_is_whole(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path)
    assert checkpoints.last() is None
    for step in (2, 10):
        written = write(checkpoints, step)
        assert checkpoints.last() != checkpoints.path(step)
        checkpoints.keep(step, 2)
        assert not written.exists()
    assert checkpoints.last() == checkpoints.path(10), "by number, not by name"
    assert not (checkpoints.path(10) / "training_args.bin").exists()
    write(checkpoints, 12)
    assert checkpoints.last() == checkpoints.path(10)
    checkpoints.sweep()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint-10", "checkpoint-2"]
    checkpoints.remove()
    assert not tmp_path.exists()


def test_old_checkpoints_go_once_the_new_one_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed while an old one is removed: it lost its name first, so what is left of it is no damage to report."""
    checkpoints, said = Checkpoints(tmp_path), list[str]()
    write(checkpoints, 1)
    checkpoints.keep(1, 1)
    write(checkpoints, 2)
    remove = shutil.rmtree

    def dies(path: Path, **given: Any) -> None:
        assert checkpoints.last() == checkpoints.path(2), "the new one counts before anything is removed"
        if path.name == "old-checkpoint-1" and path.exists():
            (path / "model.safetensors").unlink()
            raise Killed
        remove(path, **given)

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", dies)
        with pytest.raises(Killed):
            checkpoints.keep(2, 1)
    assert checkpoints.last() == checkpoints.path(2)
    checkpoints.sweep(said.append)
    assert (said, [path.name for path in tmp_path.iterdir()]) == ([], ["checkpoint-2"])


def test_a_list_of_files_that_cannot_be_read_does_not_count(tmp_path: Path) -> None:
    checkpoints, said = Checkpoints(tmp_path), list[str]()
    write(checkpoints, 3)
    checkpoints.keep(3, 2)
    (checkpoints.path(3) / "files.json").write_text('{"model.safe')
    assert checkpoints.last() is None
    checkpoints.sweep(said.append)
    assert said == ["left out the checkpoint of step 3: its list of files cannot be read"]


def test_a_checkpoint_that_lost_a_file_does_not_count(tmp_path: Path) -> None:
    checkpoints, said = Checkpoints(tmp_path), list[str]()
    for step in (1, 2):
        write(checkpoints, step)
        checkpoints.keep(step, 2)
    assert checkpoints.last() == checkpoints.path(2)
    (checkpoints.path(2) / "model.safetensors").unlink()
    assert checkpoints.last() == checkpoints.path(1)
    checkpoints.sweep(said.append)
    assert said == ["left out the checkpoint of step 2: 'model.safetensors' is gone"]
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-1"]


def test_an_error_of_another_kind_is_passed_on_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(KeyError), Checkpoints(tmp_path).with_room():
        raise KeyError("x")

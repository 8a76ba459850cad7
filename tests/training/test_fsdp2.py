"""FSDP2 on two processes: what one process makes, from whole weights that no process holds."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from fsdp2_ranks import CUT, SHARED, WAYS
from jobs import loaded, make_family, make_items, make_job, train
from pairsmith.interfaces import Weights

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def sharded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sharded")
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    done = subprocess.run(
        [*launch, str(Path(__file__).with_name("fsdp2_ranks.py")), str(folder), *WAYS],
        env={**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-5000:]
    assert done.stdout.count(f"goes on from step {CUT - 1}") == len(WAYS), done.stdout
    return folder


def curve(folder: Path) -> list[float]:
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    return [value for row in rows for value in (row["loss"], row.get("held_out/loss", 0.0))]


@pytest.mark.parametrize("way", WAYS)
def test_two_processes_that_share_every_weight_train_as_one_does_and_go_on_where_they_were_cut(
    sharded: Path, tmp_path: Path, way: str
) -> None:
    family = make_family(tmp_path / "family")
    job = make_job(tmp_path, family, make_items(tmp_path / "items"))
    alone = train(job, **SHARED, **WAYS[way])
    assert len(curve(tmp_path)) > 2 * CUT
    assert curve(sharded / way) == pytest.approx(curve(tmp_path), rel=1e-4, abs=1e-4)
    assert curve(sharded / f"{way}-cut") == pytest.approx(curve(sharded / way), abs=1e-6)

    def trained(folder: Path) -> dict[str, torch.Tensor]:
        output = folder / "output"
        weights = Weights(path=alone.path, adapter=output / "adapter")
        if alone.adapter is None:
            weights = Weights(path=str(output / "model"))
        return dict(loaded(family, weights).state_dict())

    ours, theirs, cut = trained(tmp_path), trained(sharded / way), trained(sharded / f"{way}-cut")
    for name, value in ours.items():
        # A bias of keys adds the same to every score: its gradient is noise, of which Adam makes whole steps.
        if not name.endswith("k_proj.bias"):
            torch.testing.assert_close(theirs[name], value, rtol=1e-4, atol=1e-4, msg=name)
        torch.testing.assert_close(cut[name], theirs[name], rtol=0, atol=1e-6, msg=name)
    assert not (sharded / way / "output" / "checkpoints").exists()

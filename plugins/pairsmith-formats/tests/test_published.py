"""The real samples that were published, in and out again."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from pairsmith.values import turns, user

SHARED = Path(os.environ.get("PAIRSMITH_SHARED", Path(__file__).parents[4] / "shared"))
PDS, MCM = SHARED / "data" / "pds-dpo", SHARED / "data" / "mcm-dpo" / "twitter"


@pytest.mark.skipif(not PDS.is_dir(), reason=f"there is no published sample at {PDS}")
@pytest.mark.parametrize("file", ["json", "jsonl"])
def test_pds_dpo(formats: Any, tmp_path: Path, file: str) -> None:
    rows = json.loads((PDS / "pairs.json").read_text(encoding="utf-8"))
    samples = list(formats.source("llava-preferences", PDS).samples())
    files = formats.through("llava-preferences", samples, tmp_path / "out", file=file)
    assert formats.rows(files[0]) == rows
    for row in rows:
        assert (tmp_path / "out" / row["image"]).read_bytes() == (PDS / row["image"]).read_bytes()


@pytest.mark.skipif(not MCM.is_dir(), reason=f"there is no published sample at {MCM}")
def test_mcm_dpo(formats: Any, tmp_path: Path) -> None:
    rows = json.loads((MCM / "train.json").read_text(encoding="utf-8"))
    samples = list(formats.source("mcm-dpo", MCM, images=MCM / "images").samples())
    assert all(sample.images[0].path.is_file() and sample.context for sample in samples)
    for row, sample in zip(rows, samples, strict=True):
        said = json.loads(row["text"])
        assert turns(sample) == user(said["question"])
        assert [one.text for one in sample.given] == [said["chosen"], said["rejected"]]
    files = formats.through("mcm-dpo", samples, tmp_path / "out")
    assert formats.rows(files[0]) == rows
    for row in rows:
        name = row["image"]["path"]
        assert (tmp_path / "out" / name).read_bytes() == (MCM / "images" / name).read_bytes()


@pytest.mark.skipif(not PDS.is_dir(), reason=f"there is no published sample at {PDS}")
@pytest.mark.parametrize("form", ["trl", "ms-swift", "llama-factory", "mllm-dpo", "rlaif-v", "trl-plain"])
def test_pds_dpo_as_another_tools_rows(formats: Any, tmp_path: Path, form: str) -> None:
    samples = list(formats.source("llava-preferences", PDS).samples())
    (path, *_) = formats.through(form, samples, tmp_path / "out")
    again = list(formats.source(form, path).samples())
    for one, before in zip(again, samples, strict=True):
        assert (one.prompt, [answer.text for answer in one.given]) == (
            before.prompt,
            [answer.text for answer in before.given],
        )
        assert one.images[0].path.read_bytes() == before.images[0].path.read_bytes()

"""Every component of this plugin keeps the contract of its kind."""

import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from pairsmith.registry import Registry
from pairsmith.testing import ExporterContract, ImageSourceContract, JudgeContract
from pairsmith.values import Case, Response, Sample, user

TURNS = [{"from": "human", "value": "<image> What?"}, {"from": "gpt", "value": "That."}]
CHAT = [{"role": "user", "content": "What?"}, {"role": "assistant", "content": "That."}]
PLAIN = {"question": "What?", "chosen": "That.", "rejected": "This."}
ROWS: dict[str, Any] = {
    "llava-preferences": {"conversations": TURNS, "rejected_conversations": TURNS},
    "llava": {"conversations": TURNS},
    "mllm-dpo": {"question": TURNS[0], "chosen": TURNS[1], "rejected": TURNS[1]},
    "mcm-dpo": {"text": json.dumps(PLAIN)},
    "rlhf-v": {"text": json.dumps(PLAIN)},
    "rlaif-v": PLAIN,
    "vlfeedback": {"prompt": "What?", "completions": [{"model": "m", "response": "That."}]},
    "trl": {"prompt": CHAT[:1], "chosen": CHAT[1:], "rejected": CHAT[1:]},
    "trl-plain": {"prompt": "What?", "chosen": "That.", "rejected": "This."},
    "llama-factory": {"conversations": TURNS[:1], "chosen": TURNS[1], "rejected": TURNS[1]},
    "ms-swift": {"messages": CHAT, "rejected_response": "This."},
}


class SourceContract(ImageSourceContract):
    """Four rows of a format."""

    def make_options(self, tmp_path: Path) -> dict[str, Any]:
        form = self.name.partition("/")[2]
        folder = tmp_path / "published"
        (folder / "images").mkdir(parents=True, exist_ok=True)
        rows = []
        for number in range(4):
            (folder / "images" / f"{number}.jpg").write_bytes(b"pixels")
            image = f"images/{number}.jpg"
            rows.append({"id": number, "image": image, **ROWS[form]})
        (folder / "rows.json").write_text(json.dumps(rows))
        return {"path": str(folder)}


for _name in ROWS:
    _stem = "".join(map(str.title, _name.split("-")))
    globals()[f"Test{_stem}Source"] = type(f"{_stem}Source", (SourceContract,), {"name": f"pairsmith-formats/{_name}"})
    globals()[f"Test{_stem}Export"] = type(
        f"{_stem}Export", (ExporterContract,), {"name": f"pairsmith-formats/{_name}"}
    )


class TestDgprefSource(ImageSourceContract):
    name = "pairsmith-formats/dgpref"

    def make_options(self, tmp_path: Path) -> dict[str, Any]:
        folder = tmp_path / "published"
        folder.mkdir(exist_ok=True)
        pair = {"prefer": "A", "reject": "B", "prefer_idx": 1, "reject_idx": 0}
        (folder / "pairs.pkl").write_bytes(pickle.dumps({str(n): {"sample_pair": [pair]} for n in range(3)}))
        for number in range(3):
            (folder / f"{number}.jpg").write_bytes(b"pixels")
        return {"path": str(folder / "pairs.pkl"), "images": str(folder)}


class TestDgprefExport(ExporterContract):
    name = "pairsmith-formats/dgpref"


class TestPicturesExport(ExporterContract):
    name = "pairsmith-formats/images"


class TestRatings(JudgeContract):
    name = "pairsmith-formats/ratings"

    def make_cases(self, tmp_path: Path, aspects: tuple[str, ...] | None) -> list[Case]:
        cases = []
        for number in range(3):
            answers = tuple(Response(id=f"s{number}/{k}", sample_id=f"s{number}", text="A") for k in range(2))
            extra = {"ratings": {"0": {"Helpfulness": 2.0, "Correctness": 4.0}}}
            sample = Sample(id=f"s{number}", prompt=user("?"), given=answers, extra=extra)
            cases.append(Case(sample=sample, responses=answers))
        return cases


@pytest.mark.parametrize("kind", ["image_sources", "exporters"])
def test_every_format_is_held_to_its_contract(kind: Any) -> None:
    offered = {one.component.name for one in Registry.discover().offers(kind) if one.plugin == "pairsmith-formats"}
    readers = {"dgpref-captions", "alt-text", "lrv-instruct", "scigraphqa"}
    assert offered == {*ROWS, "dgpref", *(readers if kind == "image_sources" else {"images"})}

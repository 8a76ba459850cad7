"""The experts in one run: claims, detector, questions, writing; other thresholds; what depends on an absent thing."""

import importlib.util
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from pairsmith.progress import progress
from pairsmith.recipe import Document
from pairsmith.start import start
from pairsmith.view import DirectoryView

ROOT = Path(__file__).resolve().parents[1]
REPLIES = {
    "Things:": "(dog); (table); (cat)",
    "Attributes:": "(brown, dog); (huge, table); (striped, cat)",
    "Counts:": "two dogs",
    "Relations:": "(dog, left of, table); (dog, biting, cat)",
}


def module(plugin: str, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        f"{plugin}_{name}", ROOT / "plugins" / plugin / "tests" / f"{name}.py"
    )
    assert spec
    assert spec.loader
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("models")
    vqa = module("pairsmith-vqa", "models")
    return {
        "owl-vit": module("pairsmith-grounding", "models").owl_vit(folder / "owl-vit"),
        "blip": vqa.blip(folder / "blip"),
        "cola": vqa.cola(folder / "cola"),
        "llama": module("pairsmith-decompose", "conftest").build(folder / "llama"),
    }


class Given:
    """Answers every sample eight times; all answers say the same but for their last word."""

    def respond(self, samples, *, seed: int, greedy: bool = False):
        from pairsmith.values import Response

        return [
            [
                Response(id=f"{sample.id}/{k}", sample_id=sample.id, text=f'A dog. A sign says "OPEN". {k}')
                for k in range(8)
            ]
            for sample in samples
        ]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How many questions each expert is put; the text model's replies are scripted."""
    from pairsmith.answers import Answers

    asked: Counter[str] = Counter()
    given = Answers._given

    def counted(self, expert, batch):
        asked[self.expert] += len(batch)
        return given(self, expert, batch)

    def reply(_, conversations):
        return [REPLIES[one[0]["content"].splitlines()[-1]] for one in conversations]

    monkeypatch.setattr(Answers, "_given", counted)
    monkeypatch.setattr("pairsmith_decompose.model.TextModel.reply", reply)
    return asked


def go(folder: Path, name: str, models: dict[str, str], *, boxes: float, **more: Any) -> DirectoryView:
    pictures = folder / "pictures"
    if not pictures.exists():
        pictures.mkdir()
        for number in range(3):
            pixels = np.random.default_rng(number).integers(0, 256, (48, 40, 3), dtype=np.uint8)
            Pillow.fromarray(pixels).save(pictures / f"{number}.png")
    tables = {
        "schema": 1,
        "images": {"use": "folder", "path": str(pictures), "prompt": "Describe the image."},
        "responses": {"use": Given()},
        "claims": {"use": "llm-fewshot", "model": models["llama"], "max_new_tokens": 8},
        "judges": [
            {"use": "owl-vit", "model": models["owl-vit"], "floor": 0.0, "threshold": boxes},
            {"use": "vqa", "model": models["blip"], "gate": models["cola"], "answer": "p-yes", **more},
            {"use": "ocr"},
        ],
        "reports": [],
    }
    path = start(
        Document(name="experts", tables=tables), out=folder / "runs" / name, until="verdicts", progress=progress()
    )
    return DirectoryView(path)


def by_text(view: DirectoryView) -> dict[tuple[str, str], Any]:
    found = {}
    for judged in view.judged():
        texts = {claim.id: claim.text for claim in judged.claims}
        found |= {(judged.sample.id, texts[verdict.claim_id]): verdict for verdict in judged.verdicts}
    return found


def test_a_run_asks_each_question_once_and_other_thresholds_ask_none(models, calls, tmp_path: Path) -> None:
    view = go(tmp_path, "first", models, boxes=0.0, gate_threshold=0.0)
    things, questions, texts = 3, 3, 8
    splits = 4
    # Counts break the grammar, so each of the eight answers is asked about once more.
    assert calls == {
        "llm-fewshot": texts * (splits + 1),
        "owl-vit": 3 * things,
        "vqa": 3 * questions,
        "grammar": questions,
        "ocr": 3,
    }
    assert view.stages()["claims"]["counts"] == {"claims": 3 * 8 * 9, "dropped: unparsed": 3 * 8}
    lost = next(view.dropped("claims"))
    assert (lost["reason"], lost["detail"]) == ("unparsed", "count: there is no tuple and no NONE in 'two dogs'")
    first = by_text(view)
    yes = sorted(verdict.evidence["yes"] for verdict in first.values() if verdict.judge == "vqa")
    calls.clear()
    for number, threshold in enumerate([yes[0], yes[-1], 1.0]):
        again = by_text(go(tmp_path, f"again-{number}", models, boxes=0.0, gate_threshold=0.0, threshold=threshold))
        for key, verdict in again.items():
            if verdict.judge == "vqa":
                assert verdict.outcome == ("supported" if verdict.evidence["yes"] >= threshold else "contradicted")
                assert verdict.evidence == first[key].evidence
    assert not calls


def test_what_is_said_of_an_absent_thing_reaches_no_expert(models, calls, tmp_path: Path) -> None:
    view = go(tmp_path, "first", models, boxes=1.0)
    assert calls["owl-vit"] == 9
    assert not calls["vqa"]
    for (_, text), verdict in by_text(view).items():
        if verdict.judge == "vqa":
            assert verdict.outcome == "skipped"
            assert verdict.reason.startswith("depends on a contradicted claim: there is a "), text
        elif verdict.judge == "ocr":
            assert (verdict.outcome, verdict.evidence["lines"]) == ("contradicted", [])
    counts = view.stages()
    names = [name for name in counts if name.startswith("verdicts")]
    assert [counts[name]["counts"] for name in names] == [
        {"contradicted": 72, "skipped": 48},
        {"skipped": 72},
        {"contradicted": 24},
    ]

"""Every component of this plugin keeps the contract of its kind."""

import json
from pathlib import Path
from typing import Any

from pairsmith.testing import ExporterContract, ImageSourceContract


class TestLlavaPreferences(ImageSourceContract):
    name = "pairsmith-formats/llava-preferences"

    def make_options(self, tmp_path: Path) -> dict[str, Any]:
        folder = tmp_path / "published"
        (folder / "images").mkdir(parents=True, exist_ok=True)
        turns = [{"from": "human", "value": "<image> What?"}, {"from": "gpt", "value": "That."}]
        rows = []
        for number in range(4):
            (folder / "images" / f"{number}.jpg").write_bytes(b"pixels")
            row = {"id": number, "image": f"images/{number}.jpg"}
            rows.append({**row, "conversations": turns, "rejected_conversations": turns})
        (folder / "pairs.json").write_text(json.dumps(rows))
        return {"path": str(folder)}


class TestLlavaExport(ExporterContract):
    name = "pairsmith-formats/llava-preferences"

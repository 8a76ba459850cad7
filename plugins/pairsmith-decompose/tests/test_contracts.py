"""The decomposer keeps the contract of its kind."""

from pathlib import Path
from typing import Any

import pytest

from pairsmith.testing import DecomposerContract


class TestLlmFewshot(DecomposerContract):
    name = "pairsmith-decompose/llm-fewshot"

    @pytest.fixture(autouse=True)
    def _model(self, llama: str) -> None:
        self._llama = llama

    def make_options(self, tmp_path: Path) -> dict[str, Any]:
        return {"model": self._llama, "max_new_tokens": 8}

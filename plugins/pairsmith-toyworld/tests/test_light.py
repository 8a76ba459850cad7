import subprocess
import sys

import pytest

HEAVY = ("torch", "transformers", "tokenizers", "numpy", "PIL", "safetensors")


@pytest.mark.parametrize("module", ["", ".options", ".scene", ".caption", ".grammar", ".oracle", ".chair"])
def test_light_modules_load_no_heavy_library(module):
    code = f"import sys, pairsmith_toyworld{module}; print([name for name in {HEAVY!r} if name in sys.modules])"
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert made.stdout.strip() == "[]"

"""Commands that only look never import a model library, with every first-party plugin installed."""

import subprocess
import sys

import pytest

from pairsmith.testing.component import HEAVY


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["plugins"],
        ["plugins", "dpo"],
        ["recipes"],
        ["check", "toyworld"],
        ["run", "--help"],
        ["import", "--help"],
        ["export", "--help"],
        ["evaluate", "--help"],
        ["judge-report", "--help"],
    ],
)
def test_looking_is_light(arguments: list[str]) -> None:
    code = (
        "import sys\n"
        "from pairsmith.cli import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        f"print('LOADED', *(name for name in {HEAVY!r} if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1].strip() == "LOADED"

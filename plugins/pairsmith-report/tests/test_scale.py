"""Large runs: the memory of a page does not grow with the number of pairs."""

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import importlib.util, resource, sys
from pathlib import Path
spec = importlib.util.spec_from_file_location("synthetic", sys.argv[1])
synthetic = importlib.util.module_from_spec(spec)
spec.loader.exec_module(synthetic)
from pairsmith_report.options import HtmlOptions
from pairsmith_report.page import HtmlReporter
run = synthetic.synthetic_run(Path(sys.argv[2]), int(sys.argv[3]))
HtmlReporter(HtmlOptions(), None).report(run)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def most_memory(folder: Path, size: int) -> int:
    """Return the MiB that a process needed at most."""
    folder.mkdir()
    synthetic = Path(__file__).with_name("conftest.py")
    command = [sys.executable, "-c", SCRIPT, str(synthetic), str(folder), str(size)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def test_memory_does_not_grow_with_the_run(tmp_path: Path) -> None:
    small, large = most_memory(tmp_path / "small", 100), most_memory(tmp_path / "large", 10_000)
    assert large < small + 16

"""Why a training's processes ended, from what they left in its log."""

from pathlib import Path

import pytest

from pairsmith.training import _reason

OTHERS = "[rank0]: RuntimeError: [pair.cc:537] Read error [127.0.0.1]:22734: Connection reset by peer."
TORCHRUN = "E1121 17:08:06 14935 api.py:1002] failed (exitcode: -9) local_rank: 1 (pid: 15073) of binary: python"
CHILD = "torch.distributed.elastic.multiprocessing.errors.ChildFailedError: "


@pytest.mark.parametrize(
    ("log", "code", "said"),
    [
        (
            f"vision 5 0\n{OTHERS}\n{TORCHRUN}\n{CHILD}",
            1,
            "process 1 was ended by SIGKILL; if nobody sent it, memory ran out",
        ),
        ("vision 5 0", -9, "its process was ended by SIGKILL; if nobody sent it, memory ran out"),
        ("vision 5 0", -15, "its process was ended by SIGTERM"),
        (f"[rank1]: ValueError: no\n{OTHERS}\n{CHILD}", 1, "ValueError: no"),
        (f"{OTHERS}\n{CHILD}", 1, OTHERS.removeprefix("[rank0]: ")),
        ("", 3, "its process ended with exit code 3"),
    ],
    ids=["one of several", "alone", "politely", "an error", "nothing else is known", "silently"],
)
def test_the_reason_is_the_first_cause(tmp_path: Path, log: str, code: int, said: str) -> None:
    path = tmp_path / "log.txt"
    path.write_text(log)
    assert _reason(path, 0, code) == said


def test_what_an_earlier_start_said_is_no_reason(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_text("ValueError: the first time\n")
    began = path.stat().st_size
    assert _reason(path, began, -9).startswith("its process was ended by SIGKILL")

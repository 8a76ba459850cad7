"""Checkpoints that are whole or ignored. The last whole one is never lost, whatever is killed and whenever."""

import os
import shutil
from pathlib import Path

from attrs import frozen

_MARK = "whole"
_UNUSED = ("training_args.bin",)
"""Pickles that transformers writes and that nothing here reads."""


@frozen
class Checkpoints:
    """The checkpoints of one training. A checkpoint counts once its mark is there, which is written last."""

    directory: Path

    def path(self, step: int) -> Path:
        """Return where transformers puts the checkpoint of a step."""
        return self.directory / f"checkpoint-{step}"

    def mark(self, step: int) -> None:
        """Note that a checkpoint is whole, after everything in it has reached the disk."""
        path = self.path(step)
        for name in _UNUSED:
            (path / name).unlink(missing_ok=True)
        for file in path.rglob("*"):
            if file.is_file():
                _flush(file)
        mark = path / _MARK
        mark.write_text(f"{step}\n", encoding="utf-8")
        _flush(mark)
        _flush(path)

    def last(self) -> Path | None:
        """Return the newest whole checkpoint."""
        whole = [path.parent for path in self.directory.glob(f"checkpoint-*/{_MARK}")]
        return max(whole, key=lambda path: int(path.name.partition("-")[2]), default=None)

    def sweep(self) -> None:
        """Remove what a killed process left half written."""
        for path in self.directory.glob("checkpoint-*"):
            if not (path / _MARK).exists():
                shutil.rmtree(path)

    def remove(self) -> None:
        """Remove all of them: the training is finished and its result is kept."""
        shutil.rmtree(self.directory, ignore_errors=True)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

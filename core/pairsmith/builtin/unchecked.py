"""The image check that looks at nothing."""

from pathlib import Path

from attrs import frozen

from pairsmith.component import NoOptions
from pairsmith.interfaces import CheckedImage, Run


@frozen
class Unchecked:
    """Takes every file that is there as it is."""

    options: NoOptions
    run: Run

    def check(self, path: Path) -> CheckedImage | str:
        """Return the image unless there is no file."""
        return CheckedImage() if path.is_file() else "is not a file"

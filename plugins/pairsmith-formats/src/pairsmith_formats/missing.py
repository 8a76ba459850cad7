"""What to say where a library is not there."""

from pairsmith.errors import StageError


class MissingLibraryError(StageError):
    """A library that only some formats need is not installed."""

    def __init__(self, library: str, purpose: str) -> None:
        """Word it."""
        super().__init__(f"{purpose} needs the library {library!r}: pip install 'pairsmith-formats[datasets]'")

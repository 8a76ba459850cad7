"""The image source of a run that only evaluates a model."""

from collections.abc import Iterator

from attrs import frozen

from pairsmith.component import NoOptions
from pairsmith.errors import StageError
from pairsmith.interfaces import Run
from pairsmith.values import Sample


@frozen
class NoSamples:
    """Has none, and says what such a run is for."""

    options: NoOptions
    run: Run

    def samples(self, start: int = 0) -> Iterator[Sample]:  # noqa: ARG002 - the signature of every source
        """Refuse to begin."""
        msg = "[images] use = 'none': this run only evaluates a model; 'pairsmith evaluate' goes on with it"
        raise StageError(msg)

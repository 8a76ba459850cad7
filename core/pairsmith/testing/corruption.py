"""What every corruption must do."""

from pathlib import Path
from typing import Any, ClassVar

import pytest

from pairsmith.interfaces import Kind, Run
from pairsmith.testing.component import ComponentContract
from pairsmith.values import Image, Sample, user


class CorruptionContract(ComponentContract):
    """For components of ``pairsmith_corruptions``. Override ``make_image`` for one that opens its images."""

    kind: ClassVar[Kind] = "corruptions"

    def make_image(self, run: Run, number: int) -> Image:
        """Return an image of the run."""
        return run.images.add_bytes(f"image {number}".encode(), ".png")

    @pytest.fixture
    def samples(self, tmp_path: Path) -> list[Sample]:
        """The samples of a run: each with an image and a context of its own."""
        run = self.make_run(tmp_path)
        return [
            Sample(id=f"s{n}", images=(self.make_image(run, n),), prompt=user("?"), context=f"context {n}")
            for n in range(4)
        ]

    def _corrupt(self, component: Any, sample: Sample, others: list[Sample], seed: int) -> Any:
        act = component.corrupt_images if component.axis == "image" else component.corrupt_context
        return act(sample, others, seed=seed)

    def test_it_changes_what_it_is_for(self, component: Any, samples: list[Sample]) -> None:
        """The corrupted form is another one."""
        made, draw = self._corrupt(component, samples[0], samples, 1)
        assert made != (samples[0].images if component.axis == "image" else samples[0].context)
        assert isinstance(draw, dict)

    def test_every_image_is_corrupted_and_kept(self, component: Any, samples: list[Sample]) -> None:
        """As many images as before, in the run."""
        if component.axis != "image":
            pytest.skip("corrupts the context")
        made, _ = self._corrupt(component, samples[0], samples, 1)
        assert len(made) == len(samples[0].images)
        assert all(image.id and image.path.is_file() for image in made)

    def test_the_same_seed_corrupts_the_same_way(self, component: Any, samples: list[Sample]) -> None:
        """Reference log-probabilities are stored once and must be of the image that is trained on."""
        for sample in samples:
            assert self._corrupt(component, sample, samples, 9) == self._corrupt(component, sample, samples, 9)

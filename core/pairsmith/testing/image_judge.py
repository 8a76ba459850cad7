"""What every image judge must do."""

from collections.abc import Sequence
from math import isfinite
from pathlib import Path
from typing import Any, ClassVar

import pytest

from pairsmith.interfaces import Kind, Run
from pairsmith.testing.component import ComponentContract
from pairsmith.testing.data import PIXEL
from pairsmith.values import Image, Sample, user


class ImageJudgeContract(ComponentContract):
    """For components of ``pairsmith_image_judges``. Override ``make_image`` where a black pixel will not do."""

    kind: ClassVar[Kind] = "image_judges"

    def make_image(self, run: Run, number: int) -> Image:
        """Return an image of the run."""
        return run.images.add_bytes(PIXEL + bytes([number]), ".png")

    @pytest.fixture
    def samples(self, tmp_path: Path) -> Sequence[Sample]:
        """Prompts with one, three and two candidates."""
        run = self.make_run(tmp_path)
        images = [self.make_image(run, number) for number in range(6)]
        return [
            Sample(
                id=f"s{n}",
                candidates=tuple(some),
                prompt=user("What is this?"),
                truth={"image_prompt": f"a picture of {n}"},
            )
            for n, some in enumerate((images[:1], images[1:4], images[4:]))
        ]

    def test_every_candidate_has_a_score(self, component: Any, samples: Sequence[Sample]) -> None:
        """In order, and a number that can be compared."""
        scores = component.judge(samples)
        assert [len(row) for row in scores] == [1, 3, 2]
        assert all(isfinite(score) for row in scores for score in row)

    def test_a_sample_is_scored_alike_alone_and_among_others(self, component: Any, samples: Sequence[Sample]) -> None:
        """What else is judged with it changes nothing."""
        together = component.judge(samples)
        apart = [component.judge([sample])[0] for sample in samples]
        assert [list(row) for row in together] == [pytest.approx(list(row), rel=1e-4, abs=1e-4) for row in apart]

    def test_nothing_shown_nothing_scored(self, component: Any) -> None:
        """A part may hold no candidates."""
        assert list(component.judge([])) == []

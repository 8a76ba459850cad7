"""What every image source, image check, generator and decomposer must do."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest

from pairsmith.interfaces import CheckedImage, Kind
from pairsmith.testing.component import ComponentContract
from pairsmith.values import Claim, Dropped, Response, Sample, user

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63606060000000040001"
    "f61738550000000049454e44ae426082"
)
"""The smallest sound PNG: one black pixel."""


class ImageSourceContract(ComponentContract):
    """For components of ``pairsmith_image_sources``; its options must yield at least three samples."""

    kind: ClassVar[Kind] = "image_sources"

    def test_samples_are_the_same_every_time(self, component: Any) -> None:
        """A run that is resumed asks again."""
        assert list(component.samples()) == list(component.samples())

    def test_it_can_begin_anywhere(self, component: Any) -> None:
        """A resumed run asks for the rest only."""
        everything = list(component.samples())
        assert len(everything) >= 3, "the contract's options must yield three samples or more"
        for start in (1, len(everything) - 1, len(everything)):
            assert list(component.samples(start)) == everything[start:]

    def test_ids_are_unique(self, component: Any) -> None:
        """Everything later refers to a sample by its id."""
        ids = [sample.id for sample in component.samples()]
        assert len(ids) == len(set(ids))

    def test_images_exist(self, component: Any) -> None:
        """An image that is named is there."""
        assert all(image.path.is_file() for sample in component.samples() for image in sample.images)


class ImageCheckContract(ComponentContract):
    """For components of ``pairsmith_image_checks``."""

    kind: ClassVar[Kind] = "image_checks"

    def make_image(self, tmp_path: Path) -> Path:
        """Return a sound image; override where the check looks into it and a one-pixel PNG will not do."""
        path = tmp_path / "pixel.png"
        path.write_bytes(PIXEL)
        return path

    def test_a_sound_image_may_be_used(self, component: Any, tmp_path: Path) -> None:
        """It is used as it is, or as bytes with a file type."""
        checked = component.check(self.make_image(tmp_path))
        assert isinstance(checked, CheckedImage)
        assert (checked.data is None) == (not checked.suffix)


class GeneratorContract(ComponentContract):
    """For components of ``pairsmith_generators``. Override ``make_run`` for one that needs a model."""

    kind: ClassVar[Kind] = "generators"

    def make_samples(self, tmp_path: Path) -> Sequence[Sample]:
        """Return samples to answer."""
        del tmp_path
        return [Sample(id=f"s{number}", prompt=user("What is this?" + "!" * number)) for number in range(3)]

    @pytest.fixture
    def samples(self, tmp_path: Path) -> Sequence[Sample]:
        """What is asked."""
        return self.make_samples(tmp_path)

    def test_answers_belong_to_their_samples(self, component: Any, samples: Sequence[Sample]) -> None:
        """In order, and each with an id of its own."""
        answers = component.respond(samples, seed=1)
        assert len(answers) == len(samples)
        for sample, responses in zip(samples, answers, strict=True):
            assert all(response.sample_id == sample.id for response in responses)
        ids = [response.id for responses in answers for response in responses]
        assert len(ids) == len(set(ids))

    def test_the_same_seed_gives_the_same_answers(self, component: Any, samples: Sequence[Sample]) -> None:
        """A part that is made again must come out the same."""
        assert component.respond(samples, seed=7) == component.respond(samples, seed=7)

    def test_nobody_asked_nobody_answered(self, component: Any) -> None:
        """A part may be empty."""
        assert list(component.respond([], seed=0)) == []

    def test_greedily_each_sample_has_one_answer(self, component: Any, samples: Sequence[Sample]) -> None:
        """Benchmarks ask for one answer, made without sampling: no seed changes it."""
        first, second = (component.respond(samples, seed=seed, greedy=True) for seed in (1, 2))
        assert [len(responses) for responses in first] == [1] * len(samples)
        assert [responses[0].text for responses in first] == [responses[0].text for responses in second]


class DecomposerContract(ComponentContract):
    """For components of ``pairsmith_decomposers``."""

    kind: ClassVar[Kind] = "decomposers"
    texts: ClassVar[Sequence[str]] = ("There is a cat. It is black.", "", "Two dogs.")

    @pytest.fixture
    def responses(self) -> list[Response]:
        """What is split."""
        return [Response(id=f"s/{k}", sample_id="s", text=text) for k, text in enumerate(self.texts)]

    def test_claims_belong_to_responses(self, component: Any, responses: list[Response]) -> None:
        """Each claim has an id of its own, and depends only on claims of its own response."""
        made = component.decompose(Sample(id="s", prompt=user("?")), responses)
        claims = [one for one in made if isinstance(one, Claim)]
        lost = [one for one in made if not isinstance(one, Claim)]
        assert all(isinstance(one, Dropped) and one.id in {response.id for response in responses} for one in lost)
        assert {claim.response_id for claim in claims} <= {response.id for response in responses}
        owner = {claim.id: claim.response_id for claim in claims}
        assert len(owner) == len(claims)
        assert all(owner.get(other) == claim.response_id for claim in claims for other in claim.depends_on)

    def test_one_answer_does_not_change_another_answers_claims(self, component: Any, responses: list[Response]) -> None:
        """Claims of a response depend on it alone."""
        sample = Sample(id="s", prompt=user("?"))
        together = component.decompose(sample, responses)
        apart = [claim for response in responses for claim in component.decompose(sample, [response])]
        assert list(together) == apart

    def test_nothing_said_nothing_claimed(self, component: Any) -> None:
        """A sample may have no response."""
        assert list(component.decompose(Sample(id="s", prompt=user("?")), [])) == []

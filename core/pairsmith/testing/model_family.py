"""What every model family must do: encode faithfully, and compute on a tree what separate passes compute."""

import pickle
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, get_args

import pytest

from pairsmith.interfaces import Kind, Part
from pairsmith.testing.component import ComponentContract
from pairsmith.testing.pictures import noise
from pairsmith.testing.trees import Asked, apart, in_a_tree
from pairsmith.values import Image, Turn, user


class ModelFamilyContract(ComponentContract):
    """For components of ``pairsmith_model_families``. Needs torch and a tiny model with large weights.

    Set ``options`` so that weights are drawn with a spread of about 0.3: with the usual 0.02 a random model hardly looks
    at its context, and any attention mask would seem right. The contract's control fails where that was forgotten.
    """

    kind: ClassVar[Kind] = "model_families"
    turns: ClassVar[tuple[Turn, ...]] = user("Describe the image.")
    answers: ClassVar[tuple[str, str]] = ("a red square", "two cats and one dog")
    tolerance: ClassVar[tuple[float, float]] = (1e-4, 1e-4)
    """Of a log-probability, absolute, and of the gradients, relative, in float32."""

    def make_images(self, tmp_path: Path) -> Sequence[Image]:
        """Return two images of other shapes; override where the family's processor cannot read these."""
        return [noise(tmp_path / "wide.png", 50, 40, 0), noise(tmp_path / "tall.png", 30, 64, 1)]

    @pytest.fixture
    def images(self, tmp_path: Path) -> Sequence[Image]:
        """The images that are asked about."""
        return self.make_images(tmp_path)

    @pytest.fixture
    def codec(self, component: Any) -> Any:
        """What encodes."""
        return component.codec(component.weights)

    @pytest.fixture
    def model(self, component: Any) -> Any:
        """The weights."""
        return component.load(component.weights, device="cpu", dtype="float32")

    @pytest.fixture
    def rows(self, images: Sequence[Image]) -> list[Asked]:
        """One image, another one, both, none: in one batch, the first image of two rows being encoded once."""
        shown = [(images[0],), (images[1],), tuple(images), ()]
        return [Asked(self.turns, one, self.answers) for one in shown]

    @pytest.mark.parametrize("number", [0, 1, 2])
    def test_a_prompt_places_every_token_of_its_images(
        self, component: Any, codec: Any, images: Sequence[Image], number: int
    ) -> None:
        """Each image has tokens of its own, in order, and each of them stands for another of its features."""
        prompt = codec.prompt(self.turns, images[:number])
        assert len(prompt.tokens) == len(prompt.slots) == len(prompt.image_of)
        placed = [owner for owner in prompt.image_of if owner >= 0]
        assert placed == sorted(placed)
        assert sorted(set(placed)) == list(range(number))
        for image in range(number):
            slots = [slot for slot, owner in zip(prompt.slots, prompt.image_of, strict=True) if owner == image]
            assert slots == sorted(set(slots))
            assert len(slots) > 1
        assert all((slot < 0) == (owner < 0) for slot, owner in zip(prompt.slots, prompt.image_of, strict=True))

    def test_a_prompt_shows_the_last_feature_of_each_image(self, codec: Any, images: Sequence[Image]) -> None:
        """Whatever stands beside it: from that a batch knows where the next image's features begin."""
        beside = codec.prompt(self.turns, images)
        for number, image in enumerate(images):
            alone = codec.prompt(self.turns, [image])
            placed = zip(beside.slots, beside.image_of, strict=True)
            assert max(slot for slot, owner in placed if owner == number) == max(alone.slots)

    def test_a_prompt_is_what_is_generated_from(self, codec: Any, images: Sequence[Image]) -> None:
        """Training and generation read the same tokens; shorter prompts are padded on the left."""
        asked = [(self.turns, tuple(images)), (self.turns, ())]
        batch = codec.requests(asked)
        for row, (turns, shown) in enumerate(asked):
            tokens = list(codec.prompt(turns, shown).tokens)
            assert batch["input_ids"][row].tolist()[-len(tokens) :] == tokens
            assert batch["attention_mask"][row].tolist()[-len(tokens) :] == [1] * len(tokens)
            assert int(batch["attention_mask"][row].sum()) == len(tokens)

    def test_an_answer_survives_encoding(self, codec: Any) -> None:
        """It ends with the end-of-sequence token, and reads as it was written."""
        for answer in self.answers:
            tokens = codec.response(self.turns, answer)
            assert codec.end in tokens
            assert codec.text(tokens) == answer

    def test_a_codec_can_be_sent_to_a_process(self, codec: Any, images: Sequence[Image]) -> None:
        """A loader's workers get a copy, which encodes the same."""
        copy = pickle.loads(pickle.dumps(codec))  # noqa: S301 - made in the line itself
        assert copy.prompt(self.turns, images) == codec.prompt(self.turns, images)

    def test_every_parameter_belongs_to_one_part(self, component: Any, model: Any) -> None:
        """A freeze map that forgets a parameter trains it, or does not, without anyone knowing."""
        for name, _ in model.named_parameters():
            assert sum(bool(re.match(pattern, name)) for pattern in component.parts().values()) == 1, name
        skeleton = getattr(component, "skeleton", None)
        if skeleton is not None:
            shapes = {name: value.shape for name, value in skeleton(component.weights).named_parameters()}
            assert {name: shapes.get(name) for name, _ in model.named_parameters()} == {
                name: value.shape for name, value in model.named_parameters()
            }, "what is known of its parts before it is loaded"

    @pytest.mark.parametrize("part", get_args(Part))
    def test_an_adapter_covers_the_linear_modules_of_its_scope(self, component: Any, model: Any, part: Part) -> None:
        """And nothing of another part: an adapter that hits the vision tower unasked trains what should stay."""
        torch = pytest.importorskip("torch")

        pattern, head = component.lora_targets([part]), component.head(model)
        covered = {name for name, _ in model.named_modules() if re.fullmatch(pattern, name)}
        linear = {
            name
            for name, module in model.named_modules()
            if isinstance(module, torch.nn.Linear) and module is not head
            if re.match(component.parts()[part], f"{name}.weight")
        }
        assert covered == linear

    def test_the_tree_equals_separate_passes(self, component: Any, model: Any, codec: Any, rows: list[Asked]) -> None:
        """Log-probabilities and gradients are what the model itself computes, while a plain causal mask gives others."""
        torch = pytest.importorskip("torch")

        expected, got = apart(model, codec, rows), in_a_tree(component, model, codec, rows)
        assert max(map(_apart, expected, got)) < self.tolerance[0]
        wanted, found = (_gradient(model, one) for one in (expected, got))
        assert float((wanted - found).norm() / wanted.norm()) < self.tolerance[1]
        with torch.no_grad():
            control = in_a_tree(component, model, codec, rows, causal=True)
        for row in range(len(rows)):  # the second answer of each must not see the first
            worst = _apart(expected[2 * row + 1], control[2 * row + 1])
            assert worst > 1e-2, "the control agrees: the model's weights are too small"


def _apart(one: Any, other: Any) -> float:
    return float((one - other).detach().abs().max())


def _gradient(model: Any, found: Sequence[Any]) -> Any:
    torch = pytest.importorskip("torch")

    model.zero_grad()
    torch.cat(list(found)).sum().backward()
    return torch.cat(
        [(torch.zeros_like(value) if value.grad is None else value.grad).flatten() for value in model.parameters()]
    )

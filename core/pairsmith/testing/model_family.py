"""What every model family must do: encode faithfully, and compute on a tree what separate passes compute."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest

from pairsmith.interfaces import Kind, TreeBatch
from pairsmith.testing.component import ComponentContract
from pairsmith.testing.data import PIXEL
from pairsmith.values import Image, Turn, user


class ModelFamilyContract(ComponentContract):
    """For components of ``pairsmith_model_families``. Needs torch and a tiny model with large weights.

    Set ``options`` so that weights are drawn with a spread of about 0.3: with the usual 0.02 a random model hardly looks
    at its context, and any attention mask would seem right. The contract's control fails where that was forgotten.
    """

    kind: ClassVar[Kind] = "model_families"
    turns: ClassVar[tuple[Turn, ...]] = user("Describe the image.")
    answers: ClassVar[tuple[str, str]] = ("a red square", "two cats and one dog")

    def make_image(self, tmp_path: Path) -> Image:
        """Return an image that the family's processor can read; override where one pixel will not do."""
        path = tmp_path / "pixel.png"
        path.write_bytes(PIXEL)
        return Image(path=path)

    @pytest.fixture
    def image(self, tmp_path: Path) -> Image:
        """The image that is asked about."""
        return self.make_image(tmp_path)

    def test_a_prompt_places_every_token_of_its_image(self, component: Any, image: Image) -> None:
        """Slots count up, text has none, and an image's tokens are never cut."""
        prompt = component.codec(component.weights).prompt(self.turns, [image])
        slots = [slot for slot, owner in zip(prompt.slots, prompt.image_of, strict=True) if owner == 0]
        assert slots == list(range(len(slots)))
        assert slots
        assert len(prompt.tokens) == len(prompt.slots) == len(prompt.image_of)

    def test_an_answer_survives_encoding(self, component: Any) -> None:
        """It ends with the end-of-sequence token, and reads as it was written."""
        codec = component.codec(component.weights)
        for answer in self.answers:
            tokens = codec.response(self.turns, answer)
            assert codec.end in tokens
            assert codec.text(tokens) == answer

    def test_every_parameter_belongs_to_one_part(self, component: Any) -> None:
        """A freeze map that forgets a parameter trains it, or does not, without anyone knowing."""
        model = component.load(component.weights, device="cpu", dtype="float32")
        for name, _ in model.named_parameters():
            assert sum(bool(re.match(pattern, name)) for pattern in component.parts().values()) == 1, name

    def test_the_tree_equals_separate_passes(self, component: Any, image: Image) -> None:
        """Two answers after one prompt: log-probabilities to 1e-4, while a plain causal mask gives others."""
        torch = pytest.importorskip("torch")

        codec = component.codec(component.weights)
        model = component.load(component.weights, device="cpu", dtype="float32")
        prompt, pixels = codec.prompt(self.turns, [image]), codec.pixels(image)
        answers = [codec.response(self.turns, answer) for answer in self.answers]
        with torch.no_grad():
            apart = [self._scores(component, model, codec, prompt, pixels, [answer])[0] for answer in answers]
            tree = self._scores(component, model, codec, prompt, pixels, answers)
            control = self._scores(component, model, codec, prompt, pixels, answers, causal=True)
        worst = max(float((one - other).abs().max()) for one, other in zip(apart, tree, strict=True))
        assert worst < 1e-4
        assert float((apart[1] - control[1]).abs().max()) > 1e-2, (
            "the control agrees: the model's weights are too small"
        )

    def _scores(
        self,
        component: Any,
        model: Any,
        codec: Any,
        prompt: Any,
        pixels: Any,
        answers: Sequence[Sequence[int]],
        *,
        causal: bool = False,
    ) -> list[Any]:
        """Return the log-probabilities of answers that hang side by side on one prompt."""
        torch = pytest.importorskip("torch")

        start, tokens, owners, places = len(prompt.tokens), list(prompt.tokens), [0] * len(prompt.tokens), []
        positions = [codec.positions(prompt, 0, [pixels])]
        for number, answer in enumerate(answers, 1):
            own = codec.positions(prompt, len(answer), [pixels])[:, start:]
            positions.append(own)
            places.append([start - 1, *range(len(tokens), len(tokens) + len(answer) - 1)])
            tokens += answer
            owners += [number] * len(answer)
        owner = torch.tensor(owners)
        sees = torch.ones(len(tokens), len(tokens)).tril().bool()
        if not causal:
            sees &= (owner[None] == 0) | (owner[None] == owner[:, None])
        batch = TreeBatch(
            tokens=torch.tensor([tokens]),
            positions=torch.cat(positions, -1)[:, None],
            sees=sees[None],
            features=torch.tensor([[*prompt.slots, *([-1] * (len(tokens) - start))]]),
            images=pixels,
        )
        logits = component.head(model)(component.hidden_states(model, batch)[0]).float().log_softmax(-1)
        return [
            logits[at].gather(-1, torch.tensor(answer)[:, None]) for at, answer in zip(places, answers, strict=True)
        ]

"""Batches as TRL reads them, with a codec whose tokens are letters: prompts, answers, what is cut and what is left out."""

from pathlib import Path
from typing import Any

import pytest
import torch
from attrs import evolve

from pairsmith.errors import StageError
from pairsmith.interfaces import EncodedPrompt
from pairsmith.testing import make_run
from pairsmith.usable import usable
from pairsmith.values import Cell, Demonstration, Image, Item, Pair, Response, Sample, user
from pairsmith_trl.collate import Collator
from pairsmith_trl.encode import Encoder
from pairsmith_trl.loss_options import DpoOptions, KtoOptions, SftOptions
from pairsmith_trl.losses import CHOSEN, REJECTED, Dpo, Kto, Sft


class Letters:
    """A codec whose tokens are letters, and whose image is two tokens; it tells which tokens are an image's."""

    pad_token = 0

    def prompt(self, turns, images):
        text = "".join(turn.text for turn in turns)
        size = 2 * len(images)
        nothing = [-1] * len(text)
        return EncodedPrompt(
            tokens=(*[1] * size, *map(ord, text)), image_of=(*[0] * size, *nothing), slots=(*range(size), *nothing)
        )

    def response(self, turns, text):
        return tuple(map(ord, text))

    def requests(self, prompts):
        rows = [self.prompt(*one).tokens for one in prompts]
        longest = max(map(len, rows))
        ids = torch.tensor([[0] * (longest - len(row)) + list(row) for row in rows])
        made = {"input_ids": ids, "attention_mask": (ids > 0).long(), "mm_token_type_ids": (ids == 1).long()}
        images = sum(len(images) for _, images in prompts)
        return {**made, "pixel_values": torch.ones(images, longest)} if images else made


def item(chosen: str, rejected: str = "", *, prompt: str = "hm", images: int = 1, name: str = "p") -> Item:
    shown = tuple(Image(path=Path(f"{n}.png"), id=str(n)) for n in range(images))
    sample = Sample(id="s", images=shown, prompt=user(prompt))
    answers = [Response(id=f"s/{k}", sample_id="s", text=text) for k, text in enumerate((chosen, rejected))]
    if not rejected:
        return Item(value=Demonstration(id=name, sample=sample, chosen=answers[0]))
    return Item(value=Pair(id=name, sample=sample, chosen=answers[0], rejected=answers[1]))


def encoder(limit: int | None = None, *, cut: bool = False, cells: tuple[Cell, ...] = (CHOSEN, REJECTED)) -> Encoder:
    return Encoder(Letters(), cells, limit, cut)


def words(ids: torch.Tensor, mask: torch.Tensor) -> list[str]:
    return ["".join(chr(token) for token in row[kept.bool()]) for row, kept in zip(ids, mask, strict=True)]


def collated(kind, options, items, limit=None):
    loss = kind(options, make_run(Path("unused")))
    made = Collator(items, encoder(limit, cut=True, cells=loss.cells), loss)
    return made([{"item": number} for number in range(len(items))])


PAIRS = [item("yes", "no"), item("a cat", "two", prompt="what?", images=0)]


def test_pairs_are_all_chosen_then_all_rejected() -> None:
    batch = collated(Dpo, DpoOptions(), PAIRS)
    assert set(batch) == {"input_ids", "attention_mask", "mm_token_type_ids", "completion_mask", "pixel_values"}
    assert words(batch["input_ids"], batch["completion_mask"]) == ["yes", "a cat", "no", "two"]
    assert words(batch["input_ids"], batch["attention_mask"] - batch["completion_mask"]) == ["\1\1hm", "what?"] * 2
    assert batch["input_ids"].shape == (4, 10), "no wider than the longest row"
    assert batch["mm_token_type_ids"].tolist()[0] == [1, 1] + [0] * 8, "it moves with its tokens"
    assert batch["attention_mask"].tolist()[0] == [1] * 7 + [0] * 3, "rows begin at the left edge"
    assert batch["pixel_values"].shape[0] == 2, "one for the chosen and one for the rejected answer"


def test_images_alone_are_left_out_where_there_are_none() -> None:
    assert "pixel_values" not in collated(Dpo, DpoOptions(), PAIRS[1:])


def test_kto_turns_the_answers_round() -> None:
    batch = collated(Kto, KtoOptions(), PAIRS)
    assert batch["label"].tolist() == [True, True, False, False]
    assert words(batch["input_ids"], batch["completion_mask"]) == ["yes", "a cat", "no", "two"]
    assert words(batch["KL_input_ids"], batch["KL_completion_mask"]) == ["two", "yes", "a cat", "no"]
    assert words(batch["KL_input_ids"], batch["KL_attention_mask"])[0] == "\1\1hmtwo", "after this row's own prompt"
    assert batch["KL_mm_token_type_ids"].shape == batch["KL_input_ids"].shape
    assert "KL_input_ids" not in collated(Kto, KtoOptions(loss_type="apo_zero_unpaired"), PAIRS)


def test_demonstrations_are_labelled_where_the_answer_is() -> None:
    batch = collated(Sft, SftOptions(), [item("yes")])
    assert batch["labels"].tolist() == [[-100] * 4 + [ord(letter) for letter in "yes"]]
    assert "completion_mask" not in batch


def test_only_answers_are_cut() -> None:
    batch = collated(Dpo, DpoOptions(), [item("yes it is", "no")], limit=6)
    assert words(batch["input_ids"], batch["attention_mask"]) == ["\1\1hmye", "\1\1hmno"]


@pytest.mark.parametrize(("one", "limit", "cut", "why"), [
    (item("yes", "no"), None, False, None),
    (item("yes", "no"), 7, False, None),
    (item("yes", "no"), 6, False, "its chosen answer ends at token 7, over 6"),
    (item("yes", "no"), 6, True, None),
    (item("yes", "no"), 4, True, "its chosen answer ends at token 7, over 4"),
    (item("", "no"), None, False, "its chosen answer has no token"),
    (item("no", "no"), None, False, "its answers are the same, token for token"),
    (item("no it is", "no way"), 7, True, "its answers are the same, token for token"),
])  # fmt: skip
def test_a_pair_that_cannot_be_trained_on_says_why(one: Item, limit: int | None, cut: bool, why: str | None) -> None:
    assert encoder(limit, cut=cut).fits(one) == why


def test_what_is_left_out_or_cut_is_named() -> None:
    said: list[str] = []
    items = [item("yes", "no", name="a"), item("no", "no", name="b"), item("si", "no", name="c")]
    assert usable(items, encoder(6, cut=True), 2, said.append) == [0, 2]
    assert said == ["left out b: its answers are the same, token for token", "cut the answers of 1 items at 6 tokens"]


def test_prompts_that_are_learnt_are_refused() -> None:
    """TRL would leave them out without a word."""
    one = encoder(None, cut=False)
    codec = one.codec

    class Learning:
        def prompt(self, turns: Any, images: Any) -> Any:
            return evolve(codec.prompt(turns, images), targets=(1,))

        def __getattr__(self, name: str) -> Any:
            return getattr(codec, name)

    with pytest.raises(StageError, match=r"TRL's trainers learn answers only; set train.use = 'tree'"):
        evolve(one, codec=Learning()).fits(item("yes", "no"))

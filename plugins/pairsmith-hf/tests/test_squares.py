"""LLaVA-NeXT without tiles, and beams: as MCM-DPO trained and evaluated (arXiv 2510.00647)."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import transformers as hf
from attrs import evolve

from pairsmith.interfaces import Run
from pairsmith.testing import make_run
from pairsmith.testing.pictures import noise
from pairsmith.values import Image, Sample, user
from pairsmith_hf.any_resolution import LlavaNextFamily
from pairsmith_hf.generator import HfGenerator
from pairsmith_hf.options import GeneratorOptions, LlavaNextOptions


@pytest.fixture
def pictures(tmp_path: Path) -> list[Image]:
    return [noise(tmp_path / "wide.png", 90, 40, 0), noise(tmp_path / "tall.png", 30, 64, 1)]


def family(path: Path, tmp_path: Path, *, tiles: bool) -> LlavaNextFamily:
    return LlavaNextFamily(LlavaNextOptions(path=str(path), tiles=tiles), make_run(tmp_path / "run"))


def test_a_square_is_read_as_llava_1_5_reads_it(
    tiny: Callable[[str], Path], tmp_path: Path, pictures: list[Image]
) -> None:
    """The same weights in transformers' LLaVA-1.5, shown the padded picture, give the same logits."""
    path = tiny("llava-next")
    squares = family(path, tmp_path, tiles=False)
    model = squares.load(squares.weights, device="cpu", dtype="float32")
    config = model.config
    plain = hf.LlavaForConditionalGeneration(
        hf.LlavaConfig(
            vision_config=config.vision_config,
            text_config=config.text_config,
            image_token_index=config.image_token_id,
            vision_feature_layer=config.vision_feature_layer,
            vision_feature_select_strategy=config.vision_feature_select_strategy,
        )
    ).eval()
    found = plain.load_state_dict(model.state_dict(), strict=False)
    assert (found.missing_keys, found.unexpected_keys) == ([], ["model.image_newline"])
    codec = squares.codec(squares.weights)
    for picture in pictures:
        batch = codec.requests([(user("What is this?"), (picture,))])
        assert int((batch["input_ids"] == codec.image_token).sum()) == 16, (
            "32 pixels of patches of 8, whatever the shape"
        )
        assert batch["pixel_values"].shape == (1, 3, 32, 32)
        with torch.inference_mode():
            torch.testing.assert_close(model(**batch).logits, plain(**batch).logits)


def test_squares_have_a_fingerprint_of_their_own(tiny: Callable[[str], Path], tmp_path: Path) -> None:
    """Or references of tiles would be taken for theirs."""
    one, other = (family(tiny("llava-next"), tmp_path, tiles=tiles) for tiles in (True, False))
    assert one.fingerprint(one.weights) != other.fingerprint(other.weights)


def test_the_likeliest_of_several_beams(tiny: Callable[[str], Path], tmp_path: Path, pictures: list[Image]) -> None:
    squares = family(tiny("llava-next"), tmp_path, tiles=False)
    run: Run = evolve(make_run(tmp_path / "run"), family=squares, weights=squares.weights)
    samples = [Sample(id=f"s{k}", images=(one,), prompt=user("What?")) for k, one in enumerate(pictures)]
    told = {}
    for beams in (1, 3):
        generator = HfGenerator(GeneratorOptions(max_new_tokens=8, beams=beams, temperature=0.0), run)
        told[beams] = [answer for (answer,) in generator.respond(samples, seed=3, greedy=beams == 1)]
    assert [one.text for one in told[1]] != [one.text for one in told[3]]
    assert [one.parameters.get("beams") for one in (*told[1], *told[3])] == [None, None, 3, 3]
    codec, model = squares.codec(squares.weights), squares.load(squares.weights, device="cpu", dtype="float32")
    for sample, answer in zip(samples, told[3], strict=True):
        batch = codec.requests([(sample.prompt, sample.images)])
        with torch.inference_mode():
            made = model.generate(
                **batch, max_new_tokens=8, do_sample=False, num_beams=3, pad_token_id=codec.pad_token, eos_token_id=codec.end
            )  # fmt: skip
        assert codec.text(made[0, batch["input_ids"].shape[1] :].tolist()) == answer.text

"""Image judges on tiny random models: the formula worked out beside them, batches, prompts that are too long."""

import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tiny
import torch
import transformers
from attrs import evolve
from PIL import Image as Pillow

from pairsmith.errors import OptionsError, StageError
from pairsmith.interfaces import Run
from pairsmith.options import read
from pairsmith.registry import Registry
from pairsmith.testing.pickles import hostile
from pairsmith.values import Image, Sample, user
from pairsmith_diffusion import clip as clip_
from pairsmith_diffusion import weights
from pairsmith_diffusion.blip_reward import MEAN, STD, BlipReward, from_state
from pairsmith_diffusion.image_reward import pixels
from pairsmith_diffusion.needs import image_reward_needs
from pairsmith_diffusion.weights import tensors

REGISTRY = Registry.discover()


def judge(name: str, run: Run, **table: Any) -> Any:
    component = REGISTRY.find("image_judges", name).component
    return component.build(read(table, component.options_class, "image_judges"), run)


def samples(tmp_path: Path, *prompts: str) -> list[Sample]:
    """Prompts with one, two, three, ... images of noise."""
    paths = iter(tiny.pictures(tmp_path / "pictures", sum(range(len(prompts) + 1))))
    return [
        Sample(
            id=f"s{number}",
            prompt=user("What?"),
            candidates=tuple(Image(path=next(paths)) for _ in range(number)),
            truth={"image_prompt": prompt},
        )
        for number, prompt in enumerate(prompts, start=1)
    ]


# ImageReward ---------------------------------------------------------------------------------------------------------


def published(model: BlipReward) -> dict[str, torch.Tensor]:
    """The names that ImageReward's own file has for the tensors of a network."""
    renaming = (
        ("vision.embeddings.class_embedding", "blip.visual_encoder.cls_token"),
        ("vision.embeddings.position_embedding", "blip.visual_encoder.pos_embed"),
        ("vision.embeddings.patch_embedding", "blip.visual_encoder.patch_embed.proj"),
        ("vision.post_layernorm", "blip.visual_encoder.norm"),
        ("vision.encoder.layers.", "blip.visual_encoder.blocks."),
        (".self_attn.qkv", ".attn.qkv"), (".self_attn.projection", ".attn.proj"),
        (".layer_norm1", ".norm1"), (".layer_norm2", ".norm2"),
    )  # fmt: skip
    state = {}
    for name, tensor in model.state_dict().items():
        own = name
        if name.startswith("text."):
            own = f"blip.text_encoder.{name.removeprefix('text.')}"
        elif name.startswith("mlp."):
            own = f"mlp.layers.{name.removeprefix('mlp.')}"
        else:
            for before, after in renaming:
                own = own.replace(before, after)
        state[own] = tensor
    return {**state, "blip.text_encoder.embeddings.position_ids": torch.arange(64)[None]}


def network() -> BlipReward:
    torch.manual_seed(0)
    vision = transformers.BlipVisionConfig(
        hidden_size=64, intermediate_size=48, num_hidden_layers=2, num_attention_heads=1, image_size=32, patch_size=8,
        layer_norm_eps=1e-6,
    )  # fmt: skip
    text = transformers.BlipTextConfig(
        vocab_size=320, hidden_size=128, encoder_hidden_size=64, intermediate_size=48, num_hidden_layers=2,
        num_attention_heads=2, max_position_embeddings=64, hidden_act="gelu", is_decoder=True,
    )  # fmt: skip
    model = BlipReward(vision, text, {0: (128, 16), 2: (16, 8), 4: (8, 1)})
    with torch.no_grad():  # the usual small weights make every score the same
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.normal_(std=0.3)
    return model.eval()


@pytest.fixture
def reward(tmp_path: Path) -> dict[str, str]:
    """A directory with a file as ImageReward's is, and one with a tokenizer."""
    (tmp_path / "reward").mkdir()
    torch.save(published(network()), tmp_path / "reward" / "ImageReward.pt")
    tiny.tokenizer(512, start="[CLS]", end="[SEP]").save_pretrained(tmp_path / "bert")
    return {"path": str(tmp_path / "reward"), "tokenizer": str(tmp_path / "bert")}


def test_a_published_file_gives_the_scores_of_its_network(reward: dict[str, str], run: Run, tmp_path: Path) -> None:
    asked = samples(tmp_path, "a red fox", "three penguins walk in line on the frozen pond")
    scores = judge("image-reward", run, **reward).judge(asked)
    model, words = network(), transformers.AutoTokenizer.from_pretrained(reward["tokenizer"])
    for sample, row in zip(asked, scores, strict=True):
        for image, score in zip(sample.candidates, row, strict=True):
            # Worked out step by step, without padding, and with the image prepared by transformers.
            prepared = transformers.CLIPImageProcessorPil(
                size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}
            )(Pillow.open(image.path), return_tensors="pt")["pixel_values"]
            with torch.no_grad():
                seen = model.vision(pixel_values=prepared).last_hidden_state
                ids = torch.tensor([words(sample.truth["image_prompt"])["input_ids"]])
                read_ = model.text(input_ids=ids, encoder_hidden_states=seen, is_decoder=False).last_hidden_state[:, 0]
                for place in (0, 2, 4):
                    read_ = read_ @ model.mlp[place].weight.T + model.mlp[place].bias
            assert score == pytest.approx((read_.item() - MEAN) / STD, abs=2e-4)
    assert len({round(score, 3) for row in scores for score in row}) == 3, "scores differ from image to image"


def test_prompts_and_images_both_matter(reward: dict[str, str], run: Run, tmp_path: Path) -> None:
    (image,) = tiny.pictures(tmp_path / "one", 1)
    same = [
        Sample(id=text, prompt=user("?"), candidates=(Image(path=image),), truth={"image_prompt": text})
        for text in ("a red fox", "blue penguins")
    ]
    (one,), (other,) = judge("image-reward", run, **reward).judge(same)
    assert abs(one - other) > 1e-3


def test_a_long_prompt_is_said_and_its_first_35_tokens_read(
    reward: dict[str, str], run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    made = judge("image-reward", run, **reward)
    short = samples(tmp_path, "a red fox " * 5)
    with caplog.at_level(logging.WARNING):
        made.judge(short)
    assert not caplog.records
    long = [Sample(id="long", prompt=user("?"), candidates=short[0].candidates, truth={"image_prompt": "very " * 50})]
    with caplog.at_level(logging.WARNING):
        (score,) = made.judge([*short, *long])[1]
    assert (
        "image-reward reads the first 35 tokens of a prompt, and 1 of 2 prompts are longer, e.g. that of 'long'"
        in caplog.text
    )
    longer = [Sample(id="l", prompt=user("?"), candidates=short[0].candidates, truth={"image_prompt": "very " * 90})]
    assert made.judge(longer)[0][0] == pytest.approx(score, abs=1e-5)


@pytest.mark.parametrize("size", [(32, 32), (40, 33), (33, 40), (90, 32), (16, 20), (31, 64)])
def test_pixels_are_those_of_resizing_the_shorter_side_and_taking_the_middle(size: tuple[int, int]) -> None:
    picture = Pillow.fromarray(np.random.default_rng(1).integers(0, 255, (*size, 3), dtype=np.uint8))
    found = pixels(picture, 32)
    assert found.shape == (3, 32, 32)
    height, width = size
    short = min(size)
    resized = picture.resize((int(32 * width / short), int(32 * height / short)), Pillow.Resampling.BICUBIC)
    left, top = round((resized.width - 32) / 2), round((resized.height - 32) / 2)
    middle = np.asarray(resized)[top : top + 32, left : left + 32] / 255
    mean, std = np.array((0.48145466, 0.4578275, 0.40821073)), np.array((0.26862954, 0.26130258, 0.27577711))
    assert np.allclose(found, ((middle - mean) / std).transpose(2, 0, 1), atol=1e-5)


def test_the_package_scores_where_it_is_installed(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked: list[tuple[str, str]] = []

    class Model:
        blip = SimpleNamespace(tokenizer=lambda text: {"input_ids": [0, *text.split(), 0]})

        def score(self, prompt: str, image: str) -> float:
            asked.append((prompt, Path(image).name))
            return len(asked) / 10

    fake = SimpleNamespace(load=lambda name, device: Model() if name == "ImageReward-v1.0" else None)
    monkeypatch.setitem(sys.modules, "ImageReward", fake)
    assert judge("image-reward", run, package=True).judge(samples(tmp_path, "a", "b")) == [[0.1], [0.2, 0.3]]
    assert asked == [("a", "0.png"), ("b", "1.png"), ("b", "2.png")]
    assert not caplog.records
    with caplog.at_level(logging.WARNING):
        judge("image-reward", run, package=True).judge(samples(tmp_path, "very " * 33, "very " * 34))
    assert "the first 35 tokens of a prompt, and 1 of 2 prompts are longer, e.g. that of 's2' with 36" in caplog.text
    monkeypatch.setitem(sys.modules, "ImageReward", None)
    with pytest.raises(StageError, match="the package image-reward cannot be imported"):
        judge("image-reward", run, package=True)


@pytest.mark.parametrize(("change", "said"), [
    (lambda s: {n: t for n, t in s.items() if not n.endswith("norm2.weight")}, "2 of its tensors are missing and 0"),
    (lambda s: {**s, "head.weight": torch.zeros(1)}, "0 of its tensors are missing and 1 are unknown, such as 'head.weight'"),
    (lambda s: {"a": torch.zeros(1)}, "is no state dict of ImageReward"),
    (lambda s: {n: t[:1] if n.endswith("attn.qkv.weight") else t for n, t in s.items()}, "is no state dict of ImageReward"),
    (lambda s: {n: t for n, t in s.items() if not n.startswith("mlp")}, "is no state dict of ImageReward"),
])  # fmt: skip
def test_another_state_dict_is_refused(change: Any, said: str) -> None:
    with pytest.raises(StageError, match=said):
        from_state(change(published(network())), "[[image_judges]] path = 'x'")


# CLIP ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pickled", [False, True])
@pytest.mark.parametrize("name", ["clip-score", "pick-score"])
def test_scores_are_scaled_cosines(name: str, pickled: bool, run: Run, tmp_path: Path) -> None:
    directory = tiny.clip(tmp_path / "clip", pickled=pickled)
    asked = samples(tmp_path, "a red fox", "three penguins", "a red fox")
    more = {"processor": str(directory)} if name == "pick-score" else {}
    found = judge(name, run, path=str(directory), **more).judge(asked)
    model = transformers.CLIPModel.from_pretrained(tiny.clip(tmp_path / "again"))
    processor = transformers.CLIPProcessor.from_pretrained(directory)
    cosines = []
    for sample, row in zip(asked, found, strict=True):
        for image, score in zip(sample.candidates, row, strict=True):
            inputs = processor(
                text=[sample.truth["image_prompt"]], images=[Pillow.open(image.path)], return_tensors="pt"
            )
            with torch.no_grad():
                text = model.text_model(inputs["input_ids"]).pooler_output @ model.text_projection.weight.T
                picture = model.vision_model(inputs["pixel_values"]).pooler_output @ model.visual_projection.weight.T
            cosine = torch.nn.functional.cosine_similarity(text, picture).item()
            cosines.append(cosine)
            by_hand = 2.5 * max(cosine, 0) if name == "clip-score" else model.logit_scale.exp().item() * cosine
            assert score == pytest.approx(by_hand, abs=1e-4)
    assert min(cosines) < 0 < max(cosines)


def test_a_prefix_and_a_scale_are_options(run: Run, tmp_path: Path) -> None:
    path = str(tiny.clip(tmp_path / "clip"))
    asked = samples(tmp_path, "a red fox", "three penguins")
    told = [
        Sample(
            id=s.id, prompt=s.prompt, candidates=s.candidates, truth={"image_prompt": f"very {s.truth['image_prompt']}"}
        )
        for s in asked
    ]
    plain = judge("clip-score", run, path=path).judge(told)
    prefixed = judge("clip-score", run, path=path, prefix="very ", scale=5.0).judge(asked)
    assert [[score / 2 for score in row] for row in prefixed] == [pytest.approx(row, abs=1e-5) for row in plain]


def test_clip_says_which_prompts_it_cuts(run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        scores = judge("clip-score", run, path=str(tiny.clip(tmp_path / "clip"))).judge(samples(tmp_path, "very " * 40))
    assert "clip-score reads the first 24 tokens of a prompt, and 1 of 1 prompts are longer" in caplog.text
    assert len(scores[0]) == 1


# all -----------------------------------------------------------------------------------------------------------------


def built(name: str, run: Run, tmp_path: Path, reward: dict[str, str], **more: Any) -> Any:
    if name == "image-reward":
        return judge(name, run, **reward, **more)
    directory = str(tiny.clip(tmp_path / "clip"))
    return judge(name, run, path=directory, processor=directory, **more)


@pytest.mark.parametrize("name", ["image-reward", "clip-score", "pick-score"])
def test_a_batch_scores_as_one_by_one(name: str, run: Run, tmp_path: Path, reward: dict[str, str]) -> None:
    asked = samples(tmp_path, "a red fox", "three penguins walk in line", "a", "a red fox on the frozen pond at dawn")
    scores: list[Sequence[Sequence[float]]] = [
        built(name, run, tmp_path, reward, batch_size=size).judge(asked) for size in (1, 3, 64)
    ]
    for other in scores[1:]:
        assert other == [pytest.approx(row, abs=2e-4) for row in scores[0]]
    assert len({score for row in scores[0] for score in row}) > 3


@pytest.mark.parametrize("name", ["image-reward", "clip-score", "pick-score"])
def test_a_sample_that_does_not_say_its_prompt_is_named(
    name: str, run: Run, tmp_path: Path, reward: dict[str, str]
) -> None:
    (sample,) = samples(tmp_path, "a fox")
    bare = Sample(id="bare", prompt=sample.prompt, candidates=sample.candidates)
    with pytest.raises(StageError, match="sample 'bare' does not say what its images were made from"):
        built(name, run, tmp_path, reward).judge([bare])


@pytest.mark.parametrize("name", ["image-reward", "clip-score", "pick-score"])
def test_models_that_are_not_there(name: str, run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(StageError, match=r"holds none of .*; it holds nothing"):
        judge(name, run, path=str(tmp_path / "empty"))
    with pytest.raises(
        StageError, match=r"neither a directory nor in the hub's local cache|could not be had from the hub"
    ):
        judge(name, run, path="no-one/nothing")
    with pytest.raises(OptionsError, match="'batch_size' must be >= 1"):
        judge(name, run, batch_size=0)


def test_what_is_downloaded_is_known_before(run: Run) -> None:
    component = REGISTRY.find("image_judges", "image-reward").component
    needs = image_reward_needs(component.options_class())
    assert list(needs.downloads) == ["THUDM/ImageReward", "google-bert/bert-base-uncased"]


# pickles -------------------------------------------------------------------------------------------------------------


def test_published_pickles_that_would_run_code_are_refused(reward: dict[str, str], run: Run, tmp_path: Path) -> None:
    harm = tmp_path / "harm"
    clip = hostile(tiny.clip(tmp_path / "clip"), tmp_path / "bin", harm)
    (clip / "pytorch_model.bin").rename(tmp_path / "reward" / "ImageReward.pt")
    with pytest.raises(StageError, match=r"path: '.*ImageReward.pt' holds more than tensors, .* it asks for"):
        judge("image-reward", run, **reward)
    hostile(tmp_path / "clip", tmp_path / "again", harm)
    with pytest.raises(StageError, match=r"path: '.*pytorch_model.bin' holds more than tensors, .* it asks for"):
        judge("clip-score", run, path=str(tmp_path / "again"))
    assert not harm.exists()


def test_a_pickle_is_read_once(
    reward: dict[str, str], run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = samples(tmp_path, "a red fox")
    clip = str(tiny.clip(tmp_path / "clip", pickled=True))
    scores = [judge("image-reward", run, **reward).judge(asked), judge("clip-score", run, path=clip).judge(asked)]
    never = evolve(weights.WEIGHTS, load=lambda *_, **__: pytest.fail("a pickle was read again"))
    monkeypatch.setattr(weights, "WEIGHTS", never)
    monkeypatch.setattr(clip_, "WEIGHTS", never)
    again = [judge("image-reward", run, **reward).judge(asked), judge("clip-score", run, path=clip).judge(asked)]
    assert again == scores


def test_a_file_that_holds_no_weights(tmp_path: Path) -> None:
    (tmp_path / "w.safetensors").write_bytes(b"nothing")
    with pytest.raises(StageError, match="cannot be read as safetensors"):
        tensors(tmp_path / "w.safetensors", "here")

"""Images from prompts: tiny random pipelines of each architecture, and everything that can be wrong with a recipe's."""

import json
import shutil
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
import torch
from PIL import Image as Pillow

from pairsmith.errors import OptionsError, StageError
from pairsmith.interfaces import Run
from pairsmith.options import read
from pairsmith.seeds import derive
from pairsmith.values import Dropped, Sample
from pairsmith_diffusion.needs import source_needs
from pairsmith_diffusion.options import CATEGORIES, TextToImageOptions, source_inputs
from pairsmith_diffusion.painter import Order, Painter
from pairsmith_diffusion.prompts import prompts
from pairsmith_diffusion.source import TextToImage

SMALL = {"height": 32, "width": 32, "steps": 2}


def options(path: Path, **more: Any) -> TextToImageOptions:
    return read({"path": str(path), **SMALL, **more}, TextToImageOptions, "images")


def asked(tmp_path: Path, *lines: str) -> str:
    path = tmp_path / "prompts.txt"
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def samples(made: TextToImage, start: int = 0) -> list[Sample]:
    found = list(made.samples(start))
    assert all(isinstance(one, Sample) for one in found)
    return [one for one in found if isinstance(one, Sample)]


@pytest.mark.parametrize("name", tiny.PIPELINES)
def test_every_architecture_makes_candidates(name: str, pipelines: dict[str, Path], run: Run, tmp_path: Path) -> None:
    table = {
        "prompts": asked(tmp_path, "a red fox", "blue penguins"),
        "negative_prompt": "a pond",
        "guidance": [5.0, 9.0],
    }
    found = samples(TextToImage(options(pipelines[name], **table), run))
    assert [one.id for one in found] == ["prompts-1", "prompts-2"]
    for one in found:
        assert one.images == ()
        assert len({image.id for image in one.candidates}) == 4
        assert one.prompt[0].text == "Describe the image in detail."
        for image in one.candidates:
            with Pillow.open(image.path) as picture:
                assert (picture.size, picture.mode) == ((32, 32), "RGB")
    assert found[0].truth["image_prompt"] == "a red fox"
    drawn = found[0].truth["made"]["images"]
    assert [one["guidance"] for one in drawn] == [5.0, 9.0, 5.0, 9.0]
    assert [one["seed"] for one in drawn] == [derive(3, "text-to-image", "prompts-1", k) for k in range(4)]


def test_images_may_be_kept_as_jpeg(pipelines: dict[str, Path], run: Run, tmp_path: Path) -> None:
    """PDS-DPO answers and trains on a JPEG of Pillow's own quality."""
    table = {"prompts": asked(tmp_path, "a red fox"), "n": 1, "steps": 1, "guidance": [2.0]}
    (one,) = samples(TextToImage(options(pipelines["sd1"], **table), run))
    (same,) = samples(TextToImage(options(pipelines["sd1"], **table, image_format="jpeg"), run))
    with Pillow.open(one.images[0].path) as picture:
        buffer = BytesIO()
        picture.save(buffer, "JPEG")
    assert same.images[0].path.suffix == ".jpg"
    assert same.images[0].path.read_bytes() == buffer.getvalue()


@pytest.mark.parametrize(("name", "batch_size"), [("sd1", 1), ("sd1", 3), ("sdxl", 2), ("sd3", 2)])
def test_a_resumed_run_makes_the_same_bytes(
    name: str, batch_size: int, pipelines: dict[str, Path], run: Run, tmp_path: Path
) -> None:
    file = asked(tmp_path, *(f"a fox {n}" for n in range(4)))
    made = options(pipelines[name], prompts=file, n=2, guidance=[5.0, 5.0, 7.0], batch_size=batch_size)
    everything = samples(TextToImage(made, run))
    for start in (1, 3, 4):
        assert samples(TextToImage(made, run), start) == everything[start:]


def test_one_image_needs_no_judge(pipelines: dict[str, Path], run: Run, tmp_path: Path) -> None:
    (one,) = samples(TextToImage(options(pipelines["sd1"], prompts=asked(tmp_path, "a fox"), n=1), run))
    assert len(one.images) == 1
    assert one.candidates == ()


def test_seeds_may_be_numbered_as_published(pipelines: dict[str, Path], run: Run, tmp_path: Path) -> None:
    made = options(pipelines["sd1"], prompts=asked(tmp_path, "a", "b"), n=2, seeds="numbered")
    drawn = [image["seed"] for one in samples(TextToImage(made, run)) for image in one.truth["made"]["images"]]
    assert drawn == [1001, 1002, 2001, 2002]


def test_guidance_and_seed_and_negative_prompt_matter(pipelines: dict[str, Path]) -> None:
    def paint(guidance: float, seed: int, **more: Any) -> bytes | None:
        painter = Painter(options(pipelines["sd3"], **more))
        return painter.paint([Order(prompt="a fox", seed=seed, guidance=guidance)])[0]

    base = paint(5.0, 1)
    assert base == paint(5.0, 1)
    assert base not in {paint(9.0, 1), paint(5.0, 2), paint(5.0, 1, negative_prompt="a very green pond")}
    assert paint(5.0, 1, negative_prompt="") == base, "SD3's negative prompt is empty unless it is given"


def test_an_image_depends_on_its_own_seed_in_a_batch(pipelines: dict[str, Path]) -> None:
    painter = Painter(options(pipelines["sd1"]))
    orders = [Order(prompt="a red fox", seed=seed, guidance=5.0) for seed in (1, 2, 3)]
    together = [_pixels(data) for data in painter.paint(orders)]
    for order, picture in zip(orders, together, strict=True):
        alone = _pixels(painter.paint([order])[0])
        assert np.abs(alone - picture).max() <= 2, "but for rounding, of 255"
    assert np.abs(together[0] - together[1]).max() > 20


def _pixels(data: bytes | None) -> "np.ndarray[Any, Any]":
    assert data is not None
    with Pillow.open(BytesIO(data)) as picture:
        return np.asarray(picture).astype(int)


def test_memory_can_be_saved_on_a_cpu(pipelines: dict[str, Path], run: Run, tmp_path: Path) -> None:
    file = asked(tmp_path, "a fox")
    plain = samples(TextToImage(options(pipelines["sd1"], prompts=file), run))
    table = {"attention_slicing": True, "vae_slicing": True, "vae_tiling": True}
    saved = samples(TextToImage(options(pipelines["sd1"], prompts=file, **table), run))
    assert [one.id for one in saved] == [one.id for one in plain]
    assert len(saved[0].candidates) == 4


def test_the_largest_encoder_of_sd3_can_stay_out(pipelines: dict[str, Path]) -> None:
    made = options(pipelines["sd3"], without=["text_encoder_3", "tokenizer_3"], call={"max_sequence_length": 64})
    painter = Painter(made)
    assert painter._pipeline.text_encoder_3 is None
    assert painter.paint([Order(prompt="a fox", seed=1, guidance=5.0)])[0]


def test_prompts_and_rest_are_read_again_by_the_next_run(pipelines: dict[str, Path], tmp_path: Path) -> None:
    file = asked(tmp_path, "a fox")
    assert source_inputs(options(pipelines["sd1"], prompts=file)) == [Path(file), pipelines["sd1"]]
    needs = source_needs(options(Path("stabilityai/stable-diffusion-3-medium-diffusers")))
    assert tuple(needs.downloads) == needs.gated == ("stabilityai/stable-diffusion-3-medium-diffusers",)


@pytest.mark.parametrize(("more", "downloaded", "on_gpu"), [
    ({}, 7.693e9 * 2, 7.693e9 * 2),
    ({"dtype": "float32"}, 7.693e9 * 2, 7.693e9 * 4),
    ({"without": ["text_encoder_3", "tokenizer_3"]}, 2.931e9 * 2, 2.931e9 * 2),
    ({"offload": "model"}, 7.693e9 * 2, 4.762e9 * 2),
    ({"offload": "sequential"}, 7.693e9 * 2, 0),
])  # fmt: skip
def test_the_parts_of_a_pipeline_are_counted(more: dict[str, Any], downloaded: float, on_gpu: float) -> None:
    needs = source_needs(
        options(Path("stabilityai/stable-diffusion-3-medium-diffusers"), **{"dtype": "float16", **more})
    )
    assert list(needs.downloads.values()) == [pytest.approx(downloaded)]
    assert needs.device_bytes == pytest.approx(on_gpu)


def test_a_pipeline_that_is_here_is_counted_by_its_files(pipelines: dict[str, Path]) -> None:
    whole = source_needs(options(pipelines["sd3"], dtype="float32"))
    parts = Painter(options(pipelines["sd3"]))._pipeline.components.values()
    held = [one for part in parts if isinstance(part, torch.nn.Module) for one in part.state_dict().values()]
    numbers = sum({one.data_ptr(): one.numel() for one in held}.values())  # what is tied is there once
    assert whole.downloads == {}
    assert whole.device_bytes == pytest.approx(numbers * 4, rel=0.01)
    less = source_needs(options(pipelines["sd3"], dtype="float32", without=["text_encoder_3", "tokenizer_3"]))
    assert 0 < less.device_bytes < whole.device_bytes


# the safety checker --------------------------------------------------------------------------------------------------


@pytest.fixture
def guarded(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    tiny.stable_diffusion(checker=True).save_pretrained(tmp_path / "guarded")
    return tmp_path / "guarded"


def test_images_that_are_refused_are_left_out(guarded: Path, run: Run, tmp_path: Path) -> None:
    made = options(guarded, prompts=asked(tmp_path, "a", "b"), guidance=[5.0], batch_size=4)
    source = TextToImage(made, run)
    checker = source._ready()._pipeline.safety_checker
    verdicts = [[True, False, False, True], [True] * 4]
    checker.forward = lambda clip_input, images: (images, verdicts.pop(0))
    first, second = source.samples()
    assert isinstance(first, Sample)
    seeds = [derive(3, "text-to-image", "prompts-1", k) for k in (1, 2)]
    assert [one["seed"] for one in first.truth["made"]["images"]] == seeds
    assert len(first.candidates) == 2
    assert second == Dropped(
        id="prompts-2",
        reason="refused by the safety checker",
        detail="the pipeline's safety checker refused all 4 images of 'b'",
    )


def test_the_safety_checker_can_be_switched_off(guarded: Path) -> None:
    assert Painter(options(guarded))._pipeline.safety_checker is not None
    assert Painter(options(guarded, safety_checker=False))._pipeline.safety_checker is None


# prompts -------------------------------------------------------------------------------------------------------------


def test_our_prompts_are_over_the_published_categories() -> None:
    found = prompts(TextToImageOptions(path="x"))
    assert len(found) == 90
    assert {one.category for one in found} == set(CATEGORIES)
    assert len(CATEGORIES) == 15
    assert len({one.prompt for one in found}) == len({one.question for one in found}) == 90
    assert all(len(one.prompt.split()) <= 27 and one.question.endswith("?") for one in found)
    some = prompts(TextToImageOptions(path="x", categories=("plant", "art")))
    assert {one.category for one in some} == {"plant", "art"}


def test_published_files_are_read_line_by_line(tmp_path: Path) -> None:
    (tmp_path / "art.txt").write_text("a fox\n\na pond\n")
    (tmp_path / "asked.txt").write_text("<image> What is it?\n<image> Where?\n")
    found = prompts(TextToImageOptions(path="x", prompts=tmp_path / "art.txt", questions=tmp_path / "asked.txt"))
    assert [(one.id, one.prompt, one.question) for one in found] == [
        ("art-1", "a fox", "What is it?"), ("art-2", "a pond", "Where?"),
    ]  # fmt: skip


def test_rows_bring_ids_questions_and_categories(tmp_path: Path) -> None:
    rows = [{"id": "x1", "prompt": "a fox", "category": "odd"}, {"prompt": "a pond", "question": "<image>\nDeep?"}]
    (tmp_path / "p.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = prompts(TextToImageOptions(path="x", prompts=tmp_path / "p.jsonl", question="What?"))
    assert [(one.id, one.question) for one in found] == [("x1", "What?"), ("p-2", "Deep?")]
    only = TextToImageOptions(path="x", prompts=tmp_path / "p.jsonl", categories=("odd",))
    assert [one.id for one in prompts(only)] == ["x1"]


@pytest.mark.parametrize(("name", "text", "more", "said"), [
    ("p.txt", "\n\n", {}, "holds no prompt"),
    ("p.txt", b"\xff\xfe", {}, "is not UTF-8"),
    ("p.txt", "a\nb", {"questions": "What?\n"}, "has 1 lines and prompts"),
    ("p.jsonl", '{"question": "a"}\n', {}, "must have a text 'prompt'"),
    ("p.jsonl", '{"prompt": 3}\n', {}, "must have a text 'prompt'"),
    ("p.jsonl", '{"id": "a", "prompt": "x"}\n{"id": "a", "prompt": "y"}\n', {}, "two prompts with the id 'a'"),
    ("p.jsonl", '{"prompt": "x"}\n', {"categories": ["none"]}, "holds no prompt of the categories none"),
    ("q.txt", None, {}, "cannot be read"),
])  # fmt: skip
def test_files_of_prompts_that_are_wrong(tmp_path: Path, name: str, text: Any, more: dict[str, Any], said: str) -> None:
    if text is not None:
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    if "questions" in more:
        (tmp_path / "questions.txt").write_text(more["questions"])
        more = {"questions": str(tmp_path / "questions.txt")}
    with pytest.raises(StageError, match=said):
        prompts(options(Path("x"), prompts=str(tmp_path / name), **more))


@pytest.mark.parametrize(("table", "said"), [
    ({"height": 30}, "'height' must be a multiple of 8"),
    ({"seeds": "numbered", "n": 1000}, "would repeat from 1000 images a prompt on"),
    ({"questions": "q.txt"}, "'questions' go with 'prompts' in a .txt"),
    ({"categories": ["anmal"]}, "there is no 'anmal' among our prompts"),
    ({"guidance": [-1.0]}, "'guidance' must be >= 0"),
    ({"n": 0}, "'n' must be >= 1"),
])  # fmt: skip
def test_options_that_make_no_sense(table: dict[str, Any], said: str) -> None:
    with pytest.raises(OptionsError, match=said):
        read({"path": "x", **table}, TextToImageOptions, "images")


# pipelines that do not fit -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("table", "said"), [
    ({"call": {"strenght": 1}}, "does not take strenght"),
    ({"without": ["text_encoder_9"]}, "has no part 'text_encoder_9'; it has .*scheduler, text_encoder"),
    ({"offload": "model", "device": "cpu"}, "moves parts to a GPU, and the device is the CPU"),
])  # fmt: skip
def test_what_a_pipeline_cannot_do_is_said(pipelines: dict[str, Path], table: dict[str, Any], said: str) -> None:
    with pytest.raises(StageError, match=said):
        Painter(options(pipelines["sd1"], **table))


def test_a_directory_without_pipeline_and_a_name_of_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(StageError, match=r"holds none of model_index\.json; it holds nothing"):
        Painter(options(tmp_path / "empty"))
    with pytest.raises(StageError, match="is no directory; give one that holds the model, or a hub id"):
        Painter(options(tmp_path / "absent"))
    with pytest.raises(
        StageError, match=r"neither a directory nor in the hub's local cache|could not be had from the hub"
    ):
        Painter(options(Path("no-one/nothing")))


def test_pickled_weights_are_not_loaded(pipelines: dict[str, Path], tmp_path: Path) -> None:
    copy = shutil.copytree(pipelines["sd1"], tmp_path / "pickled")
    for file in copy.rglob("*.safetensors"):
        torch.save({}, file.with_suffix(".bin"))
        file.unlink()
    with pytest.raises(StageError, match="cannot be loaded"):
        Painter(options(copy))


def test_a_pipeline_that_starts_from_an_image_is_none_of_texts(pipelines: dict[str, Path], tmp_path: Path) -> None:
    copy = shutil.copytree(pipelines["sd1"], tmp_path / "other")
    index = json.loads((copy / "model_index.json").read_text())
    (copy / "model_index.json").write_text(json.dumps({**index, "_class_name": "StableDiffusionUpscalePipeline"}))
    with pytest.raises(StageError):
        Painter(options(copy))


def test_images_of_nothing_are_noticed(pipelines: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    painter = Painter(options(pipelines["sd1"]))
    with torch.no_grad():
        painter._pipeline.vae.decoder.conv_out.bias.fill_(float("nan"))
    with pytest.raises(StageError, match="not a number; set dtype = 'bfloat16' or 'float32'"):
        painter.paint([Order(prompt="a fox", seed=0, guidance=5.0)])


def test_a_stage_lets_the_pipeline_go(pipelines: dict[str, Path], run: Run, tmp_path: Path) -> None:
    source = TextToImage(options(pipelines["sd1"], prompts=asked(tmp_path, "a", "b"), batch_size=1), run)
    assert len(source) == 2
    with source:
        assert not source._painter, "nothing is loaded before the first image is asked for"
        list(islice(source.samples(), 1))
        assert source._painter
    assert not source._painter

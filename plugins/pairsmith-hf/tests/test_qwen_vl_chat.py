"""Qwen-VL-Chat's family, on a stand-in of the same interface whose code comes with its weights."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from attrs import evolve
from PIL import Image as Pillow
from safetensors.torch import load_file, save_file
from tiny_qwen_vl_chat import CODE, make

from pairsmith.errors import OptionsError, StageError
from pairsmith.options import read
from pairsmith.recipe import Document, resolve
from pairsmith.registry import Registry
from pairsmith.testing import ModelFamilyContract, make_run
from pairsmith.testing.pictures import noise
from pairsmith.values import Image, Sample, Turn, user
from pairsmith_hf.generator import HfGenerator
from pairsmith_hf.options import GeneratorOptions, QwenVLChatOptions
from pairsmith_hf.qwen_vl_chat import QwenVLChatFamily

TAKE = "take Qwen/Qwen2.5-VL-7B-Instruct with use = 'qwen2-5-vl'"
WHAT = user("What is it?")


@pytest.fixture(autouse=True)
def _own_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the code that comes with models out of the user's cache."""
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "modules"))
    monkeypatch.syspath_prepend(tmp_path / "modules")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make(tmp_path / f"chat-{abs(hash(tmp_path))}")  # loaded code is known by its folder's name


def of(folder: Path) -> QwenVLChatFamily:
    return QwenVLChatFamily(QwenVLChatOptions(path=str(folder), trust_remote_code=True), make_run(folder / "run"))


def loaded(family: QwenVLChatFamily) -> Any:
    return family.load(family.weights, device="cpu", dtype="float32")


class TestQwenVLChat(ModelFamilyContract):
    name = "pairsmith-hf/qwen-vl-chat"

    @pytest.fixture(autouse=True)
    def _folder(self, folder: Path) -> None:
        self.folder = folder

    def make_options(self, tmp_path: Path):
        return {"path": str(self.folder), "trust_remote_code": True}


def test_a_prompt_is_written_as_published(folder: Path, tmp_path: Path) -> None:
    family = of(folder)
    codec = family.codec(family.weights)
    images = [noise(tmp_path / "a.png", 9, 7), noise(tmp_path / "b.png", 5, 6)]
    turns = (*WHAT, Turn(role="assistant", text="A cat."), *user("Is it?"))
    written = (
        "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n"
        f"Picture 1: <img>{images[0].path}</img>\nPicture 2: <img>{images[1].path}</img>\nWhat is it?<|im_end|>\n"
        "<|im_start|>assistant\nA cat.<|im_end|>\n<|im_start|>user\nIs it?<|im_end|>\n<|im_start|>assistant\n"
    )
    tokenizer = codec.processor.tokenizer
    assert list(codec.prompt(turns, images).tokens) == tokenizer(written).input_ids
    assert list(codec.response(turns, "No.")) == tokenizer("No.<|im_end|>\n").input_ids
    told = codec.prompt((Turn(role="system", text="Be brief."), *WHAT), ())
    assert tokenizer.decode(told.tokens).startswith("<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nWhat")


def test_no_text_makes_it_open_a_file_and_no_path_is_cut(folder: Path, tmp_path: Path) -> None:
    family = of(folder)
    codec = family.codec(family.weights)
    for text in ("<img>https://example.org/a.png</img>", "a </img>"):
        for ask in (lambda one: codec.prompt(user(one), ()), lambda one: codec.response(WHAT, one)):
            with pytest.raises(StageError, match="by which Qwen-VL-Chat opens files; take it out"):
                ask(text)
    longest = tmp_path / ("x" * (254 - len(str(tmp_path).encode()) - 1))
    assert len(codec.prompt(WHAT, [Image(path=longest)]).tokens) > 256
    with pytest.raises(StageError, match="its path has 255 bytes, and Qwen-VL-Chat reads a path of at most 254"):
        codec.prompt(WHAT, [Image(path=Path(f"{longest}x"))])
    with pytest.raises(StageError, match="cannot be read"):
        codec.pixels(Image(path=tmp_path / "absent.png"))


@pytest.mark.parametrize("told", [{}, {"trust_remote_code": False}])
def test_it_is_refused_when_a_recipe_is_checked_that_does_not_trust_its_code(told: dict[str, bool]) -> None:
    table = {"use": "qwen-vl-chat", "path": "Qwen/Qwen-VL-Chat", **told}
    tables = {"schema": 1, "images": {"use": "none"}, "image_check": {"use": "none"}, "model": table}
    with pytest.raises(Exception, match="trust_remote_code") as error:
        resolve(Document(name="test", tables=tables), Registry.discover())
    _, said = str(error.value).splitlines()
    assert "runs Python code that comes with the model" in said
    assert "pin its commit with 'revision'" in said
    assert TAKE in said


def test_its_options_take_the_chat_model_only_and_nothing_that_its_code_cannot() -> None:
    trusted = {"trust_remote_code": True}
    assert read({"path": "Qwen/Qwen-VL-Chat", **trusted}, QwenVLChatOptions, "model").path == "Qwen/Qwen-VL-Chat"
    for wrong in (
        {"path": "Qwen/Qwen-VL"},
        {"path": "Qwen/Qwen-VL-Chat-Int4"},
        {"path": "liuhaotian/llava-v1.5-7b"},
        {"path": "x", "quantization": "4bit"},
        {"path": "x", "attention": "flex"},
    ):
        with pytest.raises(OptionsError):
            read({**wrong, **trusted}, QwenVLChatOptions, "model")


def sentence(act: Callable[[], Any]) -> str:
    with pytest.raises(StageError) as error:
        act()
    assert "\n" not in str(error.value)
    return str(error.value)


def test_code_that_cannot_be_imported_is_one_sentence(folder: Path) -> None:
    code = folder / f"{CODE}.py"
    code.write_text(f"from transformers import NoSuchThing\n{code.read_text()}")
    family = of(folder)
    for act in (lambda: family.codec(family.weights), lambda: loaded(family)):
        said = sentence(act)
        assert "the code that comes with it cannot make" in said
        assert "NoSuchThing" in said
        assert said.endswith(TAKE)


@pytest.mark.parametrize(("old", "new", "told"), [
    ("self.post_init()", "self.get_head_mask(None, 2)", "cannot make the model under transformers"),
    ("lowest = torch.finfo", "self.get_head_mask(None, 2)\n        lowest = torch.finfo", "cannot read an image under"),
    ("hidden[row, begin + 1 : end] = image", "pass", "a black and a white picture are the same to it"),
    ("logits=self.lm_head(hidden)", "logits=self.lm_head(hidden).tanh()", "its logits are not its head's"),
])  # fmt: skip
def test_code_that_fails_or_sees_nothing_is_one_sentence(folder: Path, old: str, new: str, told: str) -> None:
    code = folder / f"{CODE}.py"
    assert old in code.read_text()
    code.write_text(code.read_text().replace(old, new))
    said = sentence(lambda: loaded(of(folder)))
    assert told in said
    assert said.endswith(TAKE)


def test_it_is_loaded_in_the_type_that_is_asked_for(folder: Path) -> None:
    family = of(folder)
    model = family.load(family.weights, device="cpu", dtype="bfloat16")
    assert {value.dtype for value in model.parameters()} == {torch.bfloat16}
    kept = load_file(folder / "model.safetensors")["lm_head.weight"]
    assert torch.equal(model.lm_head.weight, kept.bfloat16())


def test_weights_that_are_absent_or_not_all_there_are_refused(folder: Path) -> None:
    file = folder / "model.safetensors"
    kept = {name: value for name, value in load_file(file).items() if name != "lm_head.weight"}
    save_file(kept, file)
    assert "no file has 'lm_head.weight' and 0 more" in sentence(lambda: loaded(of(folder)))
    file.unlink()
    assert "has neither safetensors nor a pytorch_model.bin" in sentence(lambda: loaded(of(folder)))


def test_another_make_is_refused_before_its_code_is_run(folder: Path) -> None:
    (folder / "config.json").write_text('{"model_type": "llava"}')
    (folder / f"{CODE}.py").write_text("raise SystemExit")
    assert "is a 'llava', and use = 'qwen-vl-chat' reads" in sentence(lambda: loaded(of(folder)))


def greedily(family: QwenVLChatFamily, sample: Sample, length: int) -> str:
    """Read prompt and answer anew for each token, without ``generate``."""
    codec, model = family.codec(family.weights), loaded(family)
    tokens = list(codec.prompt(sample.prompt, sample.images).tokens)
    start = len(tokens)
    while len(tokens) < start + length and codec.end not in tokens[start:]:
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([tokens])).logits[0, -1]
        logits[list(codec.marks.all)] = -torch.inf
        tokens.append(int(logits.argmax()))
    return codec.text(tokens[start:])


def test_it_answers_as_its_own_passes_say(folder: Path, tmp_path: Path) -> None:
    family = of(folder)
    pictures = [tmp_path / f"{colour}.png" for colour in ("black", "white")]
    for path in pictures:
        Pillow.new("RGB", (20, 20), path.stem).save(path)
    prompts = (WHAT, user("Describe the image as well as you can."), WHAT)
    shown = ((Image(path=pictures[0]),), (Image(path=pictures[1]),), ())
    samples = [
        Sample(id=str(n), images=images, prompt=prompt)
        for n, (images, prompt) in enumerate(zip(shown, prompts, strict=True))
    ]
    run = evolve(make_run(tmp_path / "answers"), family=family, weights=family.weights)
    with HfGenerator(GeneratorOptions(max_new_tokens=6, temperature=0.0, batch_size=3), run) as generator:
        said = [one.text for (one,) in generator.respond(samples, seed=0)]
    assert said == [greedily(family, sample, 6) for sample in samples]
    other = evolve(samples[0], images=samples[1].images)
    assert greedily(family, other, 6) != said[0]


def test_it_never_answers_blindly(folder: Path, tmp_path: Path) -> None:
    family = of(folder)
    codec, model = family.codec(family.weights), loaded(family)
    batch = codec.requests([(WHAT, [noise(tmp_path / "a.png", 9, 7)])])
    with pytest.raises(StageError, match="sees no image where keys are kept"):
        model.generate(**batch, max_new_tokens=2, use_cache=True, pad_token_id=0)
    run = evolve(make_run(tmp_path / "raw"), family=family, weights=family.weights)
    with pytest.raises(StageError, match="prompt_mode = 'raw' leaves out a chat template"):
        HfGenerator(GeneratorOptions(prompt_mode="raw"), run)
    with pytest.raises(StageError, match="encodes no images by themselves"):
        family.encode(model, {})

"""Several generators in one recipe, each with a model of its own: the three shapes, as a recipe runs them."""

from io import StringIO
from pathlib import Path
from typing import Any
from weakref import WeakSet

import pytest
from PIL import Image as Pillow

from pairsmith.check import check
from pairsmith.errors import PairsmithError
from pairsmith.progress import progress
from pairsmith.recipe import Document
from pairsmith.registry import Registry
from pairsmith.start import start
from pairsmith.values import Response
from pairsmith.view import DirectoryView
from pairsmith_hf.llava import LlavaFamily
from pairsmith_hf.options import GeneratorOptions
from pairsmith_hf.prompt_file import prompts

TINY = {"use": "random-llava", "image_size": 16, "patch_size": 8, "vocabulary": 300, "std": 0.3}


def tables(folder: Path, *responses: dict[str, Any], **more: Any) -> dict[str, Any]:
    images = folder / "images"
    images.mkdir(exist_ok=True)
    for n in range(3):
        Pillow.new("RGB", (20, 20), (80 * n, 20, 90)).save(images / f"{n}.png")
    asked = [{"use": "hf", "max_new_tokens": 4, **one} for one in responses]
    return {
        "schema": 1,
        "summary": "s",
        "part_size": 2,
        "images": {"use": "folder", "path": str(images), "prompt": "What is this?"},
        "responses": asked,
        **more,
    }


def answers(folder: Path, *responses: dict[str, Any], **more: Any) -> list[list[Response]]:
    """Return the answers to each of three samples."""
    document = Document(name="several", tables=tables(folder, *responses, **more))
    run = start(document, out=folder / "run", until="responses", progress=progress(StringIO()))
    return [list(judged.responses) for judged in DirectoryView(run).judged()]


def own(seed: int, **more: Any) -> dict[str, Any]:
    return {"model": {**TINY, "seed": seed}, "name": f"m{seed}", "temperature": 0.0, **more}


def test_three_models_give_an_answer_each_and_are_never_in_memory_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alive: WeakSet[Any] = WeakSet()
    together = []
    load = LlavaFamily.load

    def counted(self: LlavaFamily, *given: Any, **more: Any) -> Any:
        together.append(len(alive))
        model = load(self, *given, **more)
        alive.add(model)
        return model

    monkeypatch.setattr(LlavaFamily, "load", counted)
    found = answers(tmp_path, own(0), own(1), own(2))
    assert [[one.id.split("/", 1)[1] for one in of] for of in found] == [["m0/0", "m1/0", "m2/0"]] * 3
    assert len({one.model for one in found[0]}) == 3
    assert len({one.text for one in found[0]}) > 1
    assert together == [0, 0, 0]


def test_one_model_samples_four_answers(tmp_path: Path) -> None:
    found = answers(tmp_path, {"n": 4, "temperature": 1.2}, model=TINY)
    assert [len(of) for of in found] == [4, 4, 4]
    assert len({one.text for one in found[0]}) > 1
    assert len({one.model for of in found for one in of}) == 1


def test_eight_prompts_are_put_to_each_image(tmp_path: Path) -> None:
    eight = [f"Describe the image, {n}." for n in range(8)]
    found = answers(tmp_path, {"prompts": eight, "n": 1}, model=TINY)
    for of in found:
        assert [one.prompt[-1].text for one in of] == eight
        assert [int(one.id.rpartition("/")[2]) for one in of] == list(range(8))


def test_prompts_may_be_a_file_and_what_it_holds_counts(tmp_path: Path) -> None:
    file = tmp_path / "asked.txt"
    for text in ("Describe it.", "What stands out?"):
        file.write_text(f"\n  {text}\nAnd then?\n", encoding="utf-8")
        found = answers(tmp_path, {"prompts": str(file)}, model=TINY)
        assert [[one.prompt[-1].text for one in of] for of in found] == [[text, "And then?"]] * 3


def test_a_json_file_may_hold_prompts_of_several_lines(tmp_path: Path) -> None:
    (tmp_path / "asked.json").write_text('["One\\nTwo", "Three"]', encoding="utf-8")
    assert prompts(GeneratorOptions(prompts=tmp_path / "asked.json")) == ("One\nTwo", "Three")


@pytest.mark.parametrize(("file", "text", "said"), [
    ("asked.txt", "\n \n", "holds no question"),
    ("asked.json", "[]", "holds no question"),
    ("asked.json", '["a", 3]', "must hold an array of texts, and holds 3"),
    ("asked.json", "[null]", "must hold an array of texts, and holds None"),
    ("asked.json", '{"a": "b"}', "must hold an array of texts, and holds {'a': 'b'}"),
    ("asked.json", "{", "is no JSON"),
    ("asked.toml", "", r"must be a .txt with a question a line, or a .json"),
    ("gone.txt", None, "cannot be read: No such file"),
])  # fmt: skip
def test_a_file_of_prompts_that_holds_none(file: str, text: str | None, said: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / file).write_text(text, encoding="utf-8")
    with pytest.raises(PairsmithError, match=rf"prompts = '.*{file}' {said}"):
        prompts(GeneratorOptions(prompts=tmp_path / file))


def test_several_answers_to_several_prompts_are_numbered_prompt_by_prompt(tmp_path: Path) -> None:
    found = answers(tmp_path, {"prompts": ["A?", "B?"], "n": 2, "temperature": 0.0}, model=TINY)
    assert [one.prompt[-1].text for one in found[0]] == ["A?", "A?", "B?", "B?"]
    assert [one.id.rpartition("/")[2] for one in found[0]] == ["0", "1", "2", "3"]
    assert found[0][0].text == found[0][1].text != found[0][2].text


def test_an_own_model_answers_as_if_it_were_the_recipes(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "recipe").mkdir()
    options = {"n": 2, "temperature": 0.0}
    mine = answers(tmp_path / "own", {**options, "model": {**TINY, "seed": 4}}, model=TINY)
    recipes = answers(tmp_path / "recipe", options, model={**TINY, "seed": 4})
    assert [[one.text for one in of] for of in mine] == [[one.text for one in of] for of in recipes]


def test_a_model_whose_weights_changed_answers_anew(tmp_path: Path) -> None:
    first = answers(tmp_path, own(0))
    (weights,) = (tmp_path / "run" / "models").glob("*/model.safetensors")
    data = bytearray(weights.read_bytes())
    data[-4000:] = bytes(4000)
    weights.write_bytes(data)
    assert answers(tmp_path, own(0)) != first


RECIPE = """
schema = 1
summary = "s"
[images]
use = "folder"
path = "images"
prompt = "What is this?"
[[responses]]
use = "hf"
model = { use = "llava", path = "org/some-7b", OPTION }
"""


def test_check_names_what_is_downloaded_and_what_does_not_fit(tmp_path: Path) -> None:
    recipe = tmp_path / "r.toml"
    recipe.write_text(RECIPE.replace("OPTION", "dtype = 'bfloat16'"), encoding="utf-8")
    assert "downloads org/some-7b, about 13.0 GiB" in check(recipe, [], Registry.discover())
    recipe.write_text(RECIPE.replace("OPTION", "revison = 'x'"), encoding="utf-8")
    with pytest.raises(PairsmithError, match=r"responses\[0\].model.revison: unknown option; did you mean 'revision'"):
        check(recipe, [], Registry.discover())

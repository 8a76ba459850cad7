"""What the tiny twins of the packaged recipes need, under one folder: random models and a few rows. No network is asked.

``python tests/tiny_models.py tiny`` writes it, and then ``pairsmith run mcm-dpo-tiny`` runs in the folder beside it.
"""

import importlib.util
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
POSTS = ("Lunch at the sea", "My dog again", "Rain all day", "New shoes")


def module(plugin: str, name: str) -> ModuleType:
    """Return a module of a plugin's tests: each makes the tiny models of what it is about."""
    path = ROOT / "plugins" / plugin / "tests"
    full = f"{plugin}_{name}".replace("-", "_")
    if full not in sys.modules:
        spec = importlib.util.spec_from_file_location(full, path / f"{name}.py")
        assert spec
        assert spec.loader
        made = importlib.util.module_from_spec(spec)
        sys.path.insert(0, str(path))  # they import each other by name
        try:
            spec.loader.exec_module(made)
        finally:
            sys.path.remove(str(path))
        sys.modules[full] = made
    return sys.modules[full]


def llava(folder: Path) -> None:
    from pairsmith_hf.options import RandomLlavaOptions
    from pairsmith_hf.random_llava import save

    shape = {"image_size": 28, "patch_size": 14, "hidden_size": 32, "vocabulary": 400, "std": 0.3}
    save(folder, RandomLlavaOptions(**shape), iter(()))


def family(name: str, seed: int = 0) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        import torch
        import transformers

        config, processor = module("pairsmith-hf", "conftest").BUILDERS[name]()
        torch.manual_seed(seed)
        model = transformers.AutoModelForImageTextToText.from_config(config)
        for parameter in model.parameters():
            if parameter.dim() > 1:
                torch.nn.init.normal_(parameter, std=0.3)
        model.save_pretrained(folder)
        processor.save_pretrained(folder)

    return make


def stable_diffusion_3(folder: Path) -> None:
    import torch

    torch.manual_seed(0)
    module("pairsmith-diffusion", "tiny").PIPELINES["sd3"]().save_pretrained(folder)


def image_reward(folder: Path) -> None:
    import torch

    made = module("pairsmith-diffusion", "test_judges")
    folder.mkdir()
    torch.save(made.published(made.network()), folder / "ImageReward.pt")
    module("pairsmith-diffusion", "tiny").tokenizer(512, start="[CLS]", end="[SEP]").save_pretrained(
        folder / "tokenizer"
    )


def armorm(folder: Path) -> None:
    """A reward model that reads questions as long as ours, which the plugin's own tests have no need of."""
    module("pairsmith-hf", "tiny_rewards").armorm(folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "max_position_embeddings": 1024}))


def by(plugin: str, name: str, maker: str, *more: str) -> Callable[[Path], None]:
    return lambda folder: getattr(module(plugin, name), maker)(folder, *more)


MODELS: Mapping[str, Callable[[Path], None]] = {
    "llava": llava,
    "llava-next": family("llava-next"),
    "llava-next-2": family("llava-next", 1),
    "llava-next-3": family("llava-next", 2),
    "qwen2-5-vl": family("qwen2-5-vl"),
    "sd3": stable_diffusion_3,
    "image-reward": image_reward,
    "armorm": armorm,
    "llama": by("pairsmith-decompose", "conftest", "build"),
    "owl-vit": by("pairsmith-grounding", "models", "owl_vit"),
    "blip-2": by("pairsmith-vqa", "models", "blip_2", "t5"),
    "cola": by("pairsmith-vqa", "models", "cola"),
}


def pictures(folder: Path) -> None:
    import numpy as np
    from PIL import Image

    for number in range(4):
        pixels = np.random.default_rng(number).integers(0, 256, (44, 40, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")


def rows(folder: Path) -> None:
    """Write rows as each data set has them."""

    def write(name: str, value: Any) -> None:
        (folder / name).write_text(json.dumps(value))

    write("lrv.json", [{"image_id": n, "question": f"What is {n}?", "answer": f"It is a thing {n}."} for n in range(1)])
    asked = [{"id": f"s{n}", "image_file": f"{n}.png", "q_a_pairs": [[f"Why {n}?", f"Because of {n}."]]} for n in (2,)]
    (folder / "scigraphqa.jsonl").write_text("".join(json.dumps(row) + "\n" for row in asked))
    thing = {"name": "dog", "x": 1, "y": 2, "w": 30, "h": 30, "attributes": ["brown"], "relations": []}
    write("scene-graphs.json", {str(n): {"width": 40, "height": 44, "objects": {"1": thing}} for n in range(2)})
    told = [{"from": "human", "value": "<image>\nWrite an alt text.\nContext:\nA post"}]
    write("sft.json", [
        {"id": f"t{n}", "image": f"pictures/{n}.png", "conversations": [*told, {"from": "gpt", "value": f"A thing {n}."}]}
        for n in range(4)
    ])  # fmt: skip
    write("preferences.json", [
        {
            "idx": n, "ds_name": "PAlt", "image": {"path": f"pictures/{n}.png"}, "origin_dataset": "x", "origin_split": "{}",
            "text": json.dumps({
                "question": f"Write an alt text for the image.\nContext:\n{post}",
                "chosen": f"A good text about {post.lower()}.", "rejected": f"Some words that say little, {n} of them.",
            }),
            "image_path": f"pictures/{n}.png",
        }
        for n, post in enumerate(POSTS)
    ])  # fmt: skip
    written = [
        {"image": f"pictures/{n}.png", "context": post, "references": f"a thing at {post.lower()}"}
        for n, post in enumerate(POSTS)
    ]
    (folder / "written.jsonl").write_text("".join(json.dumps(row) + "\n" for row in written))


def make(folder: Path, wanted: Mapping[str, Callable[[Path], None]] = MODELS) -> Path:
    """Write everything that is not there yet."""
    (folder / "pictures").mkdir(parents=True, exist_ok=True)
    pictures(folder / "pictures")
    for number in range(4):  # LRV-Instruct's images are .jpg, by the rows' image_id
        (folder / "pictures" / f"{number}.jpg").write_bytes((folder / "pictures" / f"{number}.png").read_bytes())
    rows(folder)
    for name, maker in wanted.items():
        if not (folder / name).exists():
            maker(folder / name)
    return folder


if __name__ == "__main__":
    make(Path(sys.argv[1]))

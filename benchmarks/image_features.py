"""What keeping a frozen tower's features on the disk saves of a training step (train.cache_image_features), side by side.

    python benchmarks/image_features.py [--repeats 3]

LLaVA's image shape (336 pixels, 576 image tokens) on a small language model (8 layers of 512), with two towers: one with
4.5 % of the language model's parameters, as in LLaVA-1.5-7B, and one with 44 %, as in Qwen2-VL-2B (whose tower also reads
four patches for each token, and this one does not). DPO with LoRA on the language model, float32, one pair a step with
answers of 96 and 64 tokens. A step is reading the image, or its features, and going forward and backward; the two ways take
turns in one process. Times are the process's own, so that other work on the machine counts little; the table gives medians.
"""

import argparse
import os
import platform
import statistics
import tempfile
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

TOWERS = {"4.5 %": (128, 7), "44 %": (256, 18)}
ANSWERS = (96, 64)
LORA = {"r": 16, "alpha": 32.0}


def pair(folder: Path) -> Any:
    """Return a pair about one image."""
    from pairsmith.testing.pictures import noise
    from pairsmith.values import Item, Pair, Response, Sample, user

    sample = Sample(id="s", images=(noise(folder / "image.png", 640, 480, 0),), prompt=user("What is in the picture?"))
    chosen, rejected = (
        Response(id=letter, sample_id="s", text=letter * (length - 1))
        for letter, length in zip("xy", ANSWERS, strict=True)
    )
    return Item(value=Pair(id="p", sample=sample, chosen=chosen, rejected=rejected))


def measure(folder: Path, width: int, layers: int, repeats: int) -> dict[str, float]:
    """Return the processor seconds of a step each way, of encoding the image once, and the size of its features."""
    from pairsmith.interfaces import Cell
    from pairsmith.testing import make_run
    from pairsmith_hf.options import RandomLlavaOptions
    from pairsmith_hf.random_llava import RandomLlavaFamily
    from pairsmith_train import features
    from pairsmith_train.batch import Collator
    from pairsmith_train.encode import Encoder
    from pairsmith_train.options import LoraOptions, TreeOptions
    from pairsmith_train.prepare import prepare
    from pairsmith_train.scorer import Scorer

    options = RandomLlavaOptions(
        hidden_size=512, layers=8, heads=8, vision_hidden_size=width, vision_layers=layers, vocabulary=300
    )
    family = RandomLlavaFamily(options, make_run(folder / "run"))
    cells, item = (Cell("chosen"), Cell("rejected")), pair(folder)
    model = family.load(family.weights, device="cpu", dtype="float32")
    encoder = Encoder(family.codec(family.weights), cells, None, cut=False)
    kept = features.FeatureStore(folder / "kept")
    began = time.process_time()
    features.fill(kept, list(item.value.sample.images), encoder.codec, lambda pixels: family.encode(model, pixels))
    found: dict[str, Any] = {"once": time.process_time() - began, "encoded": [], "kept": []}
    size = kept.path(item.value.sample.images[0]).stat().st_size / 2**20
    scorer = Scorer(prepare(model, family, TreeOptions(lora=LoraOptions(**LORA))).train(), family)
    collators = {"encoded": Collator(encoder), "kept": Collator(encoder, None, kept)}
    for _ in range(repeats + 1):
        for way, collator in collators.items():
            began = time.process_time()
            scorer(collator([(item, None)])).sum().backward()
            found[way].append(time.process_time() - began)
    return {
        "once": found["once"],
        "MiB": size,
        **{way: statistics.median(found[way][1:]) for way in collators},  # the first step of each warms up
    }


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    os.environ.update(OMP_NUM_THREADS="1", HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="false")
    libraries = ", ".join(f"{name} {version(name)}" for name in ("torch", "transformers"))
    print(f"{datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}, {libraries}, one thread")
    print(f"medians of {arguments.repeats}\n")
    print(
        "| tower's share of parameters | encoded every step | features kept | faster | encoding once | MiB an image |"
    )
    print("|---|---|---|---|---|---|")
    for share, tower in TOWERS.items():
        with tempfile.TemporaryDirectory() as folder:
            found = measure(Path(folder), *tower, arguments.repeats)
        times = f"{found['encoded']:.2f} s | {found['kept']:.2f} s | {found['encoded'] / found['kept']:.2f}x"
        print(f"| {share} | {times} | {found['once']:.2f} s | {found['MiB']:.2f} |", flush=True)


if __name__ == "__main__":
    main()

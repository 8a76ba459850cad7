"""One training step of the tree, against separate passes and against stock TRL, side by side in one run.

    python benchmarks/tree.py [--repeats 3] [--threads 1]

LLaVA's image shape (336 pixels, 576 image tokens) and a vocabulary of 32,000 on a small language model (8 layers of 512),
two pairs a step, passed through the model one at a time, or both at once; LoRA on the language model, float32. DPO: answers
of 128 and 108 tokens after a prompt of 60; MCM-DPO: 40 and 30 tokens after contexts of about 60, whose answers are alt texts.

Each way runs in a process of its own, so that its peak memory is its own, ``--repeats`` times in turns; the table gives
medians. A step is forward, backward and optimiser. ``separate`` passes every cell through the whole model as a row of one
batch, as the methods' own code does it, with the reference cached; ``trl`` is stock ``trl.DPOTrainer``, which computes its
reference in the step, because for images it refuses a cached one.
"""

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

WAYS = {"dpo": ("tree", "separate", "trl"), "mcm-dpo": ("tree", "separate")}
AT_ONCE = {"dpo": (1, 2), "mcm-dpo": (1,)}  # two pairs of eight cells in separate passes take 14 GB
WARM_UP, STEPS, PAIRS = 1, 3, 2
ANSWERS = {"dpo": (128, 108), "mcm-dpo": (40, 30)}  # tokens, the end of the turn counted
LORA = {"r": 16, "alpha": 32.0}


def model_and_items(folder: Path, chosen: int, rejected: int) -> tuple[Any, Any, list[Any]]:
    """Return the family, its run, and pairs whose answers have the stated lengths."""
    import numpy as np
    from PIL import Image as Pillow

    from pairsmith.testing import make_run
    from pairsmith.values import Corrupted, Image, Item, Pair, Response, Sample, user
    from pairsmith_hf.options import RandomLlavaOptions
    from pairsmith_hf.random_llava import RandomLlavaFamily

    dice = np.random.default_rng(0)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))

    def text(tokens: int) -> str:
        """A word of three random letters takes two or three tokens of this vocabulary; cut by count below."""
        return " ".join("".join(dice.choice(letters, 3)) for _ in range(tokens))

    def image(name: str) -> Image:
        path = folder / f"{name}.png"
        Pillow.fromarray(dice.integers(0, 256, (336, 336, 3), dtype=np.uint8)).save(path)
        return Image(path=path, id=name)

    options = RandomLlavaOptions(
        hidden_size=512, layers=8, heads=8, vision_hidden_size=256, vision_layers=4, vocabulary=300, std=0.02
    )
    family = RandomLlavaFamily(options, make_run(folder / "run"))
    items = []
    for number in range(PAIRS):
        sample = Sample(id=f"s{number}", images=(image(f"i{number}"),), prompt=user(text(9)), context=text(5))
        pair = Pair(
            id=f"p{number}",
            sample=sample,
            chosen=Response(id=f"s{number}/0", sample_id=sample.id, text="x" * (chosen - 1)),
            rejected=Response(id=f"s{number}/1", sample_id=sample.id, text="y" * (rejected - 1)),
        )
        items.append(Item(value=pair, corrupted=Corrupted(images=(image(f"c{number}"),), context=text(5))))
    return family, make_run(folder / "run"), items


def wide(family: Any) -> Any:
    """Return the model with an output layer of 32,000, as LLaVA-1.5 has, whatever the tokenizer needs."""
    import torch

    torch.manual_seed(0)
    model = family.load(family.weights, device="cpu", dtype="float32")
    model.resize_token_embeddings(32_000, mean_resizing=False)
    return model.train()


def adapted(family: Any) -> Any:
    """Return the model with an adapter on its language model."""
    from pairsmith_train.options import LoraOptions, TreeOptions
    from pairsmith_train.prepare import prepare

    return prepare(wide(family), family, TreeOptions(lora=LoraOptions(**LORA)))


def loss_of(name: str, run: Any) -> Any:
    """Return the loss."""
    from pairsmith_losses.dpo import Dpo
    from pairsmith_losses.image_options import McmDpoOptions
    from pairsmith_losses.mcm_dpo import McmDpo
    from pairsmith_losses.options import DpoOptions

    return Dpo(DpoOptions(), run) if name == "dpo" else McmDpo(McmDpoOptions(), run)


def run_ours(name: str, way: str, folder: Path, at_once: int) -> list[float]:
    """Time steps of the tree, or of separate passes, with the reference cached."""
    import torch

    from pairsmith_train.batch import Collator, by_cell, stored
    from pairsmith_train.encode import Encoder
    from pairsmith_train.scorer import Scorer

    family, run, items = model_and_items(folder, *ANSWERS[name])
    loss, model = loss_of(name, run), adapted(family)
    scorer = Scorer(model, family)
    collator = Collator(Encoder(family.codec(family.weights), loss.cells, None, cut=False))
    lengths = dict(zip(("chosen", "rejected"), ANSWERS[name], strict=True))
    known = [{str(cell): [-10.0] * lengths[cell.response] for cell in loss.cells} for _ in items]
    optimizer = torch.optim.AdamW([value for value in model.parameters() if value.requires_grad], lr=1e-4)
    seconds = []
    for _ in range(WARM_UP + STEPS):
        began = time.perf_counter()
        for start in range(0, PAIRS, at_once):
            some = slice(start, start + at_once)
            batch = collator(list(zip(items[some], known[some], strict=True)))
            policy = (
                by_cell(scorer(batch), batch, loss.cells)
                if way == "tree"
                else separate(model, items[some], loss.cells, collator.codec)
            )
            terms = loss(policy, stored(batch, loss.cells))
            (terms.loss.sum() / PAIRS).backward()
        optimizer.step()
        optimizer.zero_grad()
        seconds.append(time.perf_counter() - began)
    return seconds


def separate(model: Any, items: list[Any], cells: Any, codec: Any) -> Any:
    """Return the log-probabilities of every cell from one padded batch of whole sequences, one row a cell."""
    import torch

    from pairsmith.interfaces import LogProbs

    inner = model.get_base_model()
    rows, pixels, starts, answers = [], [], [], []
    for item in items:
        for cell in cells:
            prompt = codec.prompt(item.turns(cell), item.images(cell))
            answer = codec.response(item.turns(cell), item.value.response(cell.response).text)
            rows.append(torch.tensor([*prompt.tokens, *answer]))
            pixels += [codec.pixels(image)["pixel_values"] for image in item.images(cell)]
            starts.append(len(prompt.tokens))
            answers.append(answer)
    longest = max(map(len, rows))
    ids = torch.stack([torch.nn.functional.pad(row, (0, longest - len(row)), value=codec.pad_token) for row in rows])
    mask = torch.stack([(torch.arange(longest) < len(row)).long() for row in rows])
    logits = inner(input_ids=ids, attention_mask=mask, pixel_values=torch.cat(pixels), use_cache=False).logits
    scores = logits[:, :-1].float().log_softmax(-1).gather(-1, ids[:, 1:, None])[..., 0]
    found = {}
    for number, cell in enumerate(cells):
        mine = range(number, len(rows), len(cells))
        tokens = torch.stack([scores[k, starts[k] - 1 : starts[k] - 1 + len(answers[k])] for k in mine])
        found[cell] = LogProbs(tokens, torch.ones_like(tokens, dtype=torch.bool))
    return found


def run_trl(folder: Path, at_once: int) -> list[float]:
    """Time steps of stock TRL on the same pairs."""
    from datasets import Dataset
    from datasets import Image as DatasetImage
    from datasets import List as DatasetList
    from peft import LoraConfig
    from PIL import Image as Pillow
    from transformers import TrainerCallback
    from trl import DPOConfig, DPOTrainer

    from pairsmith.values import Cell

    family, _, items = model_and_items(folder, *ANSWERS["dpo"])
    rows = [
        {
            "images": [Pillow.open(image.path).convert("RGB") for image in item.value.sample.images],
            "prompt": [{"role": "user", "content": item.turns(Cell("chosen"))[0].text}],
            "chosen": [{"role": "assistant", "content": item.value.chosen.text}],
            "rejected": [{"role": "assistant", "content": item.value.rejected.text}],
        }
        for item in items
    ]
    data = Dataset.from_list(rows * (WARM_UP + STEPS)).cast_column("images", DatasetList(DatasetImage()))
    settings = DPOConfig(
        output_dir=str(folder / "trl"),
        max_steps=WARM_UP + STEPS,
        per_device_train_batch_size=at_once,
        gradient_accumulation_steps=PAIRS // at_once,
        learning_rate=1e-4,
        use_cpu=True,
        bf16=False,
        max_length=None,
        gradient_checkpointing=False,
        report_to="none",
        save_strategy="no",
        disable_tqdm=True,
        dataloader_pin_memory=False,
        beta=0.1,
    )
    seconds: list[float] = []

    class Clock(TrainerCallback):  # type: ignore[misc]
        def on_train_begin(self, *_: Any, **__: Any) -> None:
            self.began = time.perf_counter()

        def on_step_end(self, *_: Any, **__: Any) -> None:
            now = time.perf_counter()
            seconds.append(now - self.began)
            self.began = now

    trainer = DPOTrainer(
        model=wide(family),
        args=settings,
        train_dataset=data,
        processing_class=family.codec(family.weights).processor,
        peft_config=LoraConfig(
            r=LORA["r"], lora_alpha=LORA["alpha"], target_modules=family.lora_targets(("language-model",))
        ),
        callbacks=[Clock()],
    )
    trainer.train()
    return seconds


def measure(name: str, way: str, at_once: int, threads: int) -> dict[str, float]:
    """Run one way in a process of its own."""
    command = [sys.executable, __file__, "--one", name, way, str(at_once)]
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": str(threads),
        "HF_HUB_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{name} {way} failed:\n{done.stderr[-2000:]}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def one(name: str, way: str, at_once: int) -> None:
    """Measure here, and print it."""
    with tempfile.TemporaryDirectory() as folder:
        seconds = run_trl(Path(folder), at_once) if way == "trl" else run_ours(name, way, Path(folder), at_once)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"step": statistics.median(seconds[WARM_UP:]), "peak": peak}))


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--one", nargs=3, metavar=("LOSS", "WAY", "AT_ONCE"), help=argparse.SUPPRESS)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    if arguments.one:
        one(*arguments.one[:2], int(arguments.one[2]))
        return
    libraries = ", ".join(f"{name} {version(name)}" for name in ("torch", "transformers", "trl", "peft"))
    print(f"{datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}, {libraries}")
    print(f"medians of {arguments.repeats}, {arguments.threads} thread(s), {PAIRS} pairs a step\n")
    print("| loss | pairs at once | way | seconds a step | peak MiB | tree is faster | tree's memory |")
    print("|---|---|---|---|---|---|---|")
    for name, ways in WAYS.items():
        for at_once in AT_ONCE[name]:
            found: dict[str, list[dict[str, float]]] = {way: [] for way in ways}
            for _ in range(arguments.repeats):
                for way in ways:
                    found[way].append(measure(name, way, at_once, arguments.threads))
            medians = {
                way: {key: statistics.median(run[key] for run in runs) for key in runs[0]}
                for way, runs in found.items()
            }
            tree = medians["tree"]
            for way, of in medians.items():
                ratio = "" if way == "tree" else f"{of['step'] / tree['step']:.1f}x"
                memory = "" if way == "tree" else f"{tree['peak'] / of['peak']:.2f}x"
                row = f"{of['step']:.2f} | {of['peak']:,.0f} | {ratio} | {memory}"
                print(f"| {name} | {at_once} | {way} | {row} |", flush=True)


if __name__ == "__main__":
    main()

"""One step in each way that ``tree.py`` compares: the tree, every cell on its own, and stock TRL."""

import copy
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from attrs import frozen
from tree_shapes import Subject

WARM_UP, STEPS = 1, 3
LORA = {"r": 16, "alpha": 32.0}


@frozen(kw_only=True)
class Case:
    """What is trained, how, and how much of it at once."""

    loss: str
    way: str
    at_once: int
    full: bool = False
    device: str = "cpu"


@frozen(kw_only=True)
class Times:
    """Seconds of each step, after the warm-up, and of the reference's pass over the same pairs; 0 where it is in the step.

    ``tokens`` are those of the language model in a step that a gradient goes through, padding as well, and ``flops`` what
    its layers multiply for them: without attention's products, the head and the tower, so a lower bound.
    """

    steps: list[float]
    reference: float = 0.0
    tokens: int
    flops: float


def losses(name: str, run: Any) -> Any:
    """Return a loss with its published weights."""
    from pairsmith_losses.dpo import Dpo
    from pairsmith_losses.image_options import McmDpoOptions
    from pairsmith_losses.mcm_dpo import McmDpo
    from pairsmith_losses.options import DpoOptions

    return Dpo(DpoOptions(), run) if name == "dpo" else McmDpo(McmDpoOptions(), run)


def trained(subject: Subject, *, full: bool, stock: bool = False) -> Any:
    """Return the model with an adapter on its language model, or with that part trained in full.

    Of a ``stock`` one peft computes the adapter, as it does for the methods' own code and for TRL.
    """
    from pairsmith_train.options import LoraOptions, TreeOptions
    from pairsmith_train.prepare import prepare

    options = TreeOptions(parts=("language-model",)) if full else TreeOptions(lora=LoraOptions(**LORA))
    model = prepare(subject.make(), subject.family, options)
    for module in model.modules() if stock else ():
        module.__dict__.pop("forward", None)  # what pairsmith_train.low_rank put in the place of peft's
    return model


def multiplied(model: Any, tokens: int, case: Case, *, reference: bool) -> float:
    """Return the floating-point operations of a step in the language model's layers.

    Two for a weight and token in each product: forward, for the gradient of what came in, for that of the weight where it is
    trained, and forward once more where the reference passes in the step.
    """
    weights = sum(
        value.numel()
        for name, value in model.named_parameters()
        if "language_model" in name and ".layers." in name and "lora_" not in name and value.dim() == 2
    )
    return 2.0 * weights * tokens * (2 + case.full + reference)


def ours(case: Case, subject: Subject, folder: Path) -> Times:
    """Time steps of the tree, or of separate passes, with the reference cached; then the pass that fills that cache.

    ``published`` caches nothing: the reference passes through the model in the step, cell by cell as the policy does.
    """
    import torch

    from pairsmith.testing import make_run
    from pairsmith_train.batch import Collator, by_cell, stored
    from pairsmith_train.encode import Encoder
    from pairsmith_train.scorer import Scorer

    loss = losses(case.loss, make_run(folder / "run"))
    model = trained(subject, full=case.full, stock=case.way != "tree")
    in_step = case.way == "published"
    frozen = copy.deepcopy(model).requires_grad_(requires_grad=False) if in_step and case.full else None
    scorer, items = Scorer(model, subject.family), subject.items
    collator = Collator(Encoder(subject.family.codec(subject.family.weights), loss.cells, None, cut=False))
    known = [{str(cell): [-10.0] * length(item, cell, collator.codec) for cell in loss.cells} for item in items]
    learnt = [value for value in model.parameters() if value.requires_grad]
    optimizer = torch.optim.AdamW(learnt, lr=1e-4, fused=True)  # as transformers' trainer makes it, for us and for TRL
    groups = [slice(start, start + case.at_once) for start in range(0, len(items), case.at_once)]

    def apart(passed: Any, some: slice) -> Any:
        return separate(passed, items[some], loss.cells, collator.codec, case.device)

    def policy(some: slice) -> tuple[Any, Any]:
        batch = moved(collator(list(zip(items[some], known[some], strict=True))), case.device)
        if case.way == "tree":
            return by_cell(scorer(batch), batch, loss.cells), batch
        return apart(model, some), batch

    def published(some: slice) -> Any:
        with torch.no_grad(), nullcontext() if case.full else model.disable_adapter():
            return apart(frozen or model, some)

    def step() -> None:
        for some in groups:
            beside = published(some) if in_step else None
            found, batch = policy(some)
            (loss(found, beside or stored(batch, loss.cells)).loss.sum() / len(items)).backward()
        optimizer.step()
        optimizer.zero_grad()

    def reference() -> None:
        with torch.inference_mode():
            for some in groups:
                policy(some)

    tokens = sum(positions(case.way, items[some], loss.cells, collator.codec) for some in groups)
    return Times(
        steps=[timed(step, case.device) for _ in range(WARM_UP + STEPS)][WARM_UP:],
        reference=0.0 if in_step else timed(reference, case.device),
        tokens=tokens,
        flops=multiplied(model, tokens, case, reference=in_step),
    )


def positions(way: str, items: list[Any], cells: Any, codec: Any) -> int:
    """Return the tokens that pass through the language model for some pairs at once."""
    from pairsmith_train.batch import Collator
    from pairsmith_train.encode import Encoder

    if way == "tree":
        packed = Collator(Encoder(codec, cells, None, cut=False))([(item, None) for item in items])
        return int(packed["tokens"].numel())
    return int(rows_of(items, cells, codec)[0]["input_ids"].numel())


def length(item: Any, cell: Any, codec: Any) -> int:
    """Return the tokens of a cell's answer."""
    return len(codec.response(item.turns(cell), item.value.response(cell.response).text))


def moved(batch: Mapping[str, Any], device: str) -> Any:
    """Return a batch on a device, as accelerate moves it."""
    from accelerate.utils import send_to_device

    return send_to_device(batch, device)


def timed(does: Callable[[], None], device: str) -> float:
    """Return how long it takes, whatever the device still had to do."""
    import torch

    wait = torch.cuda.synchronize if device == "cuda" else lambda: None
    wait()
    began = time.perf_counter()
    does()
    wait()
    return time.perf_counter() - began


def rows_of(items: list[Any], cells: Any, codec: Any) -> tuple[dict[str, Any], Any, Any]:
    """Return one padded batch of whole sequences, one row a cell, the answers' tokens, and which of them are there."""
    import torch
    from torch.nn.functional import pad

    asked = [(item.turns(cell), item.images(cell)) for item in items for cell in cells]
    texts = [item.value.response(cell.response).text for item in items for cell in cells]
    answers = [codec.response(turns, text) for (turns, _), text in zip(asked, texts, strict=True)]
    longest = max(map(len, answers))
    batch = dict(
        codec.requests(asked)
    )  # prompts as for generation: padded on the left, so that answers follow directly
    shape = batch["input_ids"].shape
    tokens = torch.stack([pad(torch.tensor(one), (0, longest - len(one))) for one in answers])
    there = torch.stack([(torch.arange(longest) < len(one)).long() for one in answers])
    for name, value in batch.items():
        if value.shape == shape:
            more = {"input_ids": tokens, "attention_mask": there}.get(name, torch.zeros_like(tokens))
            batch[name] = torch.cat([value, more.to(value.dtype)], dim=1)
    return batch, tokens, there


def separate(model: Any, items: list[Any], cells: Any, codec: Any, device: str) -> Any:
    """Return the log-probabilities of every cell from passes of whole sequences."""
    from pairsmith.interfaces import LogProbs

    batch, tokens, there = moved(rows_of(items, cells, codec), device)
    logits = model(**batch, use_cache=False).logits[:, -tokens.shape[1] - 1 : -1]
    scores = logits.float().log_softmax(-1).gather(-1, tokens[..., None])[..., 0]
    count = len(cells)
    lengths = there.sum(-1).tolist()  # of one cell all are as long
    return {
        cell: LogProbs(scores[number::count, : lengths[number]], there[number::count, : lengths[number]].bool())
        for number, cell in enumerate(cells)
    }


def trl(case: Case, subject: Subject, folder: Path) -> Times:
    """Time steps of stock TRL on the same pairs."""
    from datasets import Dataset
    from datasets import Image as DatasetImage
    from datasets import List as DatasetList
    from peft import LoraConfig
    from PIL import Image as Pillow
    from transformers import TrainerCallback
    from trl import DPOConfig, DPOTrainer

    from pairsmith.values import Cell

    cells = (Cell("chosen"), Cell("rejected"))
    family, items = subject.family, subject.items
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
        per_device_train_batch_size=case.at_once,
        gradient_accumulation_steps=len(items) // case.at_once,
        learning_rate=1e-4,
        use_cpu=case.device == "cpu",
        bf16=case.device == "cuda",
        max_length=None,
        gradient_checkpointing=False,
        report_to="none",
        save_strategy="no",
        disable_tqdm=True,
        dataloader_pin_memory=False,
        beta=0.1,
    )
    steps: list[float] = []

    class Clock(TrainerCallback):  # type: ignore[misc]
        def on_train_begin(self, *_: Any, **__: Any) -> None:
            self.began = time.perf_counter()

        def on_step_end(self, *_: Any, **__: Any) -> None:
            now = time.perf_counter()
            steps.append(now - self.began)
            self.began = now  # reading the pictures belongs to a step, as it does in the other ways

    adapter = LoraConfig(r=LORA["r"], lora_alpha=LORA["alpha"], target_modules=family.lora_targets(("language-model",)))
    trainer = DPOTrainer(
        model=trained(subject, full=True) if case.full else subject.make(),
        # Where no adapter is switched off, TRL would read its reference from a folder, and there is none.
        ref_model=subject.make().requires_grad_(requires_grad=False) if case.full else None,
        args=settings,
        train_dataset=data,
        processing_class=family.codec(family.weights).processor,
        peft_config=None if case.full else adapter,
        callbacks=[Clock()],
    )
    trainer.train()
    codec = family.codec(family.weights)
    groups = [items[start : start + case.at_once] for start in range(0, len(items), case.at_once)]
    tokens = sum(positions(case.way, some, cells, codec) for some in groups)  # TRL's rows are the same sequences
    return Times(steps=steps[WARM_UP:], tokens=tokens, flops=multiplied(trainer.model, tokens, case, reference=True))

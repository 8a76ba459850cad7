"""Options of the tree trainer. Imports no model library."""

from pathlib import Path
from typing import Any, Literal, get_args

from attrs import Attribute, field, frozen
from attrs.validators import deep_iterable, ge, gt, in_, lt, optional

Part = Literal["vision", "projector", "language-model"]
Beside = Literal["vision", "projector"]
Tracker = Literal["tensorboard", "wandb", "mlflow"]
Parallel = Literal["none", "ddp", "zero1", "zero2", "zero3", "fsdp2"]
PARALLEL: tuple[Parallel, ...] = ("none", "ddp", "zero1", "zero2", "zero3", "fsdp2")


def _not_empty(_: object, attribute: "Attribute[Any]", value: tuple[str, ...]) -> None:
    if not value:
        msg = f"{attribute.name!r} must name at least one part of the model"
        raise ValueError(msg)


@frozen(kw_only=True)
class LoraOptions:
    """Options of ``[train.lora]`` (LoRA, arXiv 2106.09685)."""

    r: int = field(default=16, validator=ge(1), metadata={"help": "rank of the adapter"})
    alpha: float = field(default=32.0, validator=gt(0.0), metadata={"help": "the adapter is scaled by alpha / r"})
    dropout: float = field(default=0.0, validator=[ge(0.0), lt(1.0)], metadata={"help": "share of inputs left out"})
    scope: tuple[Part, ...] = field(
        default=("language-model",), validator=_not_empty, metadata={"help": "the parts that get an adapter"}
    )
    modules: tuple[str, ...] = field(
        default=(),
        metadata={
            "help": "of the scope only the linear modules of these names, e.g. q_proj, v_proj; empty: all of them"
        },
    )
    dora: bool = field(
        default=False, metadata={"help": "train each weight's size apart from its direction (DoRA, arXiv 2402.09353)"}
    )
    full: tuple[Beside, ...] = field(
        default=(), metadata={"help": "parts trained in full beside the adapter and saved with it, e.g. projector"}
    )
    full_learning_rate: float | None = field(
        default=None,
        validator=optional(gt(0.0)),
        metadata={"help": "of the parts in full; train.learning_rate if absent"},
    )
    merge: bool = field(
        default=False, metadata={"help": "the result is a model with the adapter in its weights, not an adapter alone"}
    )

    def __attrs_post_init__(self) -> None:
        """Refuse combinations that cannot be meant."""
        if both := sorted(set(self.full) & set(self.scope)):
            msg = f"{both[0]!r} is in both 'full' and 'scope'; a part is trained in full or gets an adapter"
            raise ValueError(msg)
        if self.full_learning_rate is not None and not self.full:
            msg = f"full_learning_rate = {self.full_learning_rate} is of the parts in 'full', and there are none"
            raise ValueError(msg)


@frozen(kw_only=True)
class HeldOutOptions:
    """Options of ``[train.held_out]``."""

    share: float = field(
        default=0.05,
        validator=[gt(0.0), lt(1.0)],
        metadata={"help": "share of the pairs, whose images are not trained on"},
    )
    every: int = field(
        default=50, validator=ge(1), metadata={"help": "steps between evaluations; the last step is one"}
    )
    from_step: int = field(default=0, validator=ge(0), metadata={"help": "the first step that may be evaluated"})
    trained_on: bool = field(
        default=False,
        metadata={
            "help": "train on these pairs as well: a fixed sample of the training loss, which shows no overfitting"
        },
    )
    best: bool = field(
        default=False, metadata={"help": "the result is the step with the lowest held-out loss, and not the last step"}
    )

    def __attrs_post_init__(self) -> None:
        """Refuse to choose by a loss that shows no overfitting."""
        if self.best and self.trained_on:
            msg = "best = true chooses a step by pairs that training does not see; set trained_on = false"
            raise ValueError(msg)


@frozen(kw_only=True)
class TreeOptions:
    """Options of ``[train] use = "tree"``."""

    epochs: float = field(default=1.0, validator=gt(0.0), metadata={"help": "times every pair is seen"})
    shuffle: bool = field(
        default=True, metadata={"help": "another order of the pairs in every epoch; false: always the one they came in"}
    )
    learning_rate: float = field(default=5e-6, validator=gt(0.0), metadata={"help": "highest learning rate"})
    schedule: Literal["cosine", "linear", "constant"] = field(
        default="cosine",
        validator=in_(("cosine", "linear", "constant")),
        metadata={"help": "how the learning rate falls after the warm-up"},
    )
    warmup_steps: int = field(default=0, validator=ge(0), metadata={"help": "steps over which the learning rate rises"})
    warmup_ratio: float = field(
        default=0.0, validator=[ge(0.0), lt(1.0)], metadata={"help": "the same as a share of all steps, rounded up"}
    )
    batch_size: int = field(
        default=32, validator=ge(1), metadata={"help": "pairs per step, over all processes and accumulated passes"}
    )
    micro_batch_size: int | None = field(
        default=None, validator=optional(ge(1)), metadata={"help": "pairs per pass and process; as many as fit a step"}
    )
    pack_tokens: int | None = field(
        default=None,
        validator=optional(ge(64)),
        metadata={
            "help": "tokens per pass and process: pairs are packed into one sequence instead of padded to the longest"
        },
    )
    betas: tuple[float, float] = field(default=(0.9, 0.999), metadata={"help": "decay of AdamW's two averages"})
    weight_decay: float = field(default=0.0, validator=ge(0.0), metadata={"help": "AdamW's weight decay"})
    max_grad_norm: float = field(
        default=1.0, validator=gt(0.0), metadata={"help": "gradients are clipped to this norm"}
    )
    precision: Literal["fp32", "bf16"] = field(
        default="fp32",
        validator=in_(("fp32", "bf16")),
        metadata={"help": "bf16 computes in bfloat16 where that is safe; slow on a CPU without bfloat16 instructions"},
    )
    reference_dtype: Literal["float32", "bfloat16", "float16"] | None = field(
        default=None,
        validator=optional(in_(("float32", "bfloat16", "float16"))),
        metadata={"help": "type of the reference's weights, whole; as the policy computes where absent"},
    )
    parts: tuple[Part, ...] = field(
        default=("projector", "language-model"),
        validator=_not_empty,
        metadata={"help": "the parts that full fine-tuning trains; with [train.lora] the adapter's scope says it"},
    )
    lora: LoraOptions | None = field(
        default=None,
        metadata={
            "help": "train an adapter instead of the weights: a table, or the part that gets one, 'language-model'",
            "word": "scope",
        },
    )
    held_out: HeldOutOptions | None = field(
        default=None, metadata={"help": "evaluate on a share of the pairs while training; never on a benchmark"}
    )
    gradient_checkpointing: bool = field(
        default=False, metadata={"help": "compute activations twice instead of keeping them"}
    )
    cache_image_features: bool = field(
        default=False,
        metadata={
            "help": "keep what the frozen vision tower and projector make of each image on the disk, for all epochs"
        },
    )
    max_length: int | None = field(
        default=None,
        validator=optional(ge(8)),
        metadata={"help": "tokens of prompt and answer, image tokens included; the model's own limit where absent"},
    )
    over_long: Literal["drop", "cut"] = field(
        default="drop",
        validator=in_(("drop", "cut")),
        metadata={"help": "what happens to a pair over max_length; prompts and images are never cut, answers may be"},
    )
    margin_limit: float = field(
        default=1000.0,
        validator=ge(0.0),
        metadata={"help": "training stops where the reward margin of a pair is beyond this, in nats; 0 never stops it"},
    )
    trackers: tuple[Tracker, ...] = field(
        default=(),
        validator=deep_iterable(in_(get_args(Tracker))),
        metadata={"help": "where else the metrics go: tensorboard, wandb, mlflow"},
    )
    save_steps: int = field(default=100, validator=ge(1), metadata={"help": "steps between checkpoints"})
    keep: int = field(default=2, validator=ge(1), metadata={"help": "whole checkpoints kept, the newest"})
    parallel: Parallel = field(
        default="none",
        validator=in_(PARALLEL),
        metadata={"help": "how processes share the work: DDP, DeepSpeed ZeRO, FSDP2"},
    )
    processes: int = field(default=1, validator=ge(1), metadata={"help": "processes on each machine, one a device"})
    nodes: int = field(default=1, validator=ge(1), metadata={"help": "machines; each is started by hand but the first"})
    rendezvous: str = field(
        default="", metadata={"help": "host:port where the machines meet; needed where nodes is more than 1"}
    )
    offload: Literal["none", "optimizer", "all"] = field(
        default="none",
        validator=in_(("none", "optimizer", "all")),
        metadata={"help": "what ZeRO keeps in the CPU's memory: the optimizer's state, or the parameters too (zero3)"},
    )
    deepspeed: Path | None = field(
        default=None, metadata={"help": "a DeepSpeed configuration, JSON, for what the recipe does not say"}
    )
    device: Literal["auto", "cpu", "cuda"] = field(
        default="auto", validator=in_(("auto", "cpu", "cuda")), metadata={"help": "auto takes a GPU where there is one"}
    )
    loader_workers: int = field(default=0, validator=ge(0), metadata={"help": "processes that read images ahead"})

    def __attrs_post_init__(self) -> None:
        """Refuse combinations that cannot be meant."""
        if self.warmup_steps and self.warmup_ratio:
            msg = (
                f"warmup_steps = {self.warmup_steps} and warmup_ratio = {self.warmup_ratio} both say how long the learning "
                f"rate rises; leave one out, or set it to 0"
            )
            raise ValueError(msg)
        if self.parallel == "none" and self.world > 1:
            msg = f"processes = {self.world} needs a way to share the work: parallel = 'ddp', 'zero2', ..."
            raise ValueError(msg)
        if (self.nodes > 1) != bool(self.rendezvous):
            msg = f"nodes = {self.nodes} and rendezvous = {self.rendezvous!r}; several machines meet at 'host:29500'"
            raise ValueError(msg)
        zero = self.parallel.startswith("zero")
        if (self.offload != "none" or self.deepspeed is not None) and not zero:
            msg = (
                f"'offload' and 'deepspeed' are DeepSpeed's; parallel = {self.parallel!r} does not use it, 'zero2' does"
            )
            raise ValueError(msg)
        if self.offload == "all" and self.parallel != "zero3":
            msg = f"offload = 'all' needs parallel = 'zero3', and it is {self.parallel!r}; take 'optimizer'"
            raise ValueError(msg)
        moved = sorted({"vision", "projector"} & set(self.trained_parts))
        if self.cache_image_features and moved:
            msg = (
                f"cache_image_features = true keeps what vision tower and projector make of an image, and the {moved[0]} is "
                f"trained, which changes it at every step; leave it out, or train the language model only"
            )
            raise ValueError(msg)
        if self.cache_image_features and self.reference_dtype is not None:
            msg = (
                f"cache_image_features = true gives reference and training the same features, and reference_dtype = "
                f"{self.reference_dtype!r} rounds the reference's; set one of the two"
            )
            raise ValueError(msg)
        if self.pack_tokens is not None and self.micro_batch_size is not None:
            msg = (
                f"pack_tokens = {self.pack_tokens} divides a step by tokens, micro_batch_size = {self.micro_batch_size} by "
                f"pairs; set one of the two"
            )
            raise ValueError(msg)
        if self.batch_size % (self.world * (self.micro_batch_size or 1)):
            per = f"{self.world} processes x micro_batch_size {self.micro_batch_size or 1}"
            msg = f"batch_size = {self.batch_size} is no multiple of {per}"
            raise ValueError(msg)

    @property
    def trained_parts(self) -> tuple[Part, ...]:
        """The parts of the model that change, in full or by an adapter."""
        return self.parts if self.lora is None else (*self.lora.scope, *self.lora.full)

    @property
    def world(self) -> int:
        """Processes on all machines."""
        return self.processes * self.nodes

    @property
    def warm_up(self) -> float:
        """Steps over which the learning rate rises; below 1 a share of all steps, as transformers reads it."""
        return self.warmup_steps or self.warmup_ratio

    @property
    def scheduled(self) -> str:
        """The schedule by transformers' name: its "constant" would forget the warm-up."""
        return "constant_with_warmup" if self.schedule == "constant" and self.warm_up else self.schedule

    @property
    def micro(self) -> int:
        """Pairs per pass and process."""
        return self.micro_batch_size or self.batch_size // self.world

    @property
    def accumulated(self) -> int:
        """Passes per step."""
        return self.batch_size // (self.micro * self.world)

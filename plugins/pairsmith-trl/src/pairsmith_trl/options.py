"""Options of the TRL trainer, by the names that the tree trainer uses. Imports no model library."""

from typing import Any, Literal

from attrs import Attribute, field, frozen
from attrs.validators import ge, gt, in_, lt, optional

Part = Literal["vision", "projector", "language-model"]


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


@frozen(kw_only=True)
class TrlOptions:
    """Options of ``[train] use = "trl"``."""

    epochs: float = field(default=1.0, validator=gt(0.0), metadata={"help": "times every pair is seen"})
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
    gradient_checkpointing: bool = field(
        default=False, metadata={"help": "compute activations twice instead of keeping them"}
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
    save_steps: int = field(default=100, validator=ge(1), metadata={"help": "steps between checkpoints"})
    keep: int = field(default=2, validator=ge(1), metadata={"help": "whole checkpoints kept, the newest"})
    parallel: Literal["none", "ddp"] = field(
        default="none", validator=in_(("none", "ddp")), metadata={"help": "how processes share the work: DDP"}
    )
    processes: int = field(default=1, validator=ge(1), metadata={"help": "processes on this machine, one a device"})
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
        if self.parallel == "none" and self.processes > 1:
            msg = f"processes = {self.processes} needs a way to share the work: parallel = 'ddp'"
            raise ValueError(msg)
        if self.batch_size % (self.processes * (self.micro_batch_size or 1)):
            per = f"{self.processes} processes x micro_batch_size {self.micro_batch_size or 1}"
            msg = f"batch_size = {self.batch_size} is no multiple of {per}"
            raise ValueError(msg)

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
        return self.micro_batch_size or self.batch_size // self.processes

    @property
    def accumulated(self) -> int:
        """Passes per step."""
        return self.batch_size // (self.micro * self.processes)

"""Options of this plugin's components. Imports no model library."""

from typing import Literal

from attrs import field, frozen
from attrs.validators import deep_iterable, ge, gt, in_, le, min_len

ANSWERS = ("none", "faithful", "biased")
Aspect = Literal["object", "scale", "spatial", "text", "count", "grammar"]
ASPECTS: tuple[Aspect, ...] = ("object", "scale", "spatial", "text", "count", "grammar")
SPLITS = ("preferences", "sft", "evaluation")


@frozen(kw_only=True)
class SourceOptions:
    """Options of ``[images] use = "toyworld"``."""

    samples: int = field(default=600, validator=ge(1), metadata={"help": "how many pictures"})
    split: Literal["preferences", "sft", "evaluation"] = field(
        default="preferences",
        validator=in_(SPLITS),
        metadata={"help": "which pictures: those of one split are in no other"},
    )
    answers: Literal["none", "faithful", "biased"] = field(
        default="none",
        validator=in_(ANSWERS),
        metadata={"help": "captions given with the pictures: none, true ones, or ones with the annotators' prejudices"},
    )
    questions: float = field(
        default=0.0,
        validator=[ge(0.0), le(1.0)],
        metadata={"help": "share of samples that ask what word is written, where answers are given"},
    )


@frozen(kw_only=True)
class OracleOptions:
    """Options of ``[[judges]] use = "toyworld-oracle"``."""

    noise: float = field(
        default=0.0, validator=[ge(0.0), le(1.0)], metadata={"help": "probability that a verdict is the wrong one"}
    )
    seed: int = field(default=0, validator=ge(0), metadata={"help": "which verdicts are wrong"})
    aspects: tuple[Aspect, ...] = field(
        default=ASPECTS,
        validator=[min_len(1), deep_iterable(in_(ASPECTS))],
        metadata={"help": "the claims it is asked about, by aspect"},
    )


@frozen(kw_only=True)
class BenchmarkOptions:
    """Options of ``[[benchmarks]] use = "toyworld"``."""

    scenes: int = field(default=400, validator=ge(1), metadata={"help": "held-out pictures"})
    seed: int = field(default=777, validator=ge(0), metadata={"help": "which pictures"})


@frozen(kw_only=True)
class VisionOptions:
    """Options of ``[train] use = "toyworld-vision"``."""

    steps: int = field(default=300, validator=ge(1), metadata={"help": "optimiser steps"})
    batch_size: int = field(default=64, validator=ge(1), metadata={"help": "pictures a step"})
    learning_rate: float = field(default=2e-3, validator=gt(0.0), metadata={"help": "highest learning rate"})
    warmup_steps: int = field(default=50, validator=ge(0), metadata={"help": "steps over which the rate rises"})

"""Contracts: what every component of a kind must do, as test classes to subclass in three lines.

A contract finds the component through the registry by its name, so the entry point, the hook, the options and the
factory are exercised as a recipe would::

    from pairsmith.testing import JudgeContract


    class TestClip(JudgeContract):
        name = "pairsmith-judge-clip/clip"

``options`` gives the options that a test needs, e.g. a tiny model. Needs pytest.
"""

from pairsmith.testing.component import ComponentContract, make_run
from pairsmith.testing.corruption import CorruptionContract
from pairsmith.testing.data import DecomposerContract, GeneratorContract, ImageCheckContract, ImageSourceContract
from pairsmith.testing.image_judge import ImageJudgeContract
from pairsmith.testing.judge import JudgeContract
from pairsmith.testing.loss import LossContract
from pairsmith.testing.model_family import ModelFamilyContract
from pairsmith.testing.outcome import BenchmarkContract, ExporterContract, ReporterContract, TrainerContract
from pairsmith.testing.selector import PairSelectorContract

__all__ = [
    "BenchmarkContract",
    "ComponentContract",
    "CorruptionContract",
    "DecomposerContract",
    "ExporterContract",
    "GeneratorContract",
    "ImageCheckContract",
    "ImageJudgeContract",
    "ImageSourceContract",
    "JudgeContract",
    "LossContract",
    "ModelFamilyContract",
    "PairSelectorContract",
    "ReporterContract",
    "TrainerContract",
    "make_run",
]

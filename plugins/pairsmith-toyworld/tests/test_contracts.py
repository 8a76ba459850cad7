from random import Random

from pairsmith.testing import (
    BenchmarkContract,
    DecomposerContract,
    ImageSourceContract,
    JudgeContract,
    TrainerContract,
)
from pairsmith.values import Case, Response, Sample, user
from pairsmith_toyworld.caption import BIASED, caption
from pairsmith_toyworld.grammar import GrammarDecomposer
from pairsmith_toyworld.scene import draw


class TestSource(ImageSourceContract):
    name = "pairsmith-toyworld/toyworld"
    options = {"samples": 5, "answers": "biased", "questions": 0.5}


class TestGrammar(DecomposerContract):
    name = "pairsmith-toyworld/toyworld-grammar"
    texts = (
        "there is a small red ring . a large blue star is left of it .",
        "",
        "a red red .",
        "there is a small red ring .",
    )


class TestOracle(JudgeContract):
    name = "pairsmith-toyworld/toyworld-oracle"
    options = {"noise": 0.3}

    def make_cases(self, tmp_path, aspects):
        dice = Random(0)
        cases = []
        for number in range(4):
            scene = draw(dice)
            sample = Sample(id=f"s{number}", prompt=user("describe the image ."), truth={"scene": scene.row()})
            answers = tuple(
                Response(id=f"s{number}/{k}", sample_id=sample.id, text=caption(scene, dice, BIASED)) for k in range(2)
            )
            claims = tuple(GrammarDecomposer(None, None).decompose(sample, answers))
            cases.append(Case(sample=sample, responses=answers, claims=claims))
        return cases


class TestBenchmark(BenchmarkContract):
    name = "pairsmith-toyworld/toyworld"
    options = {"scenes": 6}


class TestVision(TrainerContract):
    name = "pairsmith-toyworld/toyworld-vision"

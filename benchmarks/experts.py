"""Verifies the claims of 64 images x 8 answers: pooled, de-duplicated and batched, against one call per claim.

    python benchmarks/experts.py [--images 64] [--answers 8] [--repeats 3]

The same tiny random models in every way: OWL-ViT for object, count, scale and spatial claims, BLIP-2 (Flan-T5, two words an
answer) for attributes and relations, DistilBERT as grammar gate. Answers about an image share things as descriptions of one
picture do: each names 6 of its 10. One call per claim asks each expert that a claim needs about that claim alone; it must
come to the same verdicts. A third way asks each distinct question once, but one at a time. Pictures are decoded once.
Each figure is the median of the repeats; every repeat starts with nothing kept.
"""

import argparse
import importlib.util
import os
import platform
import random
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import chain
from pathlib import Path
from types import ModuleType
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
ROOT = Path(__file__).resolve().parents[1]
NOUNS = [
    "dog",
    "cat",
    "table",
    "lamp",
    "chair",
    "car",
    "tree",
    "bench",
    "bird",
    "cup",
    "book",
    "clock",
    "kite",
    "boat",
    "horse",
    "sheep",
]
LOOKS = ["red", "brown", "wooden", "large", "small", "striped"]
SIZES = {"large": "large", "small": "small"}
DIRECTIONS = {"to the left of": "left", "above": "top", "next to": "near"}
VERBS = ("on", "behind", "holding")


def built_by(plugin: str) -> ModuleType:
    """Return the module that builds the tiny models of a plugin's tests."""
    path = ROOT / "plugins" / plugin / "tests" / "models.py"
    spec = importlib.util.spec_from_file_location(plugin.replace("-", "_") + "_models", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def claims_of(response_id: str, things: Sequence[str], dice: random.Random) -> list[Any]:
    """Return the claims of an answer: six things, four looks, a count, two relations, two places."""
    from pairsmith.values import Claim

    said = dice.sample(things, 6)
    looks = [(said[n], LOOKS[(len(said[n]) + n) % len(LOOKS)]) for n in range(4)]
    data: list[tuple[str, dict[str, Any]]] = [("object", {"object": thing}) for thing in said]
    for thing, look in looks:
        scale = {"scale": SIZES[look]} if look in SIZES else {}
        data.append(("scale" if scale else "attribute", {"object": thing, "attribute": look, **scale}))
    data.append(("count", {"object": said[0], "count": 2}))
    data += [("relation", {"subject": said[n], "relation": VERBS[n], "object": said[n + 1]}) for n in range(2)]
    for n, (relation, direction) in enumerate(list(DIRECTIONS.items())[:2]):
        data.append(
            ("spatial", {"subject": said[n], "relation": relation, "object": said[n + 2], "direction": direction})
        )
    return [
        Claim(id=f"{response_id}#{n}", response_id=response_id, aspect=aspect, text="", data=one)
        for n, (aspect, one) in enumerate(data)
    ]


def make_cases(folder: Path, images: int, answers: int) -> list[Any]:
    """Return the cases: pictures of noise, and what is claimed of them."""
    import numpy as np
    from PIL import Image as Pillow

    from pairsmith.testing import make_run
    from pairsmith.values import Case, Response, Sample, user

    cases, store = [], make_run(folder / "pictures").images
    for number in range(images):
        dice = random.Random(number)
        path = folder / f"{number}.png"
        Pillow.fromarray(np.random.default_rng(number).integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(path)
        sample = Sample(id=f"s{number}", images=(store.add_file(path),), prompt=user("Describe the image."))
        responses = tuple(Response(id=f"s{number}/{k}", sample_id=sample.id, text="") for k in range(answers))
        things = dice.sample(NOUNS, 10)
        claims = chain.from_iterable(claims_of(response.id, things, dice) for response in responses)
        cases.append(Case(sample=sample, responses=responses, claims=tuple(claims)))
    return cases


def judges(models: dict[str, str], folder: Path) -> tuple[Any, Any]:
    """Return the detector and the question answerer with nothing kept, their weights loaded."""
    from pairsmith.testing import make_run
    from pairsmith_grounding.detector import owl_vit
    from pairsmith_grounding.options import OwlVitOptions
    from pairsmith_vqa.judge import Vqa
    from pairsmith_vqa.options import VqaOptions

    run = make_run(folder / "run")
    detector = owl_vit(OwlVitOptions(model=models["owl-vit"], threshold=0.5, floor=0.05), run)
    asker = Vqa(
        VqaOptions(model=models["blip-2"], gate=models["cola"], gate_threshold=0.0, answer="p-yes", max_new_tokens=2),
        run,
    )
    return detector, asker


def shown_to(judge: Any, cases: list[Any]) -> list[Any]:
    """Return the cases with the claims that a judge sees."""
    from attrs import evolve

    return [
        evolve(case, claims=tuple(claim for claim in case.claims if claim.aspect in judge.aspects)) for case in cases
    ]


def pooled(detector: Any, asker: Any, cases: list[Any]) -> tuple[dict[str, str], Counter[str]]:
    """Judge as the plugins do."""
    outcomes = {}
    for judge in (detector, asker):
        given = judge.judge(shown_to(judge, cases))
        outcomes |= {verdict.claim_id: verdict.outcome for verdicts in given for verdict in verdicts}
    calls = Counter(detector=detector.answers.calls, vqa=asker.answers.calls, grammar=asker.gate.answers.calls)
    return outcomes, calls


def one_by_one(detector: Any, asker: Any, cases: list[Any], *, distinct: bool) -> tuple[dict[str, str], Counter[str]]:
    """Judge claim by claim; with ``distinct`` a question that was asked before is not asked again."""
    from pairsmith.answers import Question
    from pairsmith_grounding.rules import judge, things

    calls: Counter[str] = Counter()
    known: dict[Any, Any] = {}
    outcomes: dict[str, str] = {}

    def ask(expert: str, answer: Callable[[Any], Any], questions: list[Question]) -> list[Any]:
        keys = [(expert, *question.key) for question in questions]
        if not (distinct and all(key in known for key in keys)):
            calls[expert] += 1
            known.update(zip(keys, answer(questions), strict=True))
        return [known[key] for key in keys]

    for case in shown_to(detector, cases):
        image = case.sample.images[0]
        for claim in case.claims:
            names = things(claim)
            raw = ask("detector", detector._finder.answer, [Question(name, image) for name in names])  # noqa: SLF001
            found = {name: detector._found(boxes) for name, boxes in zip(names, raw, strict=True)}  # noqa: SLF001
            outcomes[claim.id] = judge(claim, found.__getitem__, detector._rules).outcome  # noqa: SLF001
    for case in shown_to(asker, cases):
        for claim in case.claims:
            question = asker._asked(case, claim)  # noqa: SLF001
            (grammar,) = ask("grammar", asker.gate._classify, [Question(question.text)])  # noqa: SLF001
            (answer,) = ask("vqa", asker._answer, [question])  # noqa: SLF001
            verdict = asker._verdict(claim, question, answer, {question.text: grammar})  # noqa: SLF001
            outcomes[claim.id] = verdict.outcome
    return outcomes, calls


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=64)
    parser.add_argument("--answers", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()

    import torch

    import pairsmith_grounding.owl_vit
    import pairsmith_vqa.judge

    torch.set_num_threads(1)
    for module in (pairsmith_grounding.owl_vit, pairsmith_vqa.judge):
        module.read = lru_cache(maxsize=None)(module.read)  # type: ignore[attr-defined]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        vqa = built_by("pairsmith-vqa")
        models = {
            "owl-vit": built_by("pairsmith-grounding").owl_vit(folder / "owl-vit"),
            "blip-2": vqa.blip_2(folder / "blip-2", "t5"),
            "cola": vqa.cola(folder / "cola"),
        }
        cases = make_cases(folder, arguments.images, arguments.answers)
        ways: dict[str, Callable[[Any, Any], tuple[dict[str, str], Counter[str]]]] = {
            "one call per claim": lambda detector, asker: one_by_one(detector, asker, cases, distinct=False),
            "one call per distinct question": lambda detector, asker: one_by_one(detector, asker, cases, distinct=True),
            "pooled, de-duplicated, batched": lambda detector, asker: pooled(detector, asker, cases),
        }
        seconds: dict[str, list[float]] = {way: [] for way in ways}
        calls: dict[str, Counter[str]] = {}
        outcomes: dict[str, dict[str, str]] = {}
        for repeat in range(arguments.repeats):
            for way, work in ways.items():
                pair = judges(models, folder / f"{repeat}-{way}")
                pair[0]._finder.checkpoint.load()  # noqa: SLF001
                pair[1]._model.answer([(_blank(), "?")])  # noqa: SLF001
                pair[1].gate._classify([_question()])  # noqa: SLF001
                began = time.perf_counter()
                outcomes[way], calls[way] = work(*pair)
                seconds[way].append(time.perf_counter() - began)
    report(arguments, cases, ways, seconds, calls, outcomes)


def _blank() -> Any:
    from PIL import Image as Pillow

    return Pillow.new("RGB", (64, 64))


def _question() -> Any:
    from pairsmith.answers import Question

    return Question("warm up")


def report(arguments: Any, cases: list[Any], ways: Any, seconds: Any, calls: Any, outcomes: Any) -> None:
    """Print what was measured."""
    claims = sum(len(case.claims) for case in cases)
    counted = Counter(claim.aspect for case in cases for claim in case.claims)
    print(f"Python {platform.python_version()}, one thread, medians of {arguments.repeats}")
    print(f"{arguments.images} images x {arguments.answers} answers, {claims} claims: {dict(counted)}\n")
    print("| | expert calls | of them detector, vqa, grammar | seconds | claims/s |")
    print("|---|---|---|---|---|")
    medians = {way: statistics.median(times) for way, times in seconds.items()}
    for way in ways:
        each = ", ".join(str(calls[way][name]) for name in ("detector", "vqa", "grammar"))
        rate = claims / medians[way]
        print(f"| {way} | {calls[way].total()} | {each} | {medians[way]:.2f} | {rate:,.0f} |")
    first, *_, last = ways
    fewer = calls[first].total() / calls[last].total()
    faster = medians[first] / medians[last]
    different = sum(outcomes[first][name] != outcomes[last][name] for name in outcomes[first])
    print(
        f"\n{fewer:.1f} times fewer calls, {faster:.1f} times the throughput; {different} of {claims} verdicts differ"
    )
    print(f"outcomes: {dict(Counter(outcomes[last].values()))}")


if __name__ == "__main__":
    main()

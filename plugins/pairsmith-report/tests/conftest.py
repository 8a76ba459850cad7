"""A run in memory: faithful to what the core gives to reporters, of any size and with any part missing."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest
from attrs import define, evolve, field
from PIL import Image as Picture
from PIL import ImageDraw

from pairsmith.values import Claim, Image, Item, Judged, Pair, Response, Sample, Verdict, user

SHAPES = ("circle", "square", "triangle", "star")
COLOURS = {"red": "#d43a2f", "blue": "#2f62d4", "yellow": "#e3c22b", "green": "#3c9a4a"}
PLACES = ("at the top", "in the middle", "at the bottom")


@define
class MemoryRun:
    """Implements :class:`pairsmith.interfaces.RunView`; samples are made as they are asked for."""

    directory: Path
    size: int
    recipe: Mapping[str, Any]
    document: Mapping[str, Any]
    stage_table: Mapping[str, Mapping[str, Any]]
    make: Callable[[int], tuple[Item, Judged]]
    drop_rows: Mapping[str, Sequence[Mapping[str, Any]]] = field(factory=dict)
    metric_rows: Mapping[str, Sequence[Mapping[str, Any]]] = field(factory=dict)
    scores: Sequence[Mapping[str, Any]] = ()

    def stages(self) -> Mapping[str, Mapping[str, Any]]:
        return self.stage_table

    def judged(self) -> Iterator[Judged]:
        return (self.make(number)[1] for number in range(self.size))

    def items(self, arm: str = "") -> Iterator[Item]:
        return (self.make(number)[0] for number in range(self.size))

    def dropped(self, stage: str) -> Iterator[Mapping[str, Any]]:
        return iter(self.drop_rows.get(stage, ()))

    def metrics(self, arm: str = "") -> Sequence[Mapping[str, Any]]:
        return self.metric_rows.get(arm, ())

    def evaluations(self) -> Sequence[Mapping[str, Any]]:
        return self.scores


def scene(number: int, images: Sequence[Path]) -> tuple[Item, Judged]:
    """Return a pair about a scene of three shapes, one of which the rejected answer gets wrong."""
    random = Random(number)
    truth = [(random.choice(list(COLOURS)), random.choice(SHAPES), place) for place in PLACES]
    wrong = random.randrange(3)
    other = next(colour for colour in COLOURS if colour != truth[wrong][0])
    told = {
        "chosen": truth,
        "rejected": [(other, *thing[1:]) if n == wrong else thing for n, thing in enumerate(truth)],
    }
    sample = Sample(
        id=f"scene-{number:05d}",
        images=(Image(path=images[number % len(images)], id="0" * 64),),
        prompt=user("Describe the image."),
    )
    responses, claims, verdicts = [], [], []
    for side, things in told.items():
        name = f"{sample.id}/{side}"
        text = " ".join(f"There is a {colour} {shape} {place}." for colour, shape, place in things)
        extra = " It looks like a children's drawing of some kind." * random.randrange(3)
        responses.append(Response(id=name, sample_id=sample.id, text=text + extra, model="tiny-llava", seed=number))
        for n, (colour, shape, place) in enumerate(things):
            thing, paint, where = f"{name}#{3 * n}", f"{name}#{3 * n + 1}", f"{name}#{3 * n + 2}"
            lie = side == "rejected" and n == wrong
            claims += [
                Claim(id=thing, response_id=name, aspect="object", text=f"a {shape}"),
                Claim(
                    id=paint, response_id=name, aspect="attribute", text=f"the {shape} is {colour}", depends_on=(thing,)
                ),
                Claim(
                    id=where, response_id=name, aspect="spatial", text=f"the {shape} is {place}", depends_on=(paint,)
                ),
            ]
            box = {"boxes": [[4, 4 + 16 * n, 28, 20 + 16 * n]], "score": round(random.uniform(0.6, 0.99), 3)}
            about: dict[str, Any] = {"judge": "owl-vit", "response_id": name}
            verdicts += [
                Verdict(claim_id=thing, outcome="supported", score=box["score"], evidence=box, **about),
                Verdict(
                    judge="vqa",
                    response_id=name,
                    claim_id=paint,
                    outcome="contradicted" if lie else "supported",
                    reason=f"asked: what colour is the {shape}? answered: {truth[n][0]}",
                    evidence={"answer": truth[n][0]},
                ),
                Verdict(claim_id=where, outcome="skipped", reason=f"depends on a contradicted claim: {colour}", **about)
                if lie
                else Verdict(claim_id=where, outcome="supported", evidence=box, **about),
            ]
    pair = Pair(
        id=f"{sample.id}:pair",
        sample=sample,
        chosen=responses[0],
        rejected=responses[1],
        scores=(9.0 - random.randrange(3), 7.0 - random.randrange(4)),
    )
    judged = Judged(sample=sample, responses=tuple(responses), claims=tuple(claims), verdicts=tuple(verdicts))
    return Item(value=pair), judged


def draw(folder: Path, number: int, side: int = 48) -> Path:
    """Draw a small scene."""
    random = Random(number)
    picture = Picture.new("RGB", (side, side), "#4b4f57")
    pen = ImageDraw.Draw(picture)
    for row in range(3):
        colour = random.choice(list(COLOURS.values()))
        top = side * row // 3 + 2
        box = (side // 3, top, side // 3 + side // 4, top + side // 4)
        (pen.ellipse if random.random() < 0.5 else pen.rectangle)(box, fill=colour)
    path = folder / f"{number}.png"
    picture.save(path)
    return path


def training(arm: str, steps: int = 60) -> list[dict[str, float]]:
    """Return metrics as the trainer writes them."""
    random, gain = Random(arm), 0.2 if arm else 1.0
    rows = []
    for step in range(1, steps + 1):
        way = gain * step / steps
        chosen, rejected = 0.4 * way + random.gauss(0, 0.04), -1.6 * way + random.gauss(0, 0.06)
        rows.append(
            {
                "step": step,
                "steps": steps,
                "loss": 0.6931 - 0.45 * way + random.gauss(0, 0.02),
                "learning_rate": 1e-4 * (1 - step / steps),
                "rewards/chosen": chosen,
                "rewards/rejected": rejected,
                "rewards/margin": chosen - rejected,
                "rewards/accuracy": min(1.0, 0.5 + 0.45 * way + random.gauss(0, 0.03)),
            }
        )
    return rows


def evaluations() -> list[dict[str, Any]]:
    """Return the scores of three models, made up."""
    found = {
        "base": {"chair_i": 15.1, "chair_s": 47.0, "recall": 95.2, "length": 45.6},
        "trained": {"chair_i": 4.0, "chair_s": 12.8, "recall": 94.6, "length": 38.1},
        "control": {"chair_i": 15.4, "chair_s": 48.2, "recall": 95.0, "length": 45.5},
    }
    rows = [
        {
            "benchmark": "chair",
            "model": model,
            "metrics": metrics,
            "lower_is_better": ["chair_i", "chair_s"],
            "neutral": ["length"],
            "source": "Rohrbach et al., arXiv 1809.02156",
            "items": 400,
        }
        for model, metrics in found.items()
    ]
    pope = {"base": (0.812, 0.79), "trained": (0.861, 0.85), "control": (0.809, 0.795)}
    return rows + [
        {
            "benchmark": "pope",
            "model": model,
            "metrics": {"accuracy": accuracy, "f1": f1},
            "lower_is_better": [],
            "source": "Li et al., arXiv 2305.10355",
            "items": 3000,
        }
        for model, (accuracy, f1) in pope.items()
    ]


def stage(name: str, items: int, seconds: float, **counts: int) -> dict[str, Any]:
    """Return a finished stage."""
    labels = {label.replace("__", ": ").replace("_", " "): count for label, count in counts.items()}
    key = f"{Random(name).getrandbits(256):064x}"
    return {"key": key, "parts": -(-items // 100), "items": items, "counts": labels, "seconds": seconds, "done": True}


def stages(size: int) -> dict[str, dict[str, Any]]:
    """Return the stages of a run that kept ``size`` pairs."""
    left_out = {"dropped__near-identical": 9, "dropped__identical": 3, "dropped__length-ratio": 1}
    return {
        "images": stage("images", size + 15, 3.4, samples=size + 13, dropped__bad_image=2),
        "responses": stage("responses", size + 13, 84.0, responses=5 * (size + 13)),
        "claims": stage("claims", size + 13, 1.2, claims=18 * (size + 13)),
        "verdicts-1-owl-vit": stage("a", size + 13, 312.9, supported=11 * size, contradicted=2 * size, skipped=size),
        "verdicts-2-vqa": stage("b", size + 13, 98.0, supported=3 * size, contradicted=size),
        "pairs": stage("pairs", size + 13, 0.8, selected=size + 13, kept=size, **left_out),
        "reference": stage("reference", size, 2.1),
        "train": stage("train", 0, 20.4),
        "control-pairs": stage("control-pairs", size, 0.8, selected=size, kept=size),
        "control-reference": stage("control-reference", size, 2.0),
        "control-train": stage("control-train", 0, 20.1),
        "benchmark-chair": stage("benchmark-chair", 400, 0.9, samples=400),
        "evaluate-chair-base": stage("evaluate-chair-base", 400, 7.5, responses=400),
        "evaluate-chair-trained": stage("evaluate-chair-trained", 400, 6.0, responses=400),
        "evaluate-chair-control": stage("evaluate-chair-control", 400, 7.0, responses=400),
    }


RECIPE: dict[str, Any] = {
    "schema": 1,
    "summary": "Pairs that two experts verified claim by claim, DPO with a likelihood term.",
    "seed": 0,
    "part_size": 100,
    "model": {"use": "llava", "path": "toyworld-base"},
    "images": {"use": "folder", "path": "scenes"},
    "responses": {"use": "vlm", "n": 5, "temperature": 1.0},
    "claims": {"use": "grammar"},
    "judges": [{"use": "owl-vit", "threshold": 0.3}, {"use": "vqa"}],
    "pairs": {"use": "margin", "score": "difference"},
    "control": {"pairs": {"use": "random"}},
    "loss": {"use": "dpo", "beta": 0.1, "nll": 1.0},
    "train": {"use": "tree", "epochs": 2, "learning_rate": 1e-4},
    "benchmarks": [{"use": "chair"}, {"use": "pope"}],
}


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., MemoryRun]:
    """Return a function that makes a run of so many pairs; keywords replace what it would hold."""
    return lambda size=40, **changes: synthetic_run(tmp_path, size, **changes)


def synthetic_run(directory: Path, size: int, **changes: Any) -> MemoryRun:
    """Make a run of ``size`` pairs whose numbers are made up."""
    folder = directory / "images"
    folder.mkdir(exist_ok=True)
    images = [draw(folder, number) for number in range(12)]
    details = ("the answers share 99.7% of their words, in order", "both answers are 'A red circle.'")
    drops = [
        {"id": f"scene-{n:05d}:pair", "reason": reason, "detail": details[n % 2]}
        for n, reason in enumerate(["near-identical"] * 9 + ["identical"] * 3 + ["length-ratio"])
    ]
    run = MemoryRun(
        directory=directory,
        size=size,
        recipe=RECIPE,
        document={
            "format": 1,
            "name": "toyworld-decompgen",
            "summary": RECIPE["summary"],
            "created": "2026-11-21T05:04:20+00:00",
            "seed": 0,
            "limit": None,
            "recipe": RECIPE,
            "stages": list(stages(size)),
            "trainings": ["train"],
            "versions": {"python": "3.11.7", "pairsmith": "0.1.0", "pairsmith-report": "0.1.0", "torch": "2.13.0"},
            "command": ["pairsmith", "run", "toyworld-decompgen"],
        },
        stage_table=stages(size),
        make=lambda number: scene(number, images),
        drop_rows={"pairs": drops, "images": [{"id": "x.png", "reason": "bad image", "detail": "is cut off"}] * 2},
        metric_rows={"": training(""), "control": training("control")},
        scores=evaluations(),
    )
    return evolve(run, **changes)

"""Components without a model, for tests of the core: each does its kind's work in a line or two, and counts its calls."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import define, evolve, field

from pairsmith.interfaces import CheckedImage, Job, LossTerms, Scores, Weights
from pairsmith.values import (
    Case,
    Cell,
    Claim,
    Demonstration,
    Image,
    Item,
    Judged,
    Pair,
    Response,
    Sample,
    Verdict,
    user,
)


@define
class Source:
    """Samples 0, 1, 2, ...; each shows a picture of its number."""

    folder: Path
    number: int = 10
    asked: list[int] = field(factory=list, init=False)

    def samples(self, start: int = 0) -> Iterator[Sample]:
        self.folder.mkdir(exist_ok=True)
        for n in range(start, self.number):
            self.asked.append(n)
            path = self.folder / f"{n}.png"
            path.write_bytes(f"picture {n}".encode())
            yield Sample(id=f"s{n}", images=(Image(path=path),), prompt=user("Count."), truth={"number": n})


class Check:
    """Refuses pictures whose number is in ``bad``."""

    def __init__(self, *bad: int) -> None:
        self.bad = bad

    def check(self, path: Path) -> CheckedImage | str:
        return "is truncated" if int(path.stem) in self.bad else CheckedImage()


@define
class Generator:
    """Answers with the seed and a number; greedy, with the model's name."""

    n: int = 3
    model: str = "base"
    calls: int = field(default=0, init=False)

    def respond(self, samples: Sequence[Sample], *, seed: int, greedy: bool = False) -> list[list[Response]]:
        self.calls += 1
        return [
            [
                Response(
                    id=f"{sample.id}/{k}", sample_id=sample.id, text=f"{sample.id} has {k} of {seed % 1000}", seed=seed
                )
                for k in range(1 if greedy else self.n)
            ]
            for sample in samples
        ]


class Decomposer:
    """Two claims a response: the object, and a colour that depends on it."""

    def decompose(self, sample: Sample, responses: Sequence[Response]) -> list[Claim]:
        return [
            claim
            for response in responses
            for claim in (
                Claim(id=f"{response.id}#o", response_id=response.id, aspect="object", text=response.text),
                Claim(
                    id=f"{response.id}#c",
                    response_id=response.id,
                    aspect="attribute",
                    text="it is red",
                    depends_on=(f"{response.id}#o",),
                ),
            )
        ]


@define
class Judge:
    """Supports the claims of even responses and contradicts the others."""

    aspects: tuple[str, ...] | None = None
    shown: list[str] = field(factory=list, init=False)

    def judge(self, cases: Sequence[Case]) -> list[list[Verdict]]:
        return [[self._verdict(claim) for claim in case.claims] for case in cases]

    def _verdict(self, claim: Claim) -> Verdict:
        self.shown.append(claim.id)
        even = int(claim.response_id.rpartition("/")[2]) % 2 == 0
        return Verdict(
            judge="even",
            response_id=claim.response_id,
            claim_id=claim.id,
            outcome="supported" if even else "contradicted",
        )


@define
class Selector:
    """The first answer against the second."""

    calls: int = field(default=0, init=False)

    def select(self, judged: Judged, *, seed: int) -> list[Pair | Demonstration]:
        self.calls += 1
        if len(judged.responses) < 2:
            return []
        first, second = judged.responses[:2]
        return [Pair(id=f"p-{judged.sample.id}", sample=judged.sample, chosen=first, rejected=second)]


@define
class Darker:
    """An image corruption: the picture with a word more."""

    run: Any
    axis: str = "image"

    def corrupt_images(
        self, sample: Sample, others: Sequence[Sample], *, seed: int
    ) -> tuple[tuple[Image, ...], Mapping[str, Any]]:
        data = sample.images[0].path.read_bytes() + b" darker"
        return (self.run.images.add_bytes(data, ".png"),), {"seed": seed, "others": len(others)}


@define
class Family:
    """A model family whose models are folders with a number in them."""

    folder: Path
    weights: Weights = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.weights = Weights(path=str(self.folder))

    def fingerprint(self, weights: Weights) -> str:
        return weights.path


class Loss:
    """Asks for two cells."""

    cells = (Cell("chosen"), Cell("rejected"))
    uses_reference = True

    def __call__(self, policy: object, reference: object) -> LossTerms:
        raise AssertionError


@define
class Trainer:
    """Writes down what it was given."""

    trained: list[Any] = field(factory=list, init=False)
    referred: int = field(default=0, init=False)

    def launch(self, worker: Sequence[str]) -> Sequence[str]:
        return worker

    def reference_settings(self) -> Mapping[str, Any]:
        return {"precision": "fp32"}

    def reference(self, job: Job, items: Sequence[Item]) -> list[dict[str, list[float]]]:
        self.referred += len(items)
        return [{str(cell): [-1.0] for cell in job.loss.cells} for _ in items]

    def train(self, job: Job) -> Weights:
        assert job.reference is None or len(job.reference) == len(job.items)
        self.trained.append(([item.id for item in job.items], job.weights))
        model = job.output / "model"
        model.mkdir(parents=True)
        (model / "weights").write_text(str(len(self.trained)))
        job.metrics.write_text('{"step": 1, "steps": 1, "loss": 0.5}\n')
        return evolve(job.weights, path=str(model))


class Benchmark:
    """Four samples; the score is the mean length of the answers."""

    source = "none"

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def samples(self) -> Iterator[Sample]:
        return Source(self.folder, 4).samples()

    def score(self, samples: Sequence[Sample], responses: Sequence[Response]) -> Scores:
        lengths = [len(response.text) for response in responses]
        return Scores(metrics={"length": sum(lengths) / len(lengths)}, items=[{"length": n} for n in lengths])

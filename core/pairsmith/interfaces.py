"""What a component of each kind must do. Structural: there is no base class to inherit.

A component is made by its factory, ``factory(options, run)``, when the first part of work needs it and not before. One
that holds a model may also be a context manager; the pipeline enters it for its stage and leaves it afterwards, so two
models never sit in memory together.

Torch is named for type checkers only: importing this module imports no model library.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, runtime_checkable

from attrs import evolve, frozen

from pairsmith.errors import UsageError
from pairsmith.kinds import Kind as Kind  # noqa: PLC0414 - also from here: protocols and kinds belong together
from pairsmith.log_probs import LogProbs as LogProbs  # noqa: PLC0414
from pairsmith.log_probs import LossTerms as LossTerms  # noqa: PLC0414
from pairsmith.trees import TreeBatch as TreeBatch  # noqa: PLC0414
from pairsmith.values import (
    Case,
    Cell,
    Claim,
    Demonstration,
    Dropped,
    Failed,
    Image,
    Item,
    Judged,
    Pair,
    Response,
    Sample,
    Turn,
    Verdict,
)

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

Part = Literal["vision", "projector", "language-model"]
"""The parts of a vision-language model that a freeze map and a LoRA scope speak of."""


class ImageStore(Protocol):
    """The images of a run, kept under the sha256 of their bytes."""

    def add_bytes(self, data: bytes, suffix: str) -> Image:
        """Keep an encoded image; ``suffix`` is its file type, e.g. ``".png"``."""

    def add_file(self, path: Path) -> Image:
        """Keep a copy of an image file as it is."""


@frozen(kw_only=True)
class Weights:
    """Where a model is: a directory or a hub id, perhaps with an adapter on top."""

    path: str
    revision: str | None = None
    adapter: Path | None = None


ComponentBuilder = Callable[[Kind, Mapping[str, Any], str], Callable[..., Any]]
"""Checks ``(kind, {"use": name, **options}, place for messages)``; returns what builds it, for a given run if called so."""


def _alone(kind: Kind, _: Mapping[str, Any], where: str) -> Callable[..., Any]:
    msg = f"{where}: there are no {kind.replace('_', ' ')} to choose from outside a recipe's run"
    raise UsageError(msg)


@frozen(kw_only=True)
class Run:
    """What every component may know about the run it is part of.

    ``images`` takes images that a component makes. ``family`` and ``weights`` are the recipe's ``[model]``: in the
    stages before training the base model, or the one that a component's own table names; in evaluation the model that is
    evaluated. ``texts`` yields the prompts and
    answers of the run so far, for what is fitted to a run's texts, as a tokenizer is. ``component`` is for what is made
    of other components: a benchmark that asks a judge names it in its options, as a recipe would, and builds it here.
    """

    directory: Path
    images: ImageStore
    seed: int = 0
    family: "ModelFamily | None" = None
    weights: Weights | None = None
    texts: Callable[[], Iterator[str]] = lambda: iter(())
    component: ComponentBuilder = _alone

    def with_weights(self, weights: Weights) -> "Run":
        """Return this run with another model in place of the base model."""
        return evolve(self, weights=weights)


# Data ----------------------------------------------------------------------------------------------------------------


class ImageSource(Protocol):
    """Yields samples, always the same ones in the same order; what cannot be made is :class:`Dropped` in its place."""

    def samples(self, start: int = 0) -> Iterator[Sample | Dropped]:
        """Yield the samples from the ``start``-th on; a resumed run asks for the rest only."""


@frozen(kw_only=True)
class CheckedImage:
    """An image that may be used: as it is, or as the bytes the check made of it."""

    data: bytes | None = None
    suffix: str = ""


class ImageCheck(Protocol):
    """Looks at an image file before it enters a run."""

    def check(self, path: Path) -> CheckedImage | str:
        """Return the image, or the reason why it cannot be used."""


class ImageJudge(Protocol):
    """Scores the candidate images of one prompt."""

    def judge(self, samples: Sequence[Sample]) -> Sequence[Sequence[float]]:
        """Return, for each sample, one score per candidate, in order; higher is better."""


class Generator(Protocol):
    """Answers samples."""

    def respond(
        self, samples: Sequence[Sample], *, seed: int, greedy: bool = False
    ) -> Sequence[Sequence[Response] | Failed]:
        """Return the responses to each sample, in order; with ``greedy`` exactly one, made without sampling.

        The same samples and seed give the same responses.
        """


class Decomposer(Protocol):
    """Splits responses into atomic claims.

    One that works faster on many samples at once may also have a method ``decompose_many(cases)``: given cases without
    claims, it returns for each, in order, what ``decompose`` would. A stage then calls it with the samples of a part.
    """

    def decompose(self, sample: Sample, responses: Sequence[Response]) -> Sequence[Claim | Dropped] | Failed:
        """Return the claims of all responses; a claim's ``depends_on`` names claims of the same response.

        What could not be split is returned as :class:`Dropped`, with the response's id; it is counted and reported.
        """


class Judge(Protocol):
    """Gives verdicts on responses or on claims.

    ``aspects`` are the claims it is to be shown; ``None`` means all of them, and an empty tuple that it judges whole
    responses. The core never shows a judge a claim that depends on a contradicted one.
    """

    aspects: tuple[str, ...] | None

    def judge(self, cases: Sequence[Case]) -> Sequence[Sequence[Verdict] | Failed]:
        """Return, for each case, one verdict per claim shown, or one per response where no claims are judged."""


class PairSelector(Protocol):
    """Turns a judged sample into pairs, or into demonstrations.

    One that must know the whole run first has a method ``survey(everything)``; it is called before ``select`` with all
    ``(judged, seed)``, which it may read several times. What it found it tells with ``facts()``, as every component may.
    """

    def select(self, judged: Judged, *, seed: int) -> Sequence[Pair | Demonstration | Dropped]:
        """Return the pairs of one sample; ``seed`` differs from sample to sample. What is Dropped is counted."""


class ImageCorruption(Protocol):
    """Makes worse images, the same ones for the same seed. ``others`` is every sample of the run, to borrow from."""

    axis: Literal["image"]

    def corrupt_images(
        self, sample: Sample, others: Sequence[Sample], *, seed: int
    ) -> tuple[tuple[Image, ...], Mapping[str, Any]]:
        """Return the images in their corrupted form, and the draw that made them."""


class ContextCorruption(Protocol):
    """Makes a worse context, the same one for the same seed. ``others`` is every sample of the run, to borrow from."""

    axis: Literal["context"]

    def corrupt_context(self, sample: Sample, others: Sequence[Sample], *, seed: int) -> tuple[str, Mapping[str, Any]]:
        """Return the context in its corrupted form, and the draw that made it."""


Corruption = ImageCorruption | ContextCorruption


# Losses --------------------------------------------------------------------------------------------------------------


class Loss(Protocol):
    """A pure function of log-probabilities.

    ``cells`` are the sequences it needs, ``uses_reference`` whether it reads the reference's. The trainer compares the
    first step with ``loss(policy, policy)``, so a loss needs no constant of its own to be guarded.

    One that reads ``LogProbs.kl`` has ``uses_kl = True`` as well; others need not have it. It costs a second pass, of
    the reference, in every step.
    """

    cells: tuple[Cell, ...]
    uses_reference: bool

    def __call__(self, policy: Mapping[Cell, LogProbs], reference: Mapping[Cell, LogProbs]) -> LossTerms:
        """Return the loss of each item. ``reference`` is empty where ``uses_reference`` is false."""


# Models --------------------------------------------------------------------------------------------------------------


@frozen(kw_only=True)
class EncodedPrompt:
    """A prompt as the language model reads it, with every image expanded to its tokens.

    All three have the same length. Token ``k`` shows the ``slots[k]``-th feature of the ``image_of[k]``-th image; both are
    -1 for a text token. A prompt need not show all features of an image, but always its last: so they can be counted.
    ``targets`` are places in the prompt, but for the first, whose tokens are learnt like the answer's; none as a rule.
    """

    tokens: tuple[int, ...]
    image_of: tuple[int, ...]
    slots: tuple[int, ...]
    targets: tuple[int, ...] = ()


class Codec(Protocol):
    """Between text and images and what a model reads. Holds no weights, and can be sent to a loader's process.

    One whose ``positions`` read some of an image's inputs names them in ``placing``, a tuple.
    """

    @property
    def pad_token(self) -> int:
        """The token that pads."""

    @property
    def end(self) -> int:
        """The end-of-sequence token."""

    def prompt(self, turns: Sequence[Turn], images: Sequence[Image]) -> EncodedPrompt:
        """Encode a conversation up to where the answer begins."""

    def response(self, turns: Sequence[Turn], text: str) -> tuple[int, ...]:
        """Encode an answer with everything the template puts after it, the end-of-sequence token included."""

    def pixels(self, image: Image) -> "Mapping[str, Tensor]":
        """Return the model inputs of one image; first dimension 1 (or its patches, for families that flatten them)."""

    def positions(self, prompt: EncodedPrompt, length: int, pixels: "Sequence[Mapping[str, Tensor]]") -> "Tensor":
        """Return the positions ``[axes, len(prompt) + length]`` of a prompt and ``length`` response tokens after it."""

    def requests(self, prompts: Sequence[tuple[Sequence[Turn], Sequence[Image]]]) -> "Mapping[str, Tensor]":
        """Return a padded batch for ``generate``; prompts end at the right edge."""

    def text(self, tokens: Sequence[int]) -> str:
        """Decode an answer, without special tokens and without what follows the end-of-sequence token."""

    def save(self, directory: Path) -> None:
        """Write the processor next to a model's weights; transformers' own is also had as ``processor``, where it is one."""


@runtime_checkable
class ModelFamily(Protocol):
    """Everything that differs between base models, behind one face. Options come from the recipe's ``[model]``.

    One that can encode an image apart from what is asked about it also has ``encode(module, images)``: of the model inputs
    of one image it returns features by name, ``[N, ...]`` each, and reads them as ``TreeBatch.encoded``. One with
    ``skeleton(weights)`` returns the model without its weights, for what must be known of its parts before it is loaded.
    """

    weights: Weights

    def fingerprint(self, weights: Weights) -> str:
        """Return a hash that changes when the weights, the processor or the template change."""

    def codec(self, weights: Weights) -> Codec:
        """Load the processor."""

    def load(self, weights: Weights, *, device: str, dtype: str) -> "Module":
        """Load the model in evaluation mode, its adapter merged; ``dtype`` is e.g. ``"float32"``."""

    def parts(self) -> Mapping[Part, str]:
        """Return, for each part, a regular expression that its parameters' full names match from the start."""

    def lora_targets(self, scope: Sequence[Part]) -> str:
        """Return a regular expression for the linear modules that an adapter of this scope covers."""

    def hidden_states(self, module: "Module", batch: TreeBatch) -> "Tensor":
        """Run the model without its head on a tree: ``[B, L, hidden]``. Each distinct image is encoded once."""

    def head(self, module: "Module") -> "Module":
        """Return the language-model head."""


# Training ------------------------------------------------------------------------------------------------------------


@frozen(kw_only=True)
class Job:
    """One training, as the processes that run it see it.

    ``items`` can be indexed without being held in memory. ``reference[k]`` gives the stored reference log-probabilities
    of item ``k`` by ``str(cell)``, and is ``None`` where the loss needs none. ``output`` is where the trainer keeps
    checkpoints and puts what it made; ``metrics`` is the file of JSON lines it appends to. ``pause_at`` is the step after
    which a trainer that can pauses, unless it is the last. ``published`` says that the reference came with the data.
    """

    run: Run
    family: ModelFamily
    weights: Weights
    loss: Loss
    items: Sequence[Item]
    reference: Sequence[Mapping[str, Sequence[float]]] | None
    output: Path
    metrics: Path
    seed: int
    pause_at: int | None = None
    published: bool = False


BENCHMARK = "benchmark/"
"""How the names of numbers begin that benchmarks gave of a training's step; the pipeline puts them into its metrics."""


@frozen(kw_only=True)
class Paused:
    """A training that waits after a step, with its weights as they were then. Another call of it goes on from there."""

    step: int
    weights: Weights


class Trainer(Protocol):
    """Trains a model on items with a loss.

    One that can pause on its way, so that benchmarks are asked in between, has ``pauses = True``; others need not have it.
    One with ``sums_suffice(loss)`` says of which losses the reference's log-probability of a whole answer is enough. One with
    ``check(loss)`` raises there, before any work of a run is done, what it knows to be impossible on this machine.
    """

    def launch(self, worker: Sequence[str]) -> Sequence[str]:
        """Return the command that runs ``worker`` (a Python command line) in as many processes as are wanted."""

    def reference(self, job: Job, items: Sequence[Item]) -> Sequence[Mapping[str, Sequence[float]]]:
        """Return each item's per-token log-probabilities under the frozen base model, by ``str(cell)``."""

    def reference_settings(self) -> Mapping[str, Any]:
        """Return the settings that change reference log-probabilities, for the key they are stored under."""

    def train(self, job: Job) -> Weights | Paused:
        """Train, from the last whole checkpoint in ``job.output`` if there is one, and return the result.

        Where it pauses it leaves a checkpoint of that step and the weights, and later goes on as if it never had.
        """


# Evaluation and output -----------------------------------------------------------------------------------------------


@frozen(kw_only=True)
class Scores:
    """What a benchmark found: named numbers, and one record per item.

    A number is better when it is high, unless ``lower_is_better`` names it; ``neutral`` ones, as a length, are neither.
    ``sums`` are what each item adds to the sums that the metrics are made of; nothing for an item that is not scored.
    """

    metrics: Mapping[str, float]
    lower_is_better: tuple[str, ...] = ()
    neutral: tuple[str, ...] = ()
    items: Sequence[Mapping[str, Any]] = ()
    sums: Sequence[Mapping[str, float]] = ()


class Benchmark(Protocol):
    """Samples, and a scorer of the answers to them.

    One that gives ``Scores.sums`` has ``metrics(sums)``, from their totals to its numbers: so intervals are computed. One
    whose samples can be known without their images has ``asked()``, and ``score_answers(answers)`` for ids and texts.
    """

    source: ClassVar[str]

    def samples(self) -> Iterable[Sample]:
        """Yield the samples, always the same ones."""

    def score(self, samples: Sequence[Sample], responses: Sequence[Response]) -> Scores:
        """Score one answer per sample, in order."""


class RunView(Protocol):
    """A run directory, read only: what exporters and reporters are given."""

    directory: Path
    recipe: Mapping[str, Any]
    document: Mapping[str, Any]

    def stages(self) -> Mapping[str, Mapping[str, Any]]:
        """Return the stages in order: name to ``{"key", "parts", "items", "counts", "seconds", "done", "facts"}``."""

    def judged(self) -> Iterator[Judged]:
        """Yield every sample with its responses, claims and verdicts."""

    def items(self, arm: str = "") -> Iterator[Item]:
        """Yield the pairs or demonstrations of an arm: ``""`` is the recipe's own, ``"control"`` the control's."""

    def dropped(self, stage: str) -> Iterator[Mapping[str, Any]]:
        """Yield what a stage left out or failed on: ``{"id", "reason", "detail"}``."""

    def metrics(self, arm: str = "") -> Sequence[Mapping[str, Any]]:
        """Return the training metrics by step."""

    def evaluations(self) -> Sequence[Mapping[str, Any]]:
        """Return scores as ``{"benchmark", "model", "metrics", "lower_is_better", "neutral", "source", "items"}``.

        ``model`` is ``base``, ``round-1``, ``trained`` or ``control``; ``table`` is the benchmark's, as a recipe writes it.
        """

    def scored(self, benchmark: str, model: str) -> Iterator[Mapping[str, Any]]:
        """Yield what is kept of each item: ``{"id", "response", "images", "sums", ...}``."""

    def opinions(self, of: str = "") -> Iterator[tuple[Judged, Mapping[str, Sequence[Verdict]]]]:
        """Yield samples with the verdicts of each judge by its stage; ``of`` is e.g. ``"swapped"`` or ``"repeat-1"``."""


class Exporter(Protocol):
    """Writes the pairs of a run in another tool's format."""

    def export(self, run: RunView, destination: Path) -> Sequence[Path]:
        """Write, and return the files."""


class Reporter(Protocol):
    """Makes a page, a card or a table from a run directory."""

    def report(self, run: RunView) -> Sequence[Path]:
        """Write into the run directory, and return the files."""


class Engine(Protocol):
    """Runs the parts of a stage."""

    def map(self, work: Callable[[Any], Any], parts: Iterable[Any]) -> Iterator[Any]:
        """Yield ``work(part)`` for each part, in order."""

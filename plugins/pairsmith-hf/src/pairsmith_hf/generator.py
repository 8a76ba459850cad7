"""Answers samples with the recipe's model."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import torch
from transformers import GenerationConfig

from pairsmith.errors import RecipeError
from pairsmith.interfaces import Run
from pairsmith.seeds import derive
from pairsmith.values import Image, Response, Sample, Turn, turns
from pairsmith_hf.options import GeneratorOptions

Request = tuple[tuple[Turn, ...], tuple[Image, ...]]


class HfGenerator:
    """Implements :class:`pairsmith.interfaces.Generator` on any family's model.

    Prompts of like length go together, padded on the left, and a batch's answers come from a seed of its own: the same
    samples and seed give the same answers. Every answer of a prompt is drawn in the same batch, from one reading of it.
    """

    def __init__(self, options: GeneratorOptions, run: Run) -> None:
        """Load the model: the base model, or in evaluation the one that is evaluated."""
        if run.family is None or run.weights is None:
            msg = "[responses] use = 'hf' answers with the recipe's model; add a table [model]"
            raise RecipeError(msg)
        device = ("cuda" if torch.cuda.is_available() else "cpu") if options.device == "auto" else options.device
        dtype = str(options.dtype or getattr(run.family, "dtype", "float32"))
        self._options, self._device = options, device
        self._codec = run.family.codec(run.weights)
        self._model: Any = run.family.load(run.weights, device=device, dtype=dtype)
        self._name = _name(run)
        self._recorded = {"temperature": options.temperature, "top_p": options.top_p, "top_k": options.top_k}
        self._dtype = dtype

    def __enter__(self) -> Self:
        """Use the model."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let the model's memory go."""
        del self._model
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def respond(self, samples: Sequence[Sample], *, seed: int, greedy: bool = False) -> list[list[Response]]:
        """Return the responses to each sample, in order; with ``greedy`` exactly one."""
        number = 1 if greedy else self._options.n
        sampled = not greedy and self._options.temperature > 0
        requests: list[Request] = [(turns(sample), sample.images) for sample in samples]
        answers: list[list[Response]] = [[] for _ in samples]
        size = max(1, self._options.batch_size // number)
        for count, batch in enumerate(_batches(requests, size)):
            batch_seed = derive(seed, count)
            texts = self._generate([requests[k] for k in batch], number, batch_seed if sampled else None)
            for row, k in enumerate(batch):
                answers[k] = [
                    self._response(samples[k], n, *texts[row * number + n], batch_seed, sampled=sampled)
                    for n in range(number)
                ]
        return answers

    def _response(self, sample: Sample, n: int, text: str, finish: str, seed: int, *, sampled: bool) -> Response:
        name = f"{self._options.name}/" if self._options.name else ""
        drawn = self._recorded if sampled else {"temperature": 0.0}
        return Response(
            id=f"{sample.id}/{name}{n}",
            sample_id=sample.id,
            text=text,
            model=self._name,
            seed=seed if sampled else None,
            parameters={
                **drawn,
                "max_new_tokens": self._options.max_new_tokens,
                "dtype": self._dtype,
                "finish": finish,
            },
        )

    @torch.inference_mode()
    def _generate(self, requests: list[Request], number: int, seed: int | None) -> list[tuple[str, str]]:
        """Return text and ``"stop"`` or ``"length"`` of each answer; the answers of one prompt stand together."""
        # Each prompt as often as it is answered: generate's own way would tear the images of one prompt apart.
        repeated = [request for request in requests for _ in range(number)]
        batch = {name: tensor.to(self._device) for name, tensor in self._codec.requests(repeated).items()}
        if "pixel_values" in batch:
            batch["pixel_values"] = batch["pixel_values"].to(getattr(torch, self._dtype))
        drawing: dict[str, Any] = {"do_sample": False}
        if seed is not None:
            torch.manual_seed(seed)
            drawing = {"do_sample": True, **self._recorded}
        config = GenerationConfig(
            max_new_tokens=self._options.max_new_tokens,
            pad_token_id=self._codec.pad_token,
            eos_token_id=self._codec.end,
            use_cache=True,
            **drawing,
        )
        # Only what the recipe says: a model's own generation_config would change the answers behind its back.
        self._model.generation_config = GenerationConfig(
            pad_token_id=self._codec.pad_token, eos_token_id=self._codec.end
        )
        made = self._model.generate(**batch, generation_config=config)[:, batch["input_ids"].shape[1] :].tolist()
        return [(self._codec.text(tokens), "stop" if self._codec.end in tokens else "length") for tokens in made]


def _batches(requests: Sequence[Request], size: int) -> Iterator[list[int]]:
    """Yield indices, prompts of like length together: what is padded costs as much as what is read."""
    order = sorted(
        range(len(requests)), key=lambda k: (len(requests[k][1]), sum(len(turn.text) for turn in requests[k][0]))
    )
    for start in range(0, len(order), size):
        yield order[start : start + size]


def _name(run: Run) -> str:
    """Return what answers: a hub id, a directory's path within the run, or else its last part."""
    assert run.weights is not None
    path = Path(run.weights.path)
    if path.is_absolute():
        name = path.relative_to(run.directory).as_posix() if path.is_relative_to(run.directory) else path.name
    else:
        name = run.weights.path
    return name if run.weights.adapter is None else f"{name}+adapter"

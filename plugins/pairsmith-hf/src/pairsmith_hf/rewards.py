"""Judges that are text reward models: they read a question and an answer, and see no image."""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

import torch
from attrs import field, frozen
from jinja2 import TemplateError
from torch import Tensor
from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer

from pairsmith.answers import Answers, Question
from pairsmith.checkpoints import explained, fingerprint
from pairsmith.errors import StageError
from pairsmith.interfaces import Run
from pairsmith.values import Case, Response, Verdict
from pairsmith_hf.checkpoint import ALSO, SAFE
from pairsmith_hf.judges import RewardOptions
from pairsmith_hf.shown import conversation


@frozen
class Rendered:
    """A question and an answer as the model reads them: the tokens of both, and those of the question alone."""

    key: str
    tokens: tuple[int, ...] = field(repr=False)
    question: tuple[int, ...] = field(repr=False)


class TextJudge(ABC):
    """Implements :class:`pairsmith.interfaces.Judge` for whole responses; a kind of model says how it scores.

    What the model said is kept, so that another choice of objectives costs nothing. An answer that is too long for the model
    is skipped with its length, never cut.
    """

    aspects: tuple[str, ...] | None = ()
    kind: ClassVar[str]

    def __init__(self, options: RewardOptions, run: Run) -> None:
        """Read the tokenizer; the weights are loaded when something must be scored."""
        self.options = options
        self.where = f"[[judges]] use = {self.kind!r}: model"
        cuda = torch.cuda.is_available()
        self.device = ("cuda" if cuda else "cpu") if options.device == "auto" else options.device
        self.dtype = ("bfloat16" if self.device != "cpu" else "float32") if options.dtype == "auto" else options.dtype
        with explained(self.where, options.model):
            given = {"revision": options.revision, "trust_remote_code": False}
            self._tokenizer: Any = AutoTokenizer.from_pretrained(options.model, **given)
            self.config: Any = AutoConfig.from_pretrained(options.model, **given)
        if not self._tokenizer.chat_template:
            msg = f"{self.where} = {options.model!r} has no chat template; put chat_template.jinja into the directory"
            raise StageError(msg)
        self._longest = options.max_length or int(getattr(self.config, "max_position_embeddings", 0)) or 2**31
        self._name = options.name or self.kind
        self._models: list[Any] = []
        self._too_long = 0
        identity = fingerprint(options.model, getattr(self.config, "_commit_hash", None))
        self.answers = Answers(run, self.kind, {"model": identity, "dtype": self.dtype})

    def __enter__(self) -> Self:
        """Use the model."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let the model's memory go."""
        self._models.clear()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def facts(self) -> Mapping[str, int]:
        """Return how many answers were too long to be scored."""
        return {"too long": self._too_long}

    def judge(self, cases: Sequence[Case]) -> list[list[Verdict]]:
        """Return a verdict per response."""
        rendered = [[self.rendered(case, response) for response in case.responses] for case in cases]
        fitting = {one.key: one for row in rendered for one in row if len(one.tokens) <= self._longest}
        found = dict(zip(fitting, self._ask(fitting), strict=True))
        return [
            [
                self._verdict(response, one, found.get(one.key))
                for response, one in zip(case.responses, row, strict=True)
            ]
            for case, row in zip(cases, rendered, strict=True)
        ]

    # What a kind of model says for itself -------------------------------------------------------------------------------

    def load(self) -> Any:  # noqa: ANN401
        """Load the model."""
        return loaded(self.where, self.options, self.dtype, AutoModelForSequenceClassification)

    @abstractmethod
    def scored(self, model: Any, batch: Sequence[Rendered]) -> list[dict[str, Any]]:  # noqa: ANN401
        """Return what the model says of each answer: ``attributes`` by name, and its own ``score``."""

    # In common ----------------------------------------------------------------------------------------------------------

    def tokens(self, text: str) -> list[int]:
        """Return the tokens of a text that a template wrote."""
        return list(self._tokenizer(text, add_special_tokens=False).input_ids)

    def padded(self, batch: Sequence[Rendered], pad: int) -> tuple[Tensor, Tensor]:
        """Return tokens and mask ``[B, T]`` on the model's device, padded on the right."""
        longest = max(len(one.tokens) for one in batch)
        ids = torch.full((len(batch), longest), pad)
        mask = torch.zeros_like(ids)
        for row, one in enumerate(batch):
            ids[row, : len(one.tokens)] = torch.tensor(one.tokens)
            mask[row, : len(one.tokens)] = 1
        return ids.to(self.device), mask.to(self.device)

    def _ask(self, wanted: Mapping[str, Rendered]) -> list[Any]:
        @torch.inference_mode()
        def put(questions: Sequence[Question]) -> list[dict[str, Any]]:
            if not self._models:
                self._models.append(self.load().to(self.device).eval())
            return self.scored(self._models[0], [wanted[one.text] for one in questions])

        def by_length(questions: Sequence[Question]) -> Iterator[list[Question]]:
            ordered = sorted(questions, key=lambda one: len(wanted[one.text].tokens))
            for start in range(0, len(ordered), self.options.batch_size):
                yield ordered[start : start + self.options.batch_size]

        return self.answers.ask([Question(key) for key in wanted], put, by_length)

    def rendered(self, case: Case, response: Response) -> Rendered:
        """Return what the model reads of an answer, as its template writes it."""
        messages = conversation(case.sample, response, self.options)
        try:
            whole = self._tokenizer.apply_chat_template(messages, tokenize=False)
            question = self._tokenizer.apply_chat_template(messages[:-1], tokenize=False)
        except TemplateError as error:
            roles = ", ".join(message["role"] for message in messages)
            msg = f"{self.where} = {self.options.model!r}: its chat template refuses the turns {roles}: {error}"
            raise StageError(msg) from error
        return Rendered(json.dumps(messages), tuple(self.tokens(str(whole))), tuple(self.tokens(str(question))))

    def _verdict(self, response: Response, rendered: Rendered, found: Mapping[str, Any] | None) -> Verdict:
        model = Path(self.options.model).name if Path(self.options.model).is_dir() else self.options.model
        if found is None:
            self._too_long += 1
            return Verdict(
                judge=self._name,
                response_id=response.id,
                outcome="skipped",
                reason=f"question and answer are {len(rendered.tokens)} tokens, more than the {self._longest} that are read",
                evidence={"model": model},
            )
        weights, attributes = self.options.score, found["attributes"]
        score = sum(weight * attributes[name] for name, weight in weights.items()) if weights else found["score"]
        evidence = {name: value for name, value in found.items() if name != "score" or weights}
        return Verdict(judge=self._name, response_id=response.id, score=score, evidence={**evidence, "model": model})


class RewardJudge(TextJudge):
    """Any model of ``AutoModelForSequenceClassification`` with a chat template, of one label or of several."""

    kind = "reward-model"

    def __init__(self, options: RewardOptions, run: Run) -> None:
        """Read the tokenizer and the labels; the weights are loaded when something must be scored."""
        super().__init__(options, run)
        self._labels = [str(self.config.id2label[number]) for number in range(self.config.num_labels)]
        unknown = [name for name in options.score if name not in self._labels]
        if unknown or (len(self._labels) > 1 and not options.score):
            what = f"{unknown[0]!r} is none of" if unknown else "name one or more of"
            msg = f"[[judges]] use = 'reward-model': score: {what} the model's labels: {', '.join(self._labels)}"
            raise StageError(msg)

    def scored(self, model: Any, batch: Sequence[Rendered]) -> list[dict[str, Any]]:  # noqa: ANN401
        """Return the logits by label."""
        pad = self._tokenizer.pad_token_id or 0
        if hasattr(model, "score"):
            # Such a model finds an answer's end by its padding. A token that no answer holds cannot be taken for it.
            used = {token for one in batch for token in one.tokens}
            pad = next(number for number in range(len(used) + 1) if number not in used)
            model.config.get_text_config().pad_token_id = model.config.pad_token_id = pad
        ids, mask = self.padded(batch, pad)
        rows = model(input_ids=ids, attention_mask=mask).logits.float().tolist()
        return [{"attributes": dict(zip(self._labels, row, strict=True)), "score": row[0]} for row in rows]


def loaded(where: str, options: RewardOptions, dtype: str, model: Any) -> Any:  # noqa: ANN401 - a class of transformers
    """Load a model whole. One that lacks weights is refused: transformers would fill them with random numbers."""
    with explained(where, options.model, ALSO):
        try:
            made, told = model.from_pretrained(
                SAFE.located(options.model, options.revision, where),
                revision=options.revision,
                dtype=getattr(torch, dtype),
                use_safetensors=True,
                output_loading_info=True,
            )
        except RuntimeError as error:  # sizes that do not fit
            raise OSError(str(error)) from error
    missing = sorted(told["missing_keys"])
    if missing:
        msg = (
            f"{where} = {options.model!r} has no {', '.join(missing[:3])}: it is another sort of model. ArmoRM has its own "
            f"judge, 'armorm'; other reward models are read by 'reward-model'"
        )
        raise StageError(msg)
    return made

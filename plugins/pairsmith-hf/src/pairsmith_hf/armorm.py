"""ArmoRM (arXiv 2406.12845): nineteen objectives of an answer, weighed by a gate that reads the question.

Own modules over transformers' Llama, with the names of the published tensors, so that the published safetensors load as they
are. No code that comes with the weights is run.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from transformers import LlamaConfig, LlamaModel
from transformers.models.llama.modeling_llama import LlamaPreTrainedModel

from pairsmith.errors import StageError
from pairsmith.interfaces import Run
from pairsmith.values import Case, Response
from pairsmith_hf.judges import OBJECTIVES, ArmoOptions
from pairsmith_hf.rewards import Rendered, TextJudge, loaded

ANSWER_BEGINS = "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"
"""What Llama 3's template writes between question and answer; the gate reads the hidden state of its first token."""


class Gate(nn.Module):
    """Hidden layers with ReLU, then a softmax over the objectives at a temperature, times a learnt scale."""

    def __init__(self, width: int, objectives: int, *, hidden: int, depth: int, temperature: float) -> None:
        """Make ``depth`` hidden layers of ``hidden`` units."""
        super().__init__()
        sizes = [width, *[hidden] * depth, objectives]
        self.temperature = temperature
        self.logit_scale = nn.Parameter(torch.ones(1))
        self.layers = nn.ModuleList(nn.Linear(*pair) for pair in pairwise(sizes))

    def forward(self, question: Tensor) -> Tensor:
        """Return the weight of each objective, ``[B, objectives]``, of questions' hidden states ``[B, width]``."""
        *hidden, last = self.layers
        for layer in hidden:
            question = torch.relu(layer(question))
        weights: Tensor = torch.softmax(last(question) / self.temperature, dim=-1) * self.logit_scale
        return weights


class ArmoModel(LlamaPreTrainedModel):  # type: ignore[misc]
    """A Llama, a linear head for the objectives, a matrix that takes verbosity out of the others, and the gate.

    What the published configuration leaves out has the published value as its default.
    """

    config_class = LlamaConfig

    def __init__(self, config: LlamaConfig) -> None:
        """Make the modules of a configuration."""
        super().__init__(config)
        objectives = int(getattr(config, "num_objectives", len(OBJECTIVES)))
        self.model = LlamaModel(config)
        self.regression_layer = nn.Linear(config.hidden_size, objectives, bias=False)
        self.reward_transform_matrix = nn.Parameter(torch.eye(objectives), requires_grad=False)
        self.gating = Gate(
            config.hidden_size,
            objectives,
            hidden=int(getattr(config, "gating_hidden_dim", 1024)),
            depth=int(getattr(config, "gating_n_hidden", 3)),
            temperature=float(getattr(config, "gating_temperature", 10)),
        )
        self.post_init()

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, question: Tensor, end: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return objectives ``[B, 19]``, the gate's weights ``[B, 19]`` and the score ``[B]`` (section 3.2).

        ``question`` and ``end`` ``[B]`` are the places of the gate's token and of the last one.
        """
        hidden = self.model(input_ids=input_ids, attention_mask=attention_mask, use_cache=False).last_hidden_state
        rows = torch.arange(len(input_ids), device=hidden.device)
        rewards = self.regression_layer(hidden[rows, end])
        weights = self.gating(hidden[rows, question])
        score = (weights * (rewards @ self.reward_transform_matrix)).sum(-1)
        return rewards, weights, score


class ArmoJudge(TextJudge):
    """Scores by the gate, or by the objectives that the recipe names."""

    kind = "armorm"
    options: ArmoOptions

    def __init__(self, options: ArmoOptions, run: Run) -> None:
        """Read the tokenizer; the weights are loaded when something must be scored."""
        super().__init__(options, run)
        self._between = self.tokens(ANSWER_BEGINS)

    def load(self) -> Any:  # noqa: ANN401
        """Load the model; one without a gate is refused."""
        return loaded(self.where, self.options, self.dtype, ArmoModel)

    def rendered(self, case: Case, response: Response) -> Rendered:
        """Return what the model reads. Raises where the gate would read another place than in training."""
        found = super().rendered(case, response)
        if self._gate_at(found) is None:
            msg = (
                f"{self.where} = {self.options.model!r}: its chat template does not put {ANSWER_BEGINS!r} before an answer, "
                f"where ArmoRM's gate reads"
            )
            raise StageError(msg)
        return found

    def _gate_at(self, rendered: Rendered) -> int | None:
        """Return where the question ends and the answer's header begins, whatever stands in the answer."""
        start, marks = len(rendered.question) - 1, self._between
        same = rendered.tokens[: start + 1] == rendered.question
        return start if same and list(rendered.tokens[start : start + len(marks)]) == marks else None

    def scored(self, model: Any, batch: Sequence[Rendered]) -> list[dict[str, Any]]:  # noqa: ANN401
        """Return objectives, weights and score of each answer."""
        ids, mask = self.padded(batch, 0)
        places = torch.tensor([[self._gate_at(one), len(one.tokens) - 1] for one in batch], device=ids.device)
        rewards, weights, score = model(ids, mask, places[:, 0], places[:, 1])
        return [
            {
                "attributes": dict(zip(OBJECTIVES, row, strict=True)),
                "gate": dict(zip(OBJECTIVES, gate, strict=True)),
                "score": whole,
            }
            for row, gate, whole in zip(
                rewards.float().tolist(), weights.float().tolist(), score.float().tolist(), strict=True
            )
        ]

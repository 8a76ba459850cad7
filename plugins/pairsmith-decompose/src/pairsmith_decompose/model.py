"""A local causal language model that answers conversations, greedily and many at a time."""

from collections.abc import Sequence
from typing import Any

import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig
from transformers.utils import cached_file, logging

from pairsmith.checkpoints import explained, fingerprint
from pairsmith.safe_weights import SafeWeights
from pairsmith_decompose.options import LlmFewshotOptions
from pairsmith_decompose.prompts import Message

logging.disable_progress_bar()
logging.set_verbosity_error()

WEIGHTS = SafeWeights(load=torch.load, save=save_file, fetch=cached_file)
WHERE = "[claims] use = 'llm-fewshot': model"


class TextModel:
    """Loads the tokenizer at once and the weights when something is asked."""

    def __init__(self, options: LlmFewshotOptions) -> None:
        """Read the tokenizer; find out which weights these are."""
        self._options = options
        self._loading = {"revision": options.revision, "trust_remote_code": options.trust_remote_code}
        with explained(WHERE, options.model):
            self._tokenizer: Any = AutoTokenizer.from_pretrained(options.model, padding_side="left", **self._loading)
        if self._tokenizer.pad_token_id is None:
            self._tokenizer.pad_token = self._tokenizer.eos_token
        self._weights: list[Any] = []
        cuda = torch.cuda.is_available()
        self.device = ("cuda" if cuda else "cpu") if options.device == "auto" else options.device
        on_gpu = self.device != "cpu"
        self.dtype = ("bfloat16" if on_gpu else "float32") if options.dtype == "auto" else options.dtype

    def identity(self) -> dict[str, Any]:
        """Return what replies depend on."""
        from transformers import AutoConfig

        with explained(WHERE, self._options.model):
            config = AutoConfig.from_pretrained(self._options.model, **self._loading)
        commit = getattr(config, "_commit_hash", None)
        return {
            "model": fingerprint(self._options.model, commit),
            "dtype": self.dtype,
            "max_new_tokens": self._options.max_new_tokens,
        }

    def unload(self) -> None:
        """Let the weights go."""
        self._weights.clear()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    @torch.inference_mode()
    def reply(self, conversations: Sequence[Sequence[Message]]) -> list[str]:
        """Return the reply to each conversation."""
        texts = [self._render(messages) for messages in conversations]
        batch = self._tokenizer(texts, return_tensors="pt", padding=True, add_special_tokens=False).to(self.device)
        end = self._ends()
        config = GenerationConfig(
            max_new_tokens=self._options.max_new_tokens,
            do_sample=False,
            pad_token_id=self._tokenizer.pad_token_id,
            eos_token_id=end,
        )
        model = self._model
        model.generation_config = GenerationConfig(pad_token_id=self._tokenizer.pad_token_id, eos_token_id=end)
        length = batch["input_ids"].shape[1]
        keys = {"input_ids": batch["input_ids"], "attention_mask": batch["attention_mask"]}
        made = model.generate(**keys, generation_config=config)[:, length:]
        return [str(text) for text in self._tokenizer.batch_decode(made, skip_special_tokens=True)]

    @property
    def _model(self) -> Any:  # noqa: ANN401 - any causal language model
        if not self._weights:
            with explained(WHERE, self._options.model):
                model = AutoModelForCausalLM.from_pretrained(
                    WEIGHTS.located(self._options.model, self._options.revision, WHERE),
                    dtype=getattr(torch, self.dtype),
                    use_safetensors=True,
                    **self._loading,
                )
            self._weights.append(model.to(self.device).eval())
        return self._weights[0]

    def _render(self, messages: Sequence[Message]) -> str:
        """Return a conversation as text: by the model's chat template, or plainly where it has none."""
        if self._tokenizer.chat_template:
            return str(self._tokenizer.apply_chat_template(list(messages), add_generation_prompt=True, tokenize=False))
        start = self._tokenizer.bos_token or ""
        return start + "\n".join(message["content"] for message in messages)

    def _ends(self) -> list[int]:
        """Return the tokens that end a reply: the tokenizer's, and the end of a turn where a template uses another."""
        known = self._tokenizer.get_vocab()
        turns = (known[mark] for mark in ("<|eot_id|>", "<|im_end|>", "<end_of_turn>") if mark in known)
        return sorted({self._tokenizer.eos_token_id, *turns} - {None})

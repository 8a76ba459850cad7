"""transformers models: model families, and a generator that answers with any of them."""

from collections.abc import Iterable

from pairsmith import Component, hookimpl


@hookimpl
def pairsmith_model_families() -> Iterable[Component]:
    """Offer the model families."""
    yield Component(
        name="llava",
        factory="pairsmith_hf.llava:LlavaFamily",
        options="pairsmith_hf.options:LlavaOptions",
        needs="pairsmith_hf.options:model_needs",
        summary="LLaVA-1.5 and its kin: CLIP, a projector, a Llama, a fixed number of tokens an image.",
    )
    yield Component(
        name="random-llava",
        factory="pairsmith_hf.random_llava:RandomLlavaFamily",
        options="pairsmith_hf.options:RandomLlavaOptions",
        summary="A tiny LLaVA with random weights and a tokenizer fitted to the run: tries a recipe without a download.",
    )


@hookimpl
def pairsmith_generators() -> Iterable[Component]:
    """Offer the generator."""
    yield Component(
        name="hf",
        factory="pairsmith_hf.generator:HfGenerator",
        options="pairsmith_hf.options:GeneratorOptions",
        summary="Answers with the recipe's model: batched, sampled or greedy, seeded part by part.",
    )

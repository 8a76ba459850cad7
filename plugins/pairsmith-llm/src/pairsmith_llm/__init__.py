"""OpenAI-compatible endpoints: vLLM, SGLang, ``transformers serve``, OpenAI, Gemini's compatible one."""

from collections.abc import Iterator

from pairsmith import Component, hookimpl


@hookimpl
def pairsmith_generators() -> Iterator[Component]:
    """Offer answers by a model behind an endpoint, and what it makes of texts that are there."""
    yield Component(
        name="openai",
        factory="pairsmith_llm.generator:OpenAIGenerator",
        options="pairsmith_llm.options:GeneratorOptions",
        needs="pairsmith_llm.options:generator_needs",
        summary="Answers by a model behind an OpenAI-compatible endpoint, images included.",
    )
    yield Component(
        name="openai-rewrite",
        factory="pairsmith_llm.rewrite:Rewriter",
        options="pairsmith_llm.options:RewriteOptions",
        revision=2,
        needs="pairsmith_llm.options:judge_needs",
        inputs="pairsmith_llm.options:prompt_inputs",
        summary="Has a model rewrite the texts that samples came with: corrects their grammar (MCM-DPO), or as told.",
    )


@hookimpl
def pairsmith_judges() -> Iterator[Component]:
    """Offer a judge of whole answers, and one of what answers say is written in an image."""
    yield Component(
        name="openai-rubric",
        factory="pairsmith_llm.rubric:RubricJudge",
        options="pairsmith_llm.options:RubricOptions",
        revision=2,
        needs="pairsmith_llm.options:judge_needs",
        inputs="pairsmith_llm.options:prompt_inputs",
        summary="Grades all answers to an image in one call: a comment and five attributes from 0 to 4 each (mllm-dpo).",
    )
    yield Component(
        name="openai-text",
        factory="pairsmith_llm.text:TextJudge",
        options="pairsmith_llm.options:TextOptions",
        needs="pairsmith_llm.options:judge_needs",
        inputs="pairsmith_llm.options:prompt_inputs",
        summary="Has a model write down the texts in an image, and compares claims of aspect text with them.",
    )


@hookimpl
def pairsmith_decomposers() -> Iterator[Component]:
    """Offer a splitter of answers into claims."""
    yield Component(
        name="openai-claims",
        factory="pairsmith_llm.claims:ClaimsDecomposer",
        options="pairsmith_llm.options:ClaimsOptions",
        revision=2,
        needs="pairsmith_llm.options:claims_needs",
        inputs="pairsmith_llm.options:prompt_inputs",
        summary="Has a model split an answer into atomic claims, with what each depends on.",
    )

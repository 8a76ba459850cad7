"""transformers models: model families, and a generator that answers with any of them."""

from collections.abc import Iterable

from pairsmith import Component, hookimpl

_FAMILIES = (
    ("llava-onevision", "any_resolution:LlavaOneVisionFamily", "LLaVA-OneVision: SigLIP, Qwen2, any-res."),
    ("qwen2-vl", "qwen_vl:Qwen2VLFamily", "Qwen2-VL: pictures in their own size, positions of three axes (M-RoPE)."),
    ("qwen2-5-vl", "qwen_vl:Qwen25VLFamily", "Qwen2.5-VL: as Qwen2-VL, with a tower that attends within windows."),
    ("qwen3-vl", "qwen_vl:Qwen3VLFamily", "Qwen3-VL: features of several layers of the tower (DeepStack)."),
    ("internvl", "internvl:InternVLFamily", "InternVL 2.5 to 3.5, the checkpoints that end in -hf."),
    ("idefics3", "idefics3:Idefics3Family", "Idefics3: rows of tiles."),
    ("smolvlm", "idefics3:SmolVLMFamily", "SmolVLM and SmolVLM2: Idefics3's make in small."),
    ("gemma3", "gemma3:Gemma3Family", "Gemma 3 with vision: an image's tokens see each other both ways."),
)

_REWARDS = (
    (
        "armorm",
        "armorm:ArmoJudge",
        "ArmoOptions",
        "ArmoRM: nineteen objectives of an answer's text, and their gated score; it sees no image.",
    ),
    (
        "reward-model",
        "rewards:RewardJudge",
        "RewardOptions",
        "Any sequence-classification reward model with a chat template; it sees no image.",
    ),
)


@hookimpl
def pairsmith_model_families() -> Iterable[Component]:
    """Offer the model families."""
    yield Component(
        name="llava",
        factory="pairsmith_hf.llava:LlavaFamily",
        options="pairsmith_hf.options:LlavaOptions",
        revision=2,
        needs="pairsmith_hf.options:model_needs",
        summary="LLaVA-1.5 and its kin: CLIP, a projector, a Llama, a fixed number of tokens an image.",
    )
    yield Component(
        name="llava-next",
        factory="pairsmith_hf.any_resolution:LlavaNextFamily",
        options="pairsmith_hf.options:LlavaNextOptions",
        needs="pairsmith_hf.options:model_needs",
        summary="LLaVA-NeXT (LLaVA-1.6): the whole picture and its tiles (any-res).",
    )
    for name, factory, summary in _FAMILIES:
        yield Component(
            name=name,
            factory=f"pairsmith_hf.{factory}",
            options="pairsmith_hf.options:ModelOptions",
            needs="pairsmith_hf.options:model_needs",
            summary=summary,
        )
    yield Component(
        name="auto",
        factory="pairsmith_hf.auto:AutoFamily",
        options="pairsmith_hf.options:AutoOptions",
        needs="pairsmith_hf.options:model_needs",
        summary="Any other model of transformers that takes images and text; it says where it must read path by path.",
    )
    yield Component(
        name="qwen-vl-chat",
        factory="pairsmith_hf.qwen_vl_chat:QwenVLChatFamily",
        options="pairsmith_hf.options:QwenVLChatOptions",
        needs="pairsmith_hf.options:model_needs",
        summary="Qwen-VL-Chat by the Python code that comes with it, where trust_remote_code = true; path by path.",
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
        inputs="pairsmith_hf.options:generator_inputs",
        summary="Answers with the recipe's model or one of its own: batched, sampled or greedy, seeded part by part.",
    )


@hookimpl
def pairsmith_judges() -> Iterable[Component]:
    """Offer the judges."""
    for name, factory, options, summary in _REWARDS:
        yield Component(
            name=name,
            factory=f"pairsmith_hf.{factory}",
            options=f"pairsmith_hf.judges:{options}",
            needs="pairsmith_hf.judges:reward_needs",
            inputs="pairsmith_hf.judges:reward_inputs",
            summary=summary,
        )
    yield Component(
        name="vlm",
        factory="pairsmith_hf.vlm:VlmJudge",
        options="pairsmith_hf.judges:VlmOptions",
        revision=2,
        inputs="pairsmith_hf.judges:prompt_inputs",
        summary="Grades all answers of a sample with a local model by a rubric, or takes its probability of yes.",
    )

"""Images from prompts, judges that say which of several fits its prompt best, and more prompts from a text model."""

from collections.abc import Iterator

from pairsmith import Component, hookimpl


@hookimpl
def pairsmith_image_sources() -> Iterator[Component]:
    """Offer images made from prompts."""
    yield Component(
        name="text-to-image",
        factory="pairsmith_diffusion.source:TextToImage",
        options="pairsmith_diffusion.options:TextToImageOptions",
        needs="pairsmith_diffusion.needs:source_needs",
        inputs="pairsmith_diffusion.options:source_inputs",
        summary="Several images of each prompt, made by any text-to-image pipeline of diffusers.",
    )
    yield Component(
        name="prompt-requests",
        factory="pairsmith_diffusion.asking:PromptRequests",
        options="pairsmith_diffusion.options:PromptRequestsOptions",
        inputs="pairsmith_diffusion.options:request_inputs",
        summary="Asks a text model for more prompts and questions, category by category; no images.",
    )


@hookimpl
def pairsmith_exporters() -> Iterator[Component]:
    """Offer files of prompts."""
    yield Component(
        name="prompts",
        factory="pairsmith_diffusion.prompt_files:PromptFiles",
        options="pairsmith_diffusion.options:PromptFilesOptions",
        summary="Writes replies to prompt-requests as the files that text-to-image reads, without near-duplicates.",
    )


@hookimpl
def pairsmith_image_judges() -> Iterator[Component]:
    """Offer judges of images and their prompts."""
    yield Component(
        name="image-reward",
        factory="pairsmith_diffusion.image_reward:image_reward",
        options="pairsmith_diffusion.options:ImageRewardOptions",
        needs="pairsmith_diffusion.needs:image_reward_needs",
        inputs="pairsmith_diffusion.options:judge_inputs",
        summary="ImageReward: what people prefer of images made from one prompt (PDS-DPO).",
    )
    yield Component(
        name="clip-score",
        factory="pairsmith_diffusion.clip:ClipScore",
        options="pairsmith_diffusion.options:ClipScoreOptions",
        needs="pairsmith_diffusion.needs:clip_needs",
        inputs="pairsmith_diffusion.options:judge_inputs",
        summary="CLIPScore: how alike CLIP finds an image and its prompt.",
    )
    yield Component(
        name="pick-score",
        factory="pairsmith_diffusion.clip:PickScore",
        options="pairsmith_diffusion.options:PickScoreOptions",
        needs="pairsmith_diffusion.needs:clip_needs",
        inputs="pairsmith_diffusion.options:judge_inputs",
        summary="PickScore: a CLIP trained on what people picked of two images of one prompt.",
    )

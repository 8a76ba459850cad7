"""Published preference files in, and other tools' formats out."""

from collections.abc import Iterator

from pairsmith import Component, hookimpl
from pairsmith_formats.options import (
    AltTextOptions,
    DgprefCaptionsOptions,
    DgprefOptions,
    DgprefPickleOptions,
    ExportOptions,
    LrvInstructOptions,
    RatingsOptions,
    RowsOptions,
    SciGraphQaOptions,
)

_FORMATS = (
    ("llava-preferences", "llava:preferences_", "chosen and rejected conversations in LLaVA's manner (PDS-DPO)"),
    ("llava", "llava:sft_", "LLaVA's conversations for fine-tuning (also mllm-dpo's sft, best-of-n and steerlm files)"),
    ("mllm-dpo", "mllm_dpo:", "mllm-dpo's pairs with their ratings (arXiv 2402.10884)"),
    ("mcm-dpo", "rlhf_v:mcm_dpo_", "MCM-DPO's alt texts with the post as context (arXiv 2510.00647)"),
    ("rlhf-v", "rlhf_v:rlhf_v_", "RLHF-V's corrected answers (arXiv 2312.00849)"),
    ("rlaif-v", "rlhf_v:rlaif_v_", "RLAIF-V's pairs (arXiv 2405.17220)"),
    ("vlfeedback", "vlfeedback:", "four answers an instruction with ratings (arXiv 2312.10665)"),
    ("trl", "trl:", "TRL's prompt, chosen, rejected and images as messages; prompt and completion for one answer"),
    ("trl-plain", "trl:plain_", "TRL's prompt, chosen and rejected as plain texts, with images"),
    ("llama-factory", "llama_factory:", "LLaMA-Factory's ShareGPT rows, ranked or not, with dataset_info.json"),
    ("ms-swift", "swift:", "ms-swift's messages with a rejected response"),
)

_QUESTIONS: tuple[tuple[str, str, type[AltTextOptions], str], ...] = (
    ("alt-text", "alt_text", AltTextOptions, "images with the text of their post and alt texts that people wrote"),
    ("lrv-instruct", "lrv_instruct", LrvInstructOptions, "LRV-Instruct's questions and answers (arXiv 2306.14565)"),
    ("scigraphqa", "scigraphqa", SciGraphQaOptions, "SciGraphQA's questions about figures (arXiv 2308.03349)"),
)


@hookimpl
def pairsmith_image_sources() -> Iterator[Component]:
    """Offer published files as sources."""
    for name, place, options, summary in _QUESTIONS:
        yield Component(
            name=name,
            factory=f"pairsmith_formats.places:{place}",
            options=options,
            inputs="pairsmith_formats.options:row_inputs",
            summary=f"Reads {summary}; every column's place is an option.",
        )
    for name, place, summary in _FORMATS:
        yield Component(
            name=name,
            factory=f"pairsmith_formats.{place}source",
            options=RowsOptions,
            inputs="pairsmith_formats.options:row_inputs",
            summary=f"Reads {summary}.",
            revision=2 if name == "llava-preferences" else 1,
        )
    yield Component(
        name="dgpref",
        factory="pairsmith_formats.dgpref:DgprefSource",
        options=DgprefOptions,
        inputs="pairsmith_formats.options:dgpref_inputs",
        summary="Reads DecompGen's pickled pairs without unpickling (arXiv 2411.13697).",
    )
    yield Component(
        name="dgpref-captions",
        factory="pairsmith_formats.dgpref_captions:DgprefCaptions",
        options=DgprefCaptionsOptions,
        inputs="pairsmith_formats.options:captions_inputs",
        summary="Reads DecompGen's pickled captions, eight an image, without unpickling.",
    )


@hookimpl
def pairsmith_decomposers() -> Iterator[Component]:
    """Offer published decompositions."""
    yield Component(
        name="dgpref",
        factory="pairsmith_formats.dgpref_claims:DgprefClaims",
        options=DgprefPickleOptions,
        inputs="pairsmith_formats.options:pickle_inputs",
        summary="Claims from DecompGen's pickled decompositions of its captions.",
    )


@hookimpl
def pairsmith_judges() -> Iterator[Component]:
    """Offer the ratings that came with published answers."""
    yield Component(
        name="ratings",
        factory="pairsmith_formats.ratings:Ratings",
        options=RatingsOptions,
        summary="Scores answers by the ratings that were published with them.",
    )
    yield Component(
        name="dgpref",
        factory="pairsmith_formats.dgpref_verdicts:DgprefVerdicts",
        options=DgprefPickleOptions,
        inputs="pairsmith_formats.options:pickle_inputs",
        summary="Verdicts from DecompGen's pickled expert scores.",
    )


@hookimpl
def pairsmith_exporters() -> Iterator[Component]:
    """Offer the formats of other tools."""
    for name, place, summary in _FORMATS:
        yield Component(
            name=name,
            factory=f"pairsmith_formats.{place}export",
            options=ExportOptions,
            summary=f"Writes {summary}.",
        )
    yield Component(
        name="dgpref",
        factory="pairsmith_formats.dgpref:export",
        options=ExportOptions,
        summary="Writes DecompGen's pickle of pairs.",
    )
    yield Component(
        name="images",
        factory="pairsmith_formats.pictures:PicturesExport",
        summary="Writes the images of a run under readable names, every candidate beside the one that was kept.",
    )

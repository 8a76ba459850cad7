"""Preference losses as pure functions of log-probabilities."""

from collections.abc import Iterable

from pairsmith import Component, hookimpl

_LOSSES = (
    ("sft", "sft:Sft", "options:SftOptions", "Mean negative log-likelihood of the chosen answer."),
    ("dpo", "dpo:Dpo", "options:DpoOptions", "DPO (arXiv 2305.18290), cDPO, robust DPO, IPO, EXO, hinge, LD-DPO, RPO."),
    (
        "dpop",
        "dpo:Dpop",
        "options:DpopOptions",
        "DPO-Positive (arXiv 2402.13228): a chosen answer that gets unlikelier costs extra.",
    ),
    (
        "ddpo",
        "segments:Ddpo",
        "options:DdpoOptions",
        "Dense DPO of RLHF-V (arXiv 2312.00849): changed segments count more.",
    ),
    (
        "tdpo",
        "tdpo:Tdpo",
        "options:TdpoOptions",
        "TDPO2 (arXiv 2404.11999): with the divergence of every token's distribution.",
    ),
    (
        "simpo",
        "reference_free:Simpo",
        "options:SimpoOptions",
        "SimPO (arXiv 2405.14734): mean log-probabilities, no reference.",
    ),
    (
        "orpo",
        "reference_free:Orpo",
        "options:OrpoOptions",
        "ORPO (arXiv 2403.07691): likelihood and an odds ratio, no reference.",
    ),
    (
        "slic",
        "reference_free:Slic",
        "options:SlicOptions",
        "SLiC-HF (arXiv 2305.10425): a margin in nats, no reference.",
    ),
    ("kto", "desirable:Kto", "options:KtoOptions", "KTO (arXiv 2402.01306): each answer desirable or not."),
    ("bco", "desirable:Bco", "options:BcoOptions", "BCO (arXiv 2404.04656): a classifier of desirable answers."),
    (
        "apo-zero",
        "anchored:ApoZero",
        "options:AnchoredOptions",
        "APO-zero (arXiv 2408.06266): chosen up, rejected down.",
    ),
    (
        "apo-down",
        "anchored:ApoDown",
        "options:AnchoredOptions",
        "APO-down (arXiv 2408.06266): both down, rejected further.",
    ),
    (
        "nca",
        "anchored:Nca",
        "options:AnchoredOptions",
        "NCA for pairs (arXiv 2402.05369): keeps the chosen answer's likelihood.",
    ),
    (
        "sppo",
        "anchored:Sppo",
        "options:AnchoredOptions",
        "SPPO with hard preferences (arXiv 2405.00675): squared errors.",
    ),
    (
        "mdpo",
        "mdpo:Mdpo",
        "image_options:MdpoOptions",
        "mDPO (arXiv 2406.11839): prefers the answer with its own image; anchored.",
    ),
    ("chip", "chip:Chip", "image_options:ChipOptions", "CHiP (arXiv 2501.16629): answer, segments, tokens and image."),
    (
        "v-dpo",
        "v_dpo:VDpo",
        "image_options:VDpoOptions",
        "V-DPO (arXiv 2411.02712): DPO on answers guided by the image.",
    ),
    (
        "symmpo",
        "symmpo:Symmpo",
        "image_options:SymmpoOptions",
        "SymMPO (arXiv 2506.11712): each of two images prefers its own answer.",
    ),
    (
        "mcm-dpo",
        "mcm_dpo:McmDpo",
        "image_options:McmDpoOptions",
        "MCM-DPO: every combination of image, context and answer.",
    ),
    ("sum", "weighted:Sum", "options:SumOptions", "A weighted sum of losses: tables [[loss.terms]]."),
)


@hookimpl
def pairsmith_losses() -> Iterable[Component]:
    """Offer the losses."""
    for name, target, options, summary in _LOSSES:
        yield Component(
            name=name, factory=f"pairsmith_losses.{target}", options=f"pairsmith_losses.{options}", summary=summary
        )

"""Preference losses as pure functions of log-probabilities."""

from collections.abc import Iterable

from pairsmith import Component, hookimpl


@hookimpl
def pairsmith_losses() -> Iterable[Component]:
    """Offer the losses."""
    yield Component(
        name="sft",
        factory="pairsmith_losses.sft:Sft",
        options="pairsmith_losses.options:SftOptions",
        summary="Mean negative log-likelihood of the chosen answer.",
    )
    yield Component(
        name="dpo",
        factory="pairsmith_losses.dpo:Dpo",
        options="pairsmith_losses.options:DpoOptions",
        summary="Direct Preference Optimization (arXiv 2305.18290), optionally with the chosen answer's likelihood.",
    )
    yield Component(
        name="mdpo",
        factory="pairsmith_losses.mdpo:Mdpo",
        options="pairsmith_losses.options:MdpoOptions",
        summary="mDPO (arXiv 2406.11839): prefers the answer with its own image as well, and anchors its reward.",
    )
    yield Component(
        name="mcm-dpo",
        factory="pairsmith_losses.mcm_dpo:McmDpo",
        options="pairsmith_losses.options:McmDpoOptions",
        summary="MCM-DPO: all combinations of image, context and answer, in one sigmoid or as a sum.",
    )

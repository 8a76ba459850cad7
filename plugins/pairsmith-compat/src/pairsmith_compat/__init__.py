"""What published systems did by mistake, as components that wrap those that do it right. For comparisons only."""

from collections.abc import Iterable

from pairsmith import Component, hookimpl


@hookimpl
def pairsmith_image_sources() -> Iterable[Component]:
    """Offer samples that are asked in other words."""
    yield Component(
        name="reworded",
        factory="pairsmith_compat.wording:RewordedSource",
        options="pairsmith_compat.options:RewordedSourceOptions",
        inputs="pairsmith_compat.options:source_inputs",
        summary="Another source's samples with a system sentence, or words before and after each question.",
    )


@hookimpl
def pairsmith_generators() -> Iterable[Component]:
    """Offer answers to prompts in other words."""
    yield Component(
        name="reworded",
        factory="pairsmith_compat.wording:RewordedGenerator",
        options="pairsmith_compat.options:RewordedGeneratorOptions",
        summary="Another generator's answers to other words (MCM-DPO's evaluation), or on one line (PDS-DPO).",
    )


@hookimpl
def pairsmith_decomposers() -> Iterable[Component]:
    """Offer DecompGen's reading of replies."""
    yield Component(
        name="published-claims",
        factory="pairsmith_compat.decomposer:PublishedClaims",
        options="pairsmith_compat.options:ClaimsOptions",
        summary="Another decomposer's replies, with DecompGen's mistakes: NONE is a thing, places are found within words.",
    )


@hookimpl
def pairsmith_pair_selectors() -> Iterable[Component]:
    """Offer pairs for several draws, and of what DecompGen counted."""
    yield Component(
        name="fresh-draws",
        factory="pairsmith_compat.draws:FreshDraws",
        options="pairsmith_compat.options:FreshDrawsOptions",
        summary="Another selector's pairs several times, so that each epoch has worse images of its own (MCM-DPO).",
    )
    yield Component(
        name="published-objects",
        factory="pairsmith_compat.scoring:PublishedObjects",
        options="pairsmith_compat.options:ObjectsOptions",
        summary="Another selector, to which some things do not count, and plurals as their singular (DecompGen).",
    )


@hookimpl
def pairsmith_judges() -> Iterable[Component]:
    """Offer DecompGen's geometry, and its reading of answers."""
    yield Component(
        name="published-spatial",
        factory="pairsmith_compat.spatial:PublishedSpatial",
        options="pairsmith_compat.options:SpatialOptions",
        summary="Another judge, with DecompGen's mistakes: above is judged as below, and below is never so.",
    )
    yield Component(
        name="published-answers",
        factory="pairsmith_compat.answering:PublishedAnswers",
        options="pairsmith_compat.options:AnswersOptions",
        summary="A judge that asks (vqa), with DecompGen's reading: yes anywhere in an answer is a yes, all else a no.",
    )


@hookimpl
def pairsmith_corruptions() -> Iterable[Component]:
    """Offer MCM-DPO's seeds."""
    yield Component(
        name="by-row",
        factory="pairsmith_compat.rows:by_row",
        options="pairsmith_compat.options:ByRowOptions",
        summary="Another corruption, seeded by the sample alone: one other row for image and context (MCM-DPO).",
    )


@hookimpl
def pairsmith_losses() -> Iterable[Component]:
    """Offer the losses that were trained with by mistake."""
    yield Component(
        name="published-dpo",
        factory="pairsmith_compat.dpo:PublishedDpo",
        options="pairsmith_compat.options:DpoOptions",
        summary="DPO with a reference averaged over tokens (DecompGen), or empty answers as nothing (PDS-DPO).",
    )


@hookimpl
def pairsmith_model_families() -> Iterable[Component]:
    """Offer answers without an end, and with the template's tokens."""
    yield Component(
        name="without-end",
        factory="pairsmith_compat.family:WithoutEnd",
        options="pairsmith_compat.options:FamilyOptions",
        summary="Another family whose answers are trained on without the token that ends them (DecompGen's LLaVA).",
    )
    yield Component(
        name="with-template",
        factory="pairsmith_compat.family:WithTemplate",
        options="pairsmith_compat.options:TemplateOptions",
        summary="Another family that learns the template's tokens of all turns with the answer (DecompGen's Qwen).",
    )


@hookimpl
def pairsmith_trainers() -> Iterable[Component]:
    """Offer DecompGen's reference, and PDS-DPO's words."""
    yield Component(
        name="published-reference",
        factory="pairsmith_compat.trainer:PublishedReference",
        options="pairsmith_compat.options:ReferenceOptions",
        summary="Another trainer: references of whole answers, training on their first words (DecompGen).",
    )
    yield Component(
        name="reworded",
        factory="pairsmith_compat.wording:RewordedTrainer",
        options="pairsmith_compat.options:RewordedTrainerOptions",
        summary="Another trainer, whose pairs are asked in other words than they were answered in (PDS-DPO).",
    )

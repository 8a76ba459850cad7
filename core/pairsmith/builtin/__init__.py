"""The core's own plugin: components that need no model and no library."""

from collections.abc import Iterator

from pairsmith import Component, hookimpl
from pairsmith.builtin.options import (
    BestWorstOptions,
    DemonstrationsOptions,
    MarginOptions,
    RandomOptions,
    StoredClaimsOptions,
    StoredOptions,
    StoredSamplesOptions,
    StoredVerdictsOptions,
)


@hookimpl
def pairsmith_image_sources() -> Iterator[Component]:
    """Offer samples that are there already."""
    yield Component(
        name="stored",
        factory="pairsmith.builtin.stored_samples:StoredSamples",
        options=StoredSamplesOptions,
        inputs="pairsmith.builtin.options:stored_samples_inputs",
        summary="Samples from a JSON or JSON-lines file in pairsmith's own rows, with their images beside it.",
    )


@hookimpl
def pairsmith_image_checks() -> Iterator[Component]:
    """Offer the check that looks at nothing."""
    yield Component(
        name="none",
        factory="pairsmith.builtin.unchecked:Unchecked",
        summary="Takes image files as they are; for images that are known to be sound.",
    )


@hookimpl
def pairsmith_generators() -> Iterator[Component]:
    """Offer answers that are there already."""
    yield Component(
        name="stored",
        factory="pairsmith.builtin.stored:Stored",
        options=StoredOptions,
        inputs="pairsmith.builtin.options:stored_inputs",
        summary="Answers from a JSON or JSON-lines file, joined to samples by id.",
    )


@hookimpl
def pairsmith_decomposers() -> Iterator[Component]:
    """Offer claims that are there already."""
    yield Component(
        name="stored",
        factory="pairsmith.builtin.stored_claims:StoredClaims",
        options=StoredClaimsOptions,
        inputs="pairsmith.builtin.options:stored_inputs",
        summary="Claims from a JSON or JSON-lines file, joined to responses by id.",
    )


@hookimpl
def pairsmith_judges() -> Iterator[Component]:
    """Offer verdicts that are there already."""
    yield Component(
        name="stored",
        factory="pairsmith.builtin.stored_verdicts:StoredVerdicts",
        options=StoredVerdictsOptions,
        inputs="pairsmith.builtin.options:stored_inputs",
        summary="Verdicts from a JSON or JSON-lines file, joined to claims or responses by id.",
    )


@hookimpl
def pairsmith_pair_selectors() -> Iterator[Component]:
    """Offer the selectors that published systems use, and their control."""
    yield Component(
        name="best-worst",
        factory="pairsmith.builtin.best_worst:BestWorst",
        options=BestWorstOptions,
        summary="The best answer against the worst (or a random worse one), one pair a sample.",
    )
    yield Component(
        name="margin",
        factory="pairsmith.builtin.margin:Margin",
        options=MarginOptions,
        summary="All pairs whose scores differ by at least a margin, the largest margins first.",
    )
    yield Component(
        name="random",
        factory="pairsmith.builtin.random_pairs:RandomPairs",
        options=RandomOptions,
        summary="Two answers at random, whatever their scores: the control that tells what the judges are worth.",
    )
    yield Component(
        name="published",
        factory="pairsmith.builtin.published:Published",
        summary="Each answer that came labelled chosen against each labelled rejected.",
    )
    yield Component(
        name="demonstrations",
        factory="pairsmith.builtin.demonstrations:Demonstrations",
        options=DemonstrationsOptions,
        summary="Answers to imitate: those that came with the samples, or the best of those generated.",
    )


@hookimpl
def pairsmith_corruptions() -> Iterator[Component]:
    """Offer the corruptions that need no image library."""
    yield Component(
        name="other-image",
        factory="pairsmith.builtin.borrowed:OtherImage",
        summary="Another sample's image (mDPO's and MCM-DPO's 'random').",
    )
    yield Component(
        name="other-row",
        factory="pairsmith.builtin.borrowed:OtherRow",
        summary="Another sample's context (MCM-DPO).",
    )
    yield Component(
        name="empty",
        factory="pairsmith.builtin.borrowed:Empty",
        summary="No context at all.",
    )

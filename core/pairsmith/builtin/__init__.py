"""The core's own plugin: components that need no model and no library."""

from collections.abc import Iterator

from pairsmith import Component, hookimpl


@hookimpl
def pairsmith_image_sources() -> Iterator[Component]:
    """Offer samples that are there already, and none."""
    yield Component(
        name="stored",
        factory="pairsmith.builtin.stored_samples:StoredSamples",
        options="pairsmith.builtin.stored_options:StoredSamplesOptions",
        inputs="pairsmith.builtin.stored_options:stored_samples_inputs",
        summary="Samples from a JSON or JSON-lines file in pairsmith's own rows, with their images beside it.",
    )
    yield Component(
        name="none",
        factory="pairsmith.builtin.no_samples:NoSamples",
        summary="No samples: of a run that only evaluates a model, as 'pairsmith evaluate --model' makes it.",
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
        options="pairsmith.builtin.stored_options:StoredOptions",
        inputs="pairsmith.builtin.stored_options:stored_inputs",
        summary="Answers from a JSON or JSON-lines file, joined to samples by id.",
    )
    yield Component(
        name="steered",
        factory="pairsmith.builtin.steerlm:Steered",
        options="pairsmith.builtin.options:SteeredOptions",
        summary="Another generator's answers to prompts that ask for fixed attributes (SteerLM's inference).",
    )


@hookimpl
def pairsmith_decomposers() -> Iterator[Component]:
    """Offer claims that are there already."""
    yield Component(
        name="stored",
        factory="pairsmith.builtin.stored_claims:StoredClaims",
        options="pairsmith.builtin.stored_options:StoredClaimsOptions",
        inputs="pairsmith.builtin.stored_options:stored_inputs",
        summary="Claims from a JSON or JSON-lines file, joined to responses by id.",
    )


@hookimpl
def pairsmith_judges() -> Iterator[Component]:
    """Offer verdicts that are there already."""
    yield Component(
        name="stored",
        factory="pairsmith.builtin.stored_verdicts:StoredVerdicts",
        options="pairsmith.builtin.stored_options:StoredVerdictsOptions",
        inputs="pairsmith.builtin.stored_options:stored_inputs",
        summary="Verdicts from a JSON or JSON-lines file, joined to claims or responses by id.",
    )


@hookimpl
def pairsmith_pair_selectors() -> Iterator[Component]:
    """Offer the selectors that published systems use, and their control."""
    yield Component(
        name="best-worst",
        factory="pairsmith.builtin.best_worst:BestWorst",
        options="pairsmith.builtin.options:BestWorstOptions",
        summary="The best answer against the worst (or a random worse one), one pair a sample.",
    )
    yield Component(
        name="margin",
        factory="pairsmith.builtin.margin:Margin",
        options="pairsmith.builtin.options:MarginOptions",
        summary="All pairs whose scores differ by at least a margin, the largest margins first.",
    )
    yield Component(
        name="random",
        factory="pairsmith.builtin.random_pairs:RandomPairs",
        options="pairsmith.builtin.options:RandomOptions",
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
        options="pairsmith.builtin.options:DemonstrationsOptions",
        summary="Answers to imitate: those that came with the samples, or the best of those generated.",
    )
    yield Component(
        name="max-vs-random-below",
        factory="pairsmith.builtin.below:MaxVsRandomBelow",
        options="pairsmith.builtin.options:MaxVsRandomBelowOptions",
        summary="The best answer against a random one at least a gap below it (mllm-dpo).",
    )
    yield Component(
        name="best-only",
        factory="pairsmith.builtin.imitated:BestOnly",
        options="pairsmith.builtin.options:BestOnlyOptions",
        summary="Answers to imitate: those with a perfect score, one a sample (mllm-dpo).",
    )
    yield Component(
        name="rejection-sampling",
        factory="pairsmith.builtin.imitated:RejectionSampling",
        options="pairsmith.builtin.options:RejectionSamplingOptions",
        summary="Answers to imitate: the best of each sample's n.",
    )
    yield Component(
        name="steerlm",
        factory="pairsmith.builtin.steerlm:Steerlm",
        options="pairsmith.builtin.options:SteerlmOptions",
        summary="Answers to imitate: every graded one, to a prompt that asks for the grades it got (SteerLM).",
    )
    yield Component(
        name="subset",
        factory="pairsmith.builtin.shares:Subset",
        options="pairsmith.builtin.options:SubsetOptions",
        summary="A share or a number of another selector's pairs, for studies of how much data is enough.",
    )
    yield Component(
        name="flip",
        factory="pairsmith.builtin.shares:Flip",
        options="pairsmith.builtin.options:FlipOptions",
        summary="Another selector's pairs, a share of them the wrong way round, for studies of noise.",
    )
    yield Component(
        name="length-balance",
        factory="pairsmith.builtin.length_balance:LengthBalance",
        options="pairsmith.builtin.options:LengthBalanceOptions",
        summary="Another selector's pairs, with margins for which both sides are equally long on average.",
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

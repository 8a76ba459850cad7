"""Stock TRL trainers on pairsmith's pairs: DPO with all its loss types, KTO, SFT."""

from collections.abc import Iterable

from pairsmith import Component, hookimpl

_TRAINER = "pairsmith-trl/trl"
_LOSSES = (
    ("trl-dpo", "Dpo", "TRL's DPOTrainer: one of its loss types, or a weighted sum of several."),
    ("trl-kto", "Kto", "TRL's KTOTrainer (arXiv 2402.01306): the chosen answer is desirable, the rejected is not."),
    ("trl-sft", "Sft", "TRL's SFTTrainer: imitates the chosen answer."),
)


@hookimpl
def pairsmith_trainers() -> Iterable[Component]:
    """Offer the trainer."""
    yield Component(
        name="trl",
        factory="pairsmith_trl.trainer:TrlTrainer",
        options="pairsmith_trl.options:TrlOptions",
        summary="Stock TRL, which computes the losses 'trl-dpo', 'trl-kto' and 'trl-sft' in passes of its own.",
        only_with=tuple(f"pairsmith-trl/{name}" for name, _, _ in _LOSSES),
    )


@hookimpl
def pairsmith_losses() -> Iterable[Component]:
    """Offer the losses."""
    for name, kind, summary in _LOSSES:
        yield Component(
            name=name,
            factory=f"pairsmith_trl.losses:{kind}",
            options=f"pairsmith_trl.loss_options:{kind}Options",
            summary=summary,
            only_with=(_TRAINER,),
        )

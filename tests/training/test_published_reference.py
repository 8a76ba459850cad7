"""Reference log-probabilities that came with the answers stand in for computed ones, where they are the model's own."""

from pathlib import Path
from typing import Any

import pytest
import torch
from attrs import evolve

from jobs import SHORT, answers, loaded, make_family, make_items, make_job
from pairsmith import published
from pairsmith.errors import StageError
from pairsmith.interfaces import Job
from pairsmith.reference import ReferenceOptions
from pairsmith.testing import make_run
from pairsmith.values import Cell, Item
from pairsmith_losses.dpo import Dpo
from pairsmith_losses.image_options import MdpoOptions
from pairsmith_losses.mdpo import Mdpo
from pairsmith_losses.options import DpoOptions
from pairsmith_train.guards import sums_suffice
from pairsmith_train.options import LoraOptions, TreeOptions
from pairsmith_train.trainer import TreeTrainer

TOKENS, SUMS = ReferenceOptions(parameter="per_token_logp"), ReferenceOptions(parameter="logp", check=3)


@pytest.fixture
def trainer(tmp_path: Path) -> TreeTrainer:
    return TreeTrainer(TreeOptions(**{**SHORT, "lora": LoraOptions(r=2)}), make_run(tmp_path / "run"))


@pytest.fixture
def job(tmp_path: Path, trainer: TreeTrainer) -> Job:
    """A job whose answers came with the numbers of this very model."""
    job = make_job(tmp_path / "stage", make_family(tmp_path / "run"), make_items(tmp_path / "images"))
    found = trainer.reference(job, job.items)
    items = [
        given(item, {cell: row[str(cell)] for cell in job.loss.cells})
        for item, row in zip(job.items, found, strict=True)
    ]
    return evolve(job, items=items)


def given(item: Item, numbers: dict[Cell, list[float]]) -> Item:
    chosen, rejected = (
        evolve(
            item.value.response(cell.response),
            parameters={"per_token_logp": tokens, "logp": sum(tokens), "avg_logp": sum(tokens) / len(tokens)},
        )
        for cell, tokens in numbers.items()
    )
    return evolve(item, value=evolve(item.value, chosen=chosen, rejected=rejected))


def changed(item: Item, **parameters: Any) -> Item:
    answer = item.value.chosen
    more = {**answer.parameters, **parameters}
    return evolve(item, value=evolve(item.value, chosen=evolve(answer, parameters=more)))


@pytest.mark.parametrize("options", [TOKENS, SUMS], ids=["tokens", "sums"])
def test_training_on_what_was_published_is_training_on_what_is_computed(
    job: Job, trainer: TreeTrainer, options: ReferenceOptions
) -> None:
    read = published.reader(trainer, job, options)
    reference = [{name: list(values) for name, values in row.items()} for row in read(job.items)]
    one = trainer.train(evolve(job, reference=reference, published=True))
    other_job = evolve(job, output=job.output.with_name("other"), metrics=job.metrics.with_name("other.jsonl"))
    other = trainer.train(evolve(other_job, reference=trainer.reference(job, job.items)))
    ours, theirs = (answers(job.family, loaded(job.family, made), job.items) for made in (one, other))
    assert torch.allclose(ours, theirs, atol=1e-4)


@pytest.mark.parametrize(("parameters", "options", "said"), [
    ({"logp": -3.0}, SUMS, r"'p\d', its chosen answer: published -3.000, computed -\d+.* a token apart, and reference.tolerance is"),
    ({"per_token_logp": [-9.0] * 40}, TOKENS, r"answer 's\d/0' of 'p\d' has 40 numbers in 'per_token_logp' and is \d+ tokens long"),
    ({"logp": None}, SUMS, "has no log-probability in its parameter 'logp': None"),
    ({"logp": 2.0}, SUMS, "has no log-probability in its parameter 'logp': 2.0"),
    ({"logp": float("nan")}, SUMS, "has no log-probability in its parameter 'logp': nan"),
])  # fmt: skip
def test_what_is_not_the_models_own_is_one_sentence(
    job: Job, trainer: TreeTrainer, parameters: dict[str, Any], options: ReferenceOptions, said: str
) -> None:
    wrong = evolve(job, items=[changed(item, **parameters) for item in job.items])
    with pytest.raises(StageError, match=said):
        published.reader(trainer, wrong, options)(wrong.items)


def test_tokens_in_another_order_are_not_the_models_own_though_their_sum_is(job: Job, trainer: TreeTrainer) -> None:
    turned = [changed(item, per_token_logp=item.value.chosen.parameters["per_token_logp"][::-1]) for item in job.items]
    published.reader(trainer, evolve(job, items=turned), SUMS)
    with pytest.raises(StageError, match="a token apart"):
        published.reader(trainer, evolve(job, items=turned), TOKENS)


class First(Dpo):
    """Weighs the first token twice."""

    def __call__(self, policy, reference):
        terms = super().__call__(policy, reference)
        first = [table[cell].tokens[:, 0] for table in (policy, reference) for cell in self.cells]
        return evolve(terms, loss=terms.loss + first[0] - first[2])


def test_sums_are_for_losses_that_read_sums(job: Job, trainer: TreeTrainer) -> None:
    assert sums_suffice(Dpo(DpoOptions(), job.run))
    token_wise = First(DpoOptions(), job.run)
    assert not sums_suffice(token_wise)
    with pytest.raises(StageError, match=r"reference.parameter = 'logp' holds the sum .* leave out the table"):
        published.reader(trainer, evolve(job, loss=token_wise), SUMS)


def test_a_loss_of_corrupted_images_is_not_published() -> None:
    with pytest.raises(StageError, match=r"the loss 'mdpo' reads 'chosen\|image=corrupted"):
        published.check_cells(Mdpo(MdpoOptions(), None), "mdpo")

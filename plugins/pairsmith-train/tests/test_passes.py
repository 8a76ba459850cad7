"""How a step is divided into passes, and which losses allow it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pairsmith.errors import StageError
from pairsmith.interfaces import LossTerms
from pairsmith.values import Cell
from pairsmith_train.options import TreeOptions
from pairsmith_train.passes import check_separable, divide

CHOSEN, REJECTED = Cell("chosen"), Cell("rejected")


@given(st.lists(st.integers(1, 900), min_size=1, max_size=40), st.integers(64, 1000))
@settings(max_examples=200, deadline=None)
def test_every_tree_is_in_one_pass_and_passes_keep_the_budget(lengths: list[int], budget: int) -> None:
    groups = divide(lengths, budget)
    assert sorted(index for group in groups for index in group) == list(range(len(lengths)))
    sizes = [sum(lengths[index] for index in group) for group in groups]
    assert all(size <= budget or len(group) == 1 for size, group in zip(sizes, groups, strict=True))
    small = [size for size in sizes if size <= budget / 2]
    assert len(small) <= 1, "two passes that are half empty would be one"


class EachByItself:
    cells = (CHOSEN, REJECTED)
    uses_reference = True

    def __call__(self, policy, reference):
        return LossTerms(sum(policy[cell].sum - 2 * reference[cell].sum for cell in self.cells), {})


class OverTokens(EachByItself):
    def __call__(self, policy, reference):
        mask = policy[CHOSEN].mask
        return LossTerms(policy[CHOSEN].sum * len(mask) / mask.sum(), {})


def test_a_loss_that_averages_over_the_batch_is_refused() -> None:
    check_separable(EachByItself())
    with pytest.raises(StageError, match=r"train\.pack_tokens divides the pairs of a step by their length"):
        check_separable(OverTokens())


def test_a_step_is_divided_by_tokens_or_by_pairs() -> None:
    options = TreeOptions(batch_size=24, pack_tokens=4096, parallel="ddp", processes=2)
    assert (options.micro, options.accumulated) == (12, 1), "the packer gets all pairs of a process's step"
    with pytest.raises(ValueError, match="pack_tokens = 4096 divides a step by tokens, micro_batch_size = 2 by pairs"):
        TreeOptions(pack_tokens=4096, micro_batch_size=2)

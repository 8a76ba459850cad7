"""Attention branch by branch: the numbers and gradients of dense masks, nothing computed in vain, nothing kept of masks."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from pairsmith.interfaces import TreeBatch
from pairsmith.testing import make_run
from pairsmith_hf import attention, branches
from pairsmith_hf.options import RandomLlavaOptions
from pairsmith_hf.random_llava import RandomLlavaFamily
from pairsmith_train.tree import preorder


def lasts(rows: Sequence[Sequence[int]]) -> Tensor:
    """Return of trees with these parents the last token below each, padded, ``[B, L]``."""
    longest = max(map(len, rows))
    last = torch.arange(longest).repeat(len(rows), 1)
    for row, parents in enumerate(rows):
        place, ends = preorder(parents)
        last[row, place] = torch.from_numpy(ends)
    return last


@st.composite
def forests(draw: st.DrawFn) -> Tensor:
    """Packed trees, forks at every depth, long branches among them, roots of one token, and padding."""
    rows = []
    for _ in range(draw(st.integers(1, 2))):
        parents: list[int] = []
        for _ in range(draw(st.integers(1, 8))):
            parent = draw(st.integers(-1, len(parents) - 1))
            for _ in range(draw(st.sampled_from([1, 1, 3, 20]))):
                parents.append(parent)
                parent = len(parents) - 1
        rows.append(parents)
    return lasts(rows)


def both(last: Tensor, heads: int, of_keys: int, dtype: torch.dtype) -> tuple[list[Tensor], list[Tensor]]:
    """Return the attention over random values and its gradients, by branch and by a dense mask."""
    dice = torch.Generator().manual_seed(0)
    size, length = last.shape
    query, key, value = (
        torch.randn(size, length, count, 4, generator=dice).to(dtype).transpose(1, 2).requires_grad_()
        for count in (heads, of_keys, of_keys)
    )
    place = torch.arange(length)
    sees = (place <= place[:, None]) & (place[:, None] <= last[:, None])
    weights = torch.randn(size, heads, length, 4, generator=dice).to(dtype)
    keys, values = (one.repeat_interleave(heads // of_keys, dim=1) for one in (key, value))
    found = []
    for out in (
        branches.attention(query, key, value, branches.mask(last), 0.3),
        scaled_dot_product_attention(query, keys, values, attn_mask=sees[:, None], scale=0.3),
    ):
        found.append([out.detach(), *torch.autograd.grad(out, (query, key, value), weights)])
    return found[0], found[1]


@settings(max_examples=40, deadline=None)
@given(last=forests(), of_keys=st.sampled_from([1, 4]))
def test_numbers_and_gradients_are_those_of_a_dense_mask(last: Tensor, of_keys: int) -> None:
    branch, dense = both(last, 4, of_keys, torch.float64)
    assert max(float((a - b).abs().max()) for a, b in zip(branch, dense, strict=True)) < 1e-12


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_long_branch_below_another_is_computed_in_pieces(dtype: torch.dtype) -> None:
    """Two images behind a few words, with two answers each, as MCM-DPO's trees are."""
    parents = list(range(-1, 4))
    for _ in range(2):
        begin = len(parents)
        parents += [4, *range(begin, begin + 299)]
        for _ in range(2):
            parents += [begin + 299, *range(len(parents), len(parents) + 29)]
    last = lasts([parents])
    assert max(len(list(one.pieces())) for one in branches.branches(last)) == 3
    branch, dense = both(last, 2, 2, dtype)
    close = 1e-5 if dtype == torch.float32 else 0.1
    assert max(float((a - b).abs().max()) for a, b in zip(branch, dense, strict=True)) < close
    causal, _ = both(torch.full_like(last, len(parents) - 1), 2, 2, dtype)
    assert float((causal[0] - branch[0]).abs().max()) > 0.1, "the control agrees"


@settings(max_examples=40, deadline=None)
@given(last=forests())
def test_a_branch_holds_its_path_and_nothing_else(last: Tensor) -> None:
    covered: list[tuple[int, int]] = []
    for branch in branches.branches(last):
        row = branch.row.start
        covered += [(row, token) for token in range(branch.start, branch.stop)]
        for token in range(branch.start, branch.stop):
            path = {key for part in branch.path for key in range(part.start, part.stop) if key <= token}
            sees = {key for key in range(token + 1) if int(last[row, key]) >= token}
            assert sees == ({token} if branch.alone else path)
    assert sorted(covered) == [(row, token) for row in range(last.shape[0]) for token in range(last.shape[1])]


def test_nothing_but_its_inputs_and_its_result_is_kept() -> None:
    """Of keys that answers share, no copy; of masks, none."""
    last = lasts([[*range(-1, 199), 199, *range(200, 249), 199, *range(250, 299)]])
    query, key, value = (torch.randn(1, 2, 300, 8, requires_grad=True) for _ in range(3))
    kept: list[int] = []

    def keep(one: Tensor) -> Tensor:
        kept.append(one.numel())
        return one

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda one: one):
        branches.attention(query, key, value, branches.mask(last))
    assert sum(kept) == 4 * query.numel() + 2 * 300


def test_autocast_says_in_which_type_it_is_computed() -> None:
    values = torch.randn(1, 2, 9, 8)
    with torch.autocast("cpu", torch.bfloat16):
        found = branches.attention(values, values, values, branches.mask(torch.full((1, 9), 8)))
    assert found.dtype == torch.bfloat16


class TestWhoIsReadSo:
    @pytest.fixture(autouse=True)
    def small(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(branches, "FROM", 5)

    def masks(self, tmp_path: Path, asked: str = "auto", **config: object) -> Tensor:
        options = RandomLlavaOptions(image_size=32, patch_size=8, vocabulary=400, attention=asked)
        family = RandomLlavaFamily(options, make_run(tmp_path / "run"))
        decoder = family.load(family.weights, device="cpu", dtype="float32").model.language_model
        for name, value in config.items():
            setattr(decoder.config, name, value)
        last = torch.tensor([[4, 4, 3, 3, 4]])
        batch = TreeBatch(tokens=last, positions=last[None], last=last, features=torch.full_like(last, -1), images={})
        found: Tensor = family.masks(batch, decoder.train(), torch.float32)
        assert (decoder.config._attn_implementation == attention.NAME) == (found.dtype == torch.long) or config
        return found

    def test_a_plain_decoder(self, tmp_path: Path) -> None:
        assert self.masks(tmp_path).tolist() == [[[[4, 4, 3, 3, 4]]]]

    def test_not_a_small_tree(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(branches, "FROM", 6)
        assert self.masks(tmp_path).shape == (1, 1, 5, 5)

    def test_a_window_that_no_path_reaches(self, tmp_path: Path) -> None:
        assert self.masks(tmp_path, sliding_window=4).dtype == torch.long
        assert self.masks(tmp_path, sliding_window=3).shape == (1, 1, 5, 5), "dense: the longest path has four"

    @pytest.mark.parametrize("config", [{"attention_dropout": 0.1}, {"attn_logit_softcapping": 50.0}])
    def test_not_attention_of_its_own(self, tmp_path: Path, config: dict[str, float]) -> None:
        assert self.masks(tmp_path, **config).shape == (1, 1, 5, 5)

    def test_not_where_a_dense_mask_is_asked_for(self, tmp_path: Path) -> None:
        assert self.masks(tmp_path, "sdpa").shape == (1, 1, 5, 5)

    def test_not_where_torch_has_not_what_it_needs(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(branches, "THERE", False)
        assert self.masks(tmp_path).shape == (1, 1, 5, 5)

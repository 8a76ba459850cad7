"""The trie, without a model: its paths are the cells, and who sees whom is who stands before whom."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pairsmith_train.tree import Sequenced, grow


def cell(prompt: list[int], response: list[int], image: str | None = None, size: int = 0) -> Sequenced:
    tokens = [0] * size + prompt + response
    return Sequenced(
        tokens=tokens,
        owners=[image] * size + [None] * (len(prompt) + len(response)),
        slots=[*range(size), *([-1] * (len(prompt) + len(response)))],
        positions=np.arange(len(tokens))[None],
        response=len(response),
    )


tokens = st.lists(st.integers(1, 3), min_size=1, max_size=6)
cells = st.lists(
    st.builds(lambda p, r, i: cell(p, r, i, 3), tokens, tokens, st.sampled_from(["a", "b"])), min_size=1, max_size=6
)


def path(tree, node: int) -> list[int]:
    nodes = []
    while node >= 0:
        nodes.append(node)
        node = int(tree.parents[node])
    return nodes[::-1]


@given(cells)
@settings(max_examples=200, deadline=None)
def test_every_cell_is_a_path(made: list[Sequenced]) -> None:
    tree = grow(made)
    for one, label in zip(made, tree.labels, strict=True):
        before = path(tree, int(label.nodes[-1]))
        assert [int(tree.tokens[node]) for node in before] == list(one.tokens[:-1])
        assert [tree.owners[node] for node in before] == list(one.owners[:-1])
        assert label.targets.tolist() == list(one.tokens[len(one.tokens) - one.response :])
        assert tree.positions[0, before].tolist() == list(range(len(before)))


@given(cells)
@settings(max_examples=100, deadline=None)
def test_a_token_sees_itself_and_what_is_before_it_on_its_path(made: list[Sequenced]) -> None:
    tree = grow(made)
    for node in range(len(tree)):
        before = np.arange(node + 1)
        assert before[tree.last[: node + 1] >= node].tolist() == path(tree, node)


@given(cells)
@settings(max_examples=100, deadline=None)
def test_nothing_is_stored_twice(made: list[Sequenced]) -> None:
    tree = grow(made)
    prefixes = {
        tuple(zip(one.tokens[:n], one.owners[:n], one.slots[:n], strict=True))
        for one in made
        for n in range(1, len(one.tokens) + 1)
    }
    assert len(tree) == len(prefixes)


def test_the_eight_cells_of_mcm_dpo_share_two_images_and_four_contexts() -> None:
    contexts, answers = [[5] * 4, [6] * 4], [[7, 8, 9], [8, 8, 9]]
    made = [cell(c, a, image, 10) for image in "ab" for c in contexts for a in answers]
    assert len(grow(made)) == 2 * 10 + 4 * 4 + 8 * 3


def test_answers_that_begin_alike_are_read_once_as_far_as_they_do() -> None:
    tree = grow([cell([1], [2, 3, 4]), cell([1], [2, 3, 5])])
    assert len(tree) == 5
    assert tree.labels[0].nodes[-1] == tree.labels[1].nodes[-1]

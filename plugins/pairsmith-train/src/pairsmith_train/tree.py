"""All the cells of a pair as one tree of tokens.

A cell is a sequence: a prompt, whose image tokens are told apart by the image they belong to, and a response. Two
sequences that begin alike have the same hidden states as far as they do, because attention looks back only. So the
sequences of a pair are merged into a trie: what they share is stored, and computed, once. Images come first in a prompt,
so an image is read once however many cells show it; the context after it once per image; and where chosen and rejected
begin with the same words, those once as well.

A token of the tree may attend to itself and to what is before it on its own path (the tree mask), and its position is
its place on that path. Then every log-probability is what a pass of its own would give.
"""

from collections.abc import Hashable, Sequence

import numpy as np
from attrs import define, field, frozen
from numpy.typing import NDArray

TEXT = -1


@frozen(kw_only=True)
class Sequenced:
    """One cell as a sequence of T tokens, of which the last R are the response.

    ``owners`` ``[T]`` names the image an image token belongs to and is ``None`` for text; ``slots`` ``[T]`` is its place
    in that image; ``positions`` ``[axes, T]`` are the model's positions along this sequence. ``prompted`` are places in the
    prompt whose tokens are labelled as well, before the response's.
    """

    tokens: Sequence[int]
    owners: Sequence[Hashable | None]
    slots: Sequence[int]
    positions: NDArray[np.int64]
    response: int
    prompted: Sequence[int] = ()


@frozen(kw_only=True)
class Label:
    """The learnt tokens of one cell: token ``targets[k]`` is predicted at node ``nodes[k]``, ``[R]`` each."""

    nodes: NDArray[np.int64]
    targets: NDArray[np.int64]


@frozen(kw_only=True)
class Tree:
    """N tokens in preorder: each stands right behind its parent, or behind all that follows an earlier child of it.

    ``tokens``, ``parents`` (-1 for a root), ``last`` (the last token with this one on its path) and ``slots`` (-1 for
    text) are ``[N]``; ``owners`` names the image of each image token; ``positions`` is ``[axes, N]``; ``labels`` has one
    entry per cell, in their order. So a token may attend to the ``k``-th if it is none before it and none after
    ``last[k]``: two numbers a token say who sees whom.
    """

    tokens: NDArray[np.int64]
    parents: NDArray[np.int64]
    last: NDArray[np.int64]
    owners: Sequence[Hashable | None]
    slots: NDArray[np.int64]
    positions: NDArray[np.int64]
    labels: Sequence[Label]

    def __len__(self) -> int:
        """Return the number of tokens."""
        return len(self.tokens)


@define
class _Trie:
    children: dict[tuple[int, Hashable], int] = field(factory=dict)
    tokens: list[int] = field(factory=list)
    parents: list[int] = field(factory=list)
    owners: list[Hashable | None] = field(factory=list)
    slots: list[int] = field(factory=list)
    positions: list[NDArray[np.int64]] = field(factory=list)

    def path(self, sequence: Sequenced) -> list[int]:
        """Add what is new of a sequence and return the node of each of its tokens."""
        node, nodes = -1, []
        positions = sequence.positions.T
        for k, token in enumerate(sequence.tokens):
            owner, slot = sequence.owners[k], sequence.slots[k]
            # A position that differs (as M-RoPE's may after images of other sizes) is another token.
            key = (node, (token, owner, slot, positions[k].tobytes()))
            found = self.children.get(key)
            if found is None:
                found = self.children[key] = len(self.tokens)
                self.tokens.append(token)
                self.parents.append(node)
                self.owners.append(owner)
                self.slots.append(slot)
                self.positions.append(positions[k])
            node = found
            nodes.append(node)
        return nodes


def grow(cells: Sequence[Sequenced]) -> Tree:
    """Merge the cells of a pair into one tree.

    >>> def cell(prompt, answer):
    ...     tokens = [*prompt, *answer]
    ...     nothing = [None] * len(tokens)
    ...     places = np.arange(len(tokens))[None]
    ...     return Sequenced(tokens=tokens, owners=nothing, slots=[-1] * len(tokens), positions=places, response=len(answer))
    >>> tree = grow([cell([1, 2], [7, 8]), cell([1, 2], [7, 9, 5])])
    >>> tree.tokens.tolist(), tree.parents.tolist(), tree.positions.tolist()
    ([1, 2, 7, 8, 9, 5], [-1, 0, 1, 2, 2, 4], [[0, 1, 2, 3, 3, 4]])
    >>> tree.labels[1].nodes.tolist(), tree.labels[1].targets.tolist()
    ([1, 2, 4], [7, 9, 5])
    """
    trie = _Trie()
    paths = [trie.path(cell) for cell in cells]
    place, last = preorder(trie.parents)
    order = np.argsort(place)
    parents = np.array(trie.parents, dtype=np.int64)[order]
    labels = []
    for cell, nodes in zip(cells, paths, strict=True):
        learnt = [*cell.prompted, *range(len(nodes) - cell.response, len(nodes))]
        labels.append(
            Label(
                nodes=place[[nodes[token - 1] for token in learnt]],
                targets=np.array([cell.tokens[token] for token in learnt], dtype=np.int64),
            )
        )
    return Tree(
        tokens=np.array(trie.tokens, dtype=np.int64)[order],
        parents=np.where(parents < 0, -1, place[parents]),
        last=last[order],
        owners=[trie.owners[node] for node in order],
        slots=np.array(trie.slots, dtype=np.int64)[order],
        positions=np.stack(trie.positions, axis=1).astype(np.int64)[:, order],
        labels=labels,
    )


def preorder(parents: Sequence[int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the place of each node in preorder, and the place of the last node below it; children keep their order.

    Args:
        parents: of each node the number of its parent, a smaller one, or -1.

    >>> place, last = preorder([-1, 0, 0, 1])
    >>> place.tolist(), last.tolist()
    ([0, 1, 3, 2], [3, 2, 3, 2])
    """
    size = [1] * len(parents)
    for node in range(len(parents) - 1, -1, -1):
        if parents[node] >= 0:
            size[parents[node]] += size[node]
    free, place = {-1: 0}, []
    for node, parent in enumerate(parents):
        place.append(free[parent])
        free[node] = free[parent] + 1
        free[parent] += size[node]
    found = np.array(place, dtype=np.int64)
    return found, found + np.array(size, dtype=np.int64) - 1

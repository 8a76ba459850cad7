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
    """N tokens, each after its parent.

    ``tokens``, ``parents`` (-1 for a root) and ``slots`` (-1 for text) are ``[N]``; ``owners`` names the image of each
    image token; ``positions`` is ``[axes, N]``; ``labels`` has one entry per cell, in their order.
    """

    tokens: NDArray[np.int64]
    parents: NDArray[np.int64]
    owners: Sequence[Hashable | None]
    slots: NDArray[np.int64]
    positions: NDArray[np.int64]
    labels: Sequence[Label]

    def __len__(self) -> int:
        """Return the number of tokens."""
        return len(self.tokens)

    def sees(self) -> NDArray[np.bool_]:
        """Return ``[N, N]``: whether the row's token may attend to the column's, its ancestor or itself."""
        sees = np.eye(len(self), dtype=np.bool_)
        for node, parent in enumerate(self.parents):  # a parent always stands before its children
            if parent >= 0:
                sees[node] |= sees[parent]
        return sees


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
    labels = []
    for cell in cells:
        nodes = trie.path(cell)
        places = [*cell.prompted, *range(len(nodes) - cell.response, len(nodes))]
        labels.append(
            Label(
                nodes=np.array([nodes[place - 1] for place in places], dtype=np.int64),
                targets=np.array([cell.tokens[place] for place in places], dtype=np.int64),
            )
        )
    return Tree(
        tokens=np.array(trie.tokens, dtype=np.int64),
        parents=np.array(trie.parents, dtype=np.int64),
        owners=trie.owners,
        slots=np.array(trie.slots, dtype=np.int64),
        positions=np.stack(trie.positions, axis=1).astype(np.int64),
        labels=labels,
    )

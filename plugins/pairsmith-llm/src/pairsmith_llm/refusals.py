"""Tells a server that refuses one question from a server that refuses all of them."""

import re
from collections import defaultdict

from attrs import define, field

_VARIES = re.compile(r"\S*\d\S*")
"""A number, an id of a request: what differs between refusals for one and the same reason."""


@define
class Refusals:
    """What was refused before anything was answered.

    Equal words for ``same`` questions, or any words for ``most``, are no matter of the questions. The same question in
    several draws counts once. Once anything has been answered every refusal is its question's own.
    """

    same: int
    most: int
    answered: bool = False
    _questions: dict[str, set[str]] = field(init=False, factory=lambda: defaultdict(set))

    def evident(self, question: str, words: str) -> int:
        """Return how many questions were refused once it is evident that the reason is not theirs, 0 until then.

        >>> refusals = Refusals(same=2, most=20)
        >>> [refusals.evident(name, f"no model 'm', request {name}") for name in ("q1", "q1", "q2")]
        [0, 0, 2]
        """
        if self.answered or not self.same:
            return 0
        self._questions[_VARIES.sub("#", words)].add(question)
        alike = len(self._questions[_VARIES.sub("#", words)])
        every = len(set().union(*self._questions.values()))
        return alike if alike >= self.same else every if every >= self.most else 0

"""Looks at a plain value as a whole before anything walks through it: depth, cycles, parts that repeat."""

from typing import Any

DEEPEST = 100
"""Containers within containers; data has a few, and everything that walks through it recurses."""

_CONTAINERS = (dict, list, tuple, set, frozenset)


def check_shape(value: Any, limit: int, deepest: int = DEEPEST) -> None:  # noqa: ANN401 - any plain value
    """Refuse a value that is too deep, holds itself, or is larger than ``limit`` parts once repetitions are written out.

    A structure whose parts are shared can be small in memory and endless to walk through: ten lists of ten times the same
    list, and so on. Each distinct container is looked at once.

    Raises :class:`ValueError`; the message follows the place.

    >>> check_shape([1, ["a"]], limit=10)
    >>> laughs = ["ha"]
    >>> for _ in range(30):
    ...     laughs = [laughs, laughs]
    >>> check_shape(laughs, limit=1_000_000)
    Traceback (most recent call last):
    ValueError: is refused: it repeats its parts, and would have over 1,000,000 of them if it were written out
    """
    sizes: dict[int, tuple[int, int]] = {}  # of each finished container: how many parts, how deep
    begun: set[int] = set()
    waiting: list[tuple[Any, bool]] = [(value, False)] if isinstance(value, _CONTAINERS) else []
    while waiting:
        one, done = waiting.pop()
        name = id(one)
        if name in sizes:
            continue
        if name in begun and not done:
            msg = "is refused: it holds itself"
            raise ValueError(msg)
        inside = [part for part in _parts(one) if isinstance(part, _CONTAINERS)]
        if not done:
            begun.add(name)
            waiting.append((one, True))
            waiting.extend((part, False) for part in inside if id(part) not in sizes)
            continue
        begun.discard(name)
        sizes[name] = size, depth = _measured(one, [sizes[id(part)] for part in inside])
        if size > limit:
            msg = f"is refused: it repeats its parts, and would have over {limit:,} of them if it were written out"
            raise ValueError(msg)
        if depth > deepest:
            msg = f"is refused: it is nested over {deepest} deep"
            raise ValueError(msg)


def _measured(one: Any, inside: list[tuple[int, int]]) -> tuple[int, int]:  # noqa: ANN401
    texts = sum(len(part) // 4 for part in _parts(one) if isinstance(part, str | bytes))
    size = 1 + len(one) + texts + sum(size for size, _ in inside)
    return size, 1 + max((depth for _, depth in inside), default=0)


def _parts(one: Any) -> list[Any]:  # noqa: ANN401
    return [*one.keys(), *one.values()] if isinstance(one, dict) else list(one)

"""Seeds that depend on what they are for, and on nothing else.

A part of work has a seed of its own, so it comes out the same whether it is made first, last or a second time.
"""

from hashlib import sha256

_BITS = 63  # fits a signed 64-bit integer, which is what torch and numpy take


def derive(*parts: str | int) -> int:
    """Return a seed for what ``parts`` name, in ``[0, 2**63)``.

    >>> derive(0, "responses", 3) == derive(0, "responses", 3) != derive(0, "responses", 4)
    True
    """
    return int.from_bytes(sha256(repr(parts).encode()).digest()[:8], "big") >> (64 - _BITS)

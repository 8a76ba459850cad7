"""Which paths a file may name."""

import re

_LEAVES = re.compile(r"^[/\\]|^[A-Za-z]:|(^|[/\\])\.\.([/\\]|$)")
"""Absolute on any system, or up a folder."""


def leaves(name: str) -> bool:
    """Tell whether a path in a row or in an archive would leave its folder.

    >>> leaves("images/a.jpg"), leaves("../a.jpg"), leaves("C:/a.jpg")
    (False, True, True)
    """
    return bool(_LEAVES.search(name)) or "\0" in name

"""Keeps a text inside the tags that a prompt puts around it.

Pure functions, public for plugins. A judge is told where an answer begins and ends by tags; an answer that wrote them
itself could end its own frame and go on as if somebody else spoke.
"""

import re
from collections.abc import Collection

_CLOSING = re.compile(r"</([A-Za-z][\w-]*)>")
_OPENS = "<\uff1c\ufe64\u2039\u3008\u27e8"
"""The less-than sign, and the signs that a model may take for it."""


def tags(instructions: str) -> frozenset[str]:
    """Return the names of the tags that some instructions close.

    >>> tags("The answer stands between <answer> and </answer>. Say <b> or nothing.")
    frozenset({'answer'})
    """
    return frozenset(_CLOSING.findall(instructions))


def escape_tags(text: str, names: Collection[str]) -> str:
    """Return a text in which no tag with one of these names opens or closes: its first sign is ``&lt;``.

    Capitals, attributes, blanks and invisible characters before the name make no difference. Whatever else has pointed
    brackets stays as it is.

    >>> escape_tags('2 < 3 <b>so</b> </answer> < / ANSWER > <answer id="1">', ["answer"])
    '2 < 3 <b>so</b> &lt;/answer> &lt; / ANSWER > &lt;answer id="1">'
    """
    if not names:
        return text
    known = "|".join(map(re.escape, sorted(names)))
    return re.sub(rf"[{_OPENS}](?=[^\w{_OPENS}>]*(?:{known})(?![\w-]))", "&lt;", text, flags=re.IGNORECASE)

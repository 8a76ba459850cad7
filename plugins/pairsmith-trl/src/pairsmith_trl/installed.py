"""What the installed TRL is and knows. Asked, not remembered: its losses grow from version to version."""

import re
from dataclasses import fields
from difflib import get_close_matches
from importlib import metadata
from typing import Any

from packaging.requirements import Requirement

from pairsmith.errors import StageError

PLUGIN = "pairsmith-trl"
_NAMED = re.compile(r"`'(\w+)'`")


def check(config: str, options: Any) -> None:  # noqa: ANN401 - the options of any of the losses
    """Raise where the installed TRL is not one that this plugin knows, or does not know what a loss asks of it.

    Args:
        config: the name of TRL's configuration class.
        options: the options of a loss, with its ``types`` and what is ``given`` to that class.
    """
    version()
    import trl

    known = {one.name: one for one in fields(getattr(trl, config))}
    strange = [name for name in options.given() if name not in known]
    if strange:
        msg = f"TRL {metadata.version('trl')} has no {config}.{strange[0]}; install another TRL: pip install 'trl{_range()}'"
        raise StageError(msg)
    there = loss_types(known["loss_type"].metadata)
    for name in options.types:
        if there and name not in there:
            close = get_close_matches(name, there, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"it knows {', '.join(there)}"
            msg = f"loss_type: TRL {metadata.version('trl')} has no loss {name!r}; {hint}"
            raise StageError(msg)


def version() -> None:
    """Raise where the installed TRL is outside the range that this plugin's dependencies declare."""
    found, declared = metadata.version("trl"), _range()
    if not Requirement(f"trl{declared}").specifier.contains(found, prereleases=True):
        msg = f"{PLUGIN} was made for trl{declared} and trl {found} is installed; pip install 'trl{declared}'"
        raise StageError(msg)


def loss_types(described: Any) -> tuple[str, ...]:  # noqa: ANN401 - a mapping, as dataclasses keep it
    """Return the loss types that a field of TRL's configuration says there are; none where it does not say.

    >>> loss_types({"help": "Possible values are: `'a'`, `'b'`."}), loss_types({"choices": ["c"]}), loss_types({})
    (('a', 'b'), ('c',), ())
    """
    return tuple(described.get("choices") or _NAMED.findall(described.get("help", "")))


def _range() -> str:
    wanted = [Requirement(line) for line in metadata.requires(PLUGIN) or ()]
    return str(next(one.specifier for one in wanted if one.name == "trl"))

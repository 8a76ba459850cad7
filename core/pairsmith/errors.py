"""Errors a user can cause. Each message says what is wrong, where, and what to do about it.

The command line prints the message and nothing else: exit code 2 for a :class:`UsageError` (nothing was started),
1 for any other :class:`PairsmithError` (a run stopped; what it had finished is kept).
"""


class PairsmithError(Exception):
    """Base of every error that ends a command without a traceback."""


class UsageError(PairsmithError):
    """What was asked for cannot be started: a wrong recipe, option, name or path."""


class RecipeError(UsageError):
    """A recipe cannot be read, lacks a table or has one too many."""


class OptionsError(UsageError):
    """A table of a recipe does not fit its component's options."""


class ComponentNotFoundError(UsageError):
    """No installed plugin offers the name that a recipe uses, or several do."""


class PluginError(UsageError):
    """A plugin failed to load and ``PAIRSMITH_STRICT_PLUGINS`` is set, or an offer of it is malformed."""


class RunDirectoryError(UsageError):
    """A directory is not a run, or it is the run of another recipe."""


class StageError(PairsmithError):
    """A stage could not go on. Parts that were finished stay and are reused by the next attempt."""


def in_short(error: BaseException) -> str:
    """Return the first line of what an error says.

    >>> in_short(ValueError("'r' must be >= 1: 0", "what attrs adds for programs"))
    "'r' must be >= 1: 0"
    """
    text = error.args[0] if len(error.args) > 1 and isinstance(error.args[0], str) else str(error)
    return (text.strip().splitlines() or ["no message"])[0]

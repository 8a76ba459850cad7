"""The command line. Each command is a module; none is imported before it is asked for, so that ``--help`` is fast."""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from keyword import iskeyword

from pairsmith import __version__
from pairsmith.errors import PairsmithError, UsageError, in_short

COMMANDS = (
    *("run", "status", "report", "evaluate", "judge_report"),
    *("check", "plugins", "recipes", "copy", "import", "export"),
)


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands. Their modules import nothing heavy before they are executed."""
    top = argparse.ArgumentParser(
        prog="pairsmith", description="Preference data for vision-language models, and training on it."
    )
    top.add_argument("--version", action="version", version=f"pairsmith {__version__}")
    subparsers = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name in COMMANDS:
        import_module(f"pairsmith.cli.{name}_" if iskeyword(name) else f"pairsmith.cli.{name}").add(subparsers)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command: 0 where it went well, 2 where it could not be started, 1 where a run stopped."""
    parsed = parser().parse_args(arguments)
    try:
        code: int = parsed.execute(parsed)
        sys.stdout.flush()
    except PairsmithError as error:
        if os.environ.get("PAIRSMITH_DEBUG"):
            raise
        print(f"pairsmith: {error}", file=sys.stderr)
        return 2 if isinstance(error, UsageError) else 1
    except KeyboardInterrupt:
        print("pairsmith: stopped; the same command goes on from here", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader, e.g. `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if os.environ.get("PAIRSMITH_DEBUG"):
            raise
        said = f"internal error: {type(error).__name__}: {in_short(error)}; PAIRSMITH_DEBUG=1 shows where, please report it"
        print(f"pairsmith: {said}", file=sys.stderr)
        return 1
    return code

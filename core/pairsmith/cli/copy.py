"""``pairsmith copy``: a packaged recipe as a file of one's own, to edit."""

import argparse
from pathlib import Path


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser("copy", help="copy a packaged recipe to a file, to edit it")
    parser.add_argument("name", help="the recipe, as 'pairsmith recipes' lists it")
    parser.add_argument("file", type=Path, help="where it goes; never overwritten")
    parser.set_defaults(execute=execute)


def execute(arguments: argparse.Namespace) -> int:
    """Copy."""
    from pairsmith.errors import UsageError
    from pairsmith.recipe import load

    document = load(arguments.name)
    assert document.path is not None
    try:
        with arguments.file.open("x", encoding="utf-8") as file:
            file.write(document.path.read_text(encoding="utf-8-sig"))
    except FileExistsError:
        msg = f"{str(arguments.file)!r} is there already; give another name, or move it away"
        raise UsageError(msg) from None
    except OSError as error:
        msg = f"{str(arguments.file)!r} cannot be written: {error.strerror}"
        raise UsageError(msg) from None
    print(f"{arguments.file}: edit it, then 'pairsmith check {arguments.file}'")
    return 0

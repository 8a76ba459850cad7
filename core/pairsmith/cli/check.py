"""``pairsmith check``: everything that can be said of a recipe before it runs."""

import argparse


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser("check", help="check a recipe, and list what a run of it will need")
    parser.add_argument("recipe", help="a recipe's name or file")
    parser.add_argument("--set", action="append", default=[], metavar="TABLE.KEY=VALUE", help="change one option")
    parser.set_defaults(execute=execute)


def execute(arguments: argparse.Namespace) -> int:
    """Check, without loading a model library."""
    from pairsmith.check import check
    from pairsmith.registry import Registry

    print("\n".join(check(arguments.recipe, arguments.set, Registry.discover())))
    return 0

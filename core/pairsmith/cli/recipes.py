"""``pairsmith recipes``: the packaged recipes."""

import argparse


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser("recipes", help="list the packaged recipes")
    parser.set_defaults(execute=execute)


def execute(_: argparse.Namespace) -> int:
    """Print a line per recipe."""
    from pairsmith.cli.plugins import print_failures
    from pairsmith.errors import RecipeError
    from pairsmith.reading import load
    from pairsmith.registry import Registry

    registry = Registry.discover()
    for name, path in registry.recipes().items():
        try:
            summary = load(path, (), registry).tables.get("summary", "")
        except RecipeError as error:
            summary = f"cannot be read: {error}"
        print(f"{name:<32} {summary}")
    print_failures(registry)
    return 0

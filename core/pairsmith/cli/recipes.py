"""``pairsmith recipes``: the packaged recipes."""

import argparse


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser("recipes", help="list the packaged recipes")
    parser.set_defaults(execute=execute)


def execute(_: argparse.Namespace) -> int:
    """Print a line per recipe."""
    import tomllib

    from pairsmith.registry import Registry

    for name, path in Registry.discover().recipes().items():
        try:
            summary = tomllib.loads(path.read_text(encoding="utf-8")).get("summary", "")
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            summary = f"cannot be read: {error}"
        print(f"{name:<32} {summary}")
    return 0

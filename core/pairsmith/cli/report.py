"""``pairsmith report``: write a run's report page again."""

import argparse
from pathlib import Path


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser("report", help="write the report page of a run")
    parser.add_argument("run", type=Path, help="the directory that 'pairsmith run' printed")
    parser.set_defaults(execute=execute)


def execute(arguments: argparse.Namespace) -> int:
    """Write the pages and print where they are. A recipe without reporters gets the page of ``html``."""
    from pairsmith.recipe import reporters
    from pairsmith.registry import Registry
    from pairsmith.start import report
    from pairsmith.view import DirectoryView

    view = DirectoryView(arguments.run)
    registry = Registry.discover()
    for page in report(view, reporters(view.recipe, registry), registry):
        print(page)
    return 0

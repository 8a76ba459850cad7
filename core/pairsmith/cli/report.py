"""``pairsmith report``: write a run's report page again."""

import argparse
from pathlib import Path


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser("report", help="write the report page of a run")
    parser.add_argument("run", type=Path, help="the directory that 'pairsmith run' printed")
    parser.set_defaults(execute=execute)


def execute(arguments: argparse.Namespace) -> int:
    """Write the pages and print where they are."""
    from pairsmith.start import report  # noqa: PLC0415 - keeps `pairsmith --help` fast
    from pairsmith.view import DirectoryView  # noqa: PLC0415

    view = DirectoryView(arguments.run)
    for page in report(view.directory, view.resolved, view.registry):
        print(page)
    return 0

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
    from attrs import evolve

    from pairsmith.recipe import Document, resolve
    from pairsmith.start import report
    from pairsmith.view import DirectoryView

    view = DirectoryView(arguments.run)
    recipe = view.resolved
    if not recipe.reports:
        tables = {**view.recipe, "reports": [{"use": "html"}]}
        recipe = evolve(recipe, reports=resolve(Document(name=recipe.name, tables=tables), view.registry).reports)
    for page in report(view.directory, recipe):
        print(page)
    return 0

"""``pairsmith export``: a run's pairs in another tool's format."""

import argparse
from pathlib import Path


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser("export", help="write the pairs of a run in another tool's format")
    parser.add_argument("run", type=Path, help="the directory that 'pairsmith run' printed")
    parser.add_argument("--to", required=True, metavar="FORMAT", help="an exporter, as 'pairsmith plugins' lists them")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="a new folder for the files")
    parser.add_argument("--set", action="append", default=[], metavar="OPTION=VALUE", help="set an option of it")
    parser.set_defaults(execute=execute)


def execute(arguments: argparse.Namespace) -> int:
    """Write, and print the files."""
    from pairsmith.errors import UsageError
    from pairsmith.images import DirectoryImageStore
    from pairsmith.importing import fresh
    from pairsmith.interfaces import Run
    from pairsmith.options import read
    from pairsmith.reading import apply_setting
    from pairsmith.registry import Registry
    from pairsmith.view import DirectoryView

    view = DirectoryView(arguments.run)
    offer = Registry.discover().find("exporters", arguments.to)
    table: dict[str, object] = {}
    for setting in arguments.set:
        apply_setting(table, setting)
    options = read(table, offer.component.options, arguments.to)
    if next(view.items(), None) is None and next(view.judged(), None) is None:
        msg = f"{str(arguments.run)!r} has nothing to export yet; 'pairsmith run {arguments.run} --until pairs' goes on"
        raise UsageError(msg)
    run = Run(directory=view.directory, images=DirectoryImageStore(view.directory / "images"))
    with fresh(arguments.out):
        files = offer.component.build(options, run).export(view, arguments.out)
    print("\n".join(map(str, files)))
    return 0

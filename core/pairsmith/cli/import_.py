"""``pairsmith import``: look a file or folder of published data through, and keep it in pairsmith's own rows."""

import argparse
from pathlib import Path


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser("import", help="check and count published data, and keep it in pairsmith's own rows")
    parser.add_argument("format", help="an image source that reads a path, as 'pairsmith plugins' lists them")
    parser.add_argument("path", help="the file or folder")
    parser.add_argument("--out", type=Path, metavar="DIR", help="keep the samples and their images in a new folder")
    parser.add_argument(
        "--set", action="append", default=[], metavar="OPTION=VALUE", help="set an option of the source"
    )
    parser.add_argument("--limit", type=int, metavar="N", help="look at the first N samples only")
    parser.set_defaults(execute=execute)


def execute(arguments: argparse.Namespace) -> int:
    """Read everything, say what there is and what cannot be used; 1 where something cannot."""
    from pairsmith.errors import UsageError
    from pairsmith.importing import SAMPLES, FirstWarnings, take
    from pairsmith.options import describe, read
    from pairsmith.reading import apply_setting
    from pairsmith.registry import Registry

    if arguments.limit is not None and arguments.limit < 1:
        msg = f"--limit {arguments.limit} must be at least 1"
        raise UsageError(msg)
    offer = Registry.discover().find("image_sources", arguments.format)
    names = {option.name for option in describe(offer.component.options)}
    table: dict[str, object] = {"path": arguments.path}
    if "on_bad_row" in names:
        table["on_bad_row"] = "skip"
    for setting in arguments.set:
        apply_setting(table, setting)
    options = read(table, offer.component.options, arguments.format)
    with FirstWarnings():
        taken = take(offer, options, arguments.out, arguments.limit)
    print(", ".join(f"{number:,} {label}" for label, number in taken.counts.items() if number) or "no sample")
    if taken.missing:
        print(f"the first image that is not there: {taken.missing}")
    if arguments.out:
        print(f'[images]\nuse = "stored"\npath = {str(arguments.out / SAMPLES)!r}')
    return 1 if taken.left_out or not taken.counts["samples"] else 0

"""``pairsmith run``: run a recipe, or go on with a run."""

import argparse
from pathlib import Path


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser("run", help="run a recipe, or go on with a run that was stopped")
    parser.add_argument("recipe", help="a recipe's name or file, or the directory of a run to go on with")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where the run goes (default: runs/RECIPE-HASH)")
    parser.add_argument("--until", metavar="STAGE", help="stop after this stage, e.g. pairs")
    parser.add_argument("--set", action="append", default=[], metavar="TABLE.KEY=VALUE", help="change one option")
    parser.add_argument("--limit", type=int, metavar="N", help="take only the first N samples, through everything")
    parser.add_argument(
        "--shard",
        metavar="I/N",
        help="make only every N-th part, up to the verdicts; a run beside takes all shares over",
    )
    parser.set_defaults(execute=execute)


def execute(arguments: argparse.Namespace) -> int:
    """Run."""
    from pairsmith.progress import progress
    from pairsmith.shard import parse
    from pairsmith.start import start

    start(
        arguments.recipe,
        settings=arguments.set,
        out=arguments.out,
        until=arguments.until,
        limit=arguments.limit,
        share=None if arguments.shard is None else parse(arguments.shard),
        progress=progress(),
    )
    return 0

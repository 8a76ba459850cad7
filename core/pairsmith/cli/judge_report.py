"""``pairsmith judge-report``: what is known of judges."""

import argparse
from pathlib import Path

REPORTER = "judges"


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser("judge-report", help="judge the judges of a run, or verdicts in files")
    parser.add_argument(
        "source", nargs="+", type=Path, metavar="RUN|FILE", help="a run's directory, or files of verdicts"
    )
    parser.add_argument(
        "--labels", type=Path, metavar="FILE", help="true labels or people's ratings of claims or answers"
    )
    parser.add_argument("--truth", metavar="JUDGE", help="a judge whose verdicts are taken for true, e.g. people")
    parser.add_argument("--swap", action="store_true", help="ask judges of whole answers again, in the opposite order")
    parser.add_argument("--repeat", type=int, default=0, metavar="N", help="ask every judge N times more")
    parser.add_argument(
        "--examples", type=int, metavar="N", help="disagreements shown of each two judges (default: 20)"
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="with files: where the report goes (default: here)")
    parser.set_defaults(execute=execute)


def execute(arguments: argparse.Namespace) -> int:
    """Ask again where that is wanted, write the report, print it and where it is."""
    from pairsmith.comparing import reporter_use
    from pairsmith.errors import UsageError
    from pairsmith.images import DirectoryImageStore
    from pairsmith.interfaces import Run
    from pairsmith.progress import progress
    from pairsmith.registry import Registry
    from pairsmith.rejudging import ask_again
    from pairsmith.start import is_run
    from pairsmith.verdict_files import VerdictFiles
    from pairsmith.view import DirectoryView

    registry = Registry.discover()
    options = {"labels": str(arguments.labels) if arguments.labels else None, "truth": arguments.truth}
    options |= {"examples": arguments.examples}
    use = reporter_use(REPORTER, {name: value for name, value in options.items() if value is not None}, registry)
    runs = [source for source in arguments.source if source.is_dir() or is_run(source)]
    if runs and len(arguments.source) > 1:
        msg = f"give one run or any number of files of verdicts; {str(runs[0])!r} is a folder, and there are others"
        raise UsageError(msg)
    if arguments.repeat < 0:
        msg = f"--repeat {arguments.repeat} must be at least 0"
        raise UsageError(msg)
    if not runs and (arguments.swap or arguments.repeat):
        msg = "--swap and --repeat go with a run, whose judges can be asked again; files have no judges"
        raise UsageError(msg)
    view: DirectoryView | VerdictFiles
    if runs:
        DirectoryView(runs[0])
        if arguments.swap or arguments.repeat:
            ask_again(runs[0], swap=arguments.swap, repeat=arguments.repeat, progress=progress(), registry=registry)
        view = DirectoryView(runs[0])
    else:
        out = arguments.out or Path()
        out.mkdir(parents=True, exist_ok=True)
        view = VerdictFiles(out.resolve(), arguments.source)
    run = Run(directory=view.directory, images=DirectoryImageStore(view.directory / "images"))
    pages = use.build(run).report(view)
    for page in pages:
        if page.suffix == ".md":
            print(page.read_text(encoding="utf-8"))
    print("\n".join(map(str, pages)))
    return 0

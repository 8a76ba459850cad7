"""``pairsmith evaluate``: what benchmarks say of a model before and after training, and how sure that is."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

REPORTER = "comparison"


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser("evaluate", help="compare models on benchmarks, with intervals and tests")
    parser.add_argument("run", nargs="?", type=Path, help="the directory that 'pairsmith run' printed")
    parser.add_argument("--model", metavar="PATH", help="a model without a run: a directory, hub id or shipped model")
    parser.add_argument(
        "--adapter", type=Path, metavar="DIR", help="with --model: compare it without and with this adapter"
    )
    parser.add_argument("--family", default="auto", metavar="NAME", help="with --model: its family (default: auto)")
    parser.add_argument("--generator", default="hf", metavar="NAME", help="with --model: what answers (default: hf)")
    parser.add_argument(
        "--answers",
        action="append",
        default=[],
        metavar="[NAME=]FILE",
        help="score answers made elsewhere; may be repeated",
    )
    parser.add_argument("--benchmark", action="append", default=[], metavar="NAME", help="a benchmark; may be repeated")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="[TABLE.]KEY=VALUE",
        help="an option of the benchmark, or of NAME.KEY",
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="without a run: where results go")
    parser.add_argument("--resamples", type=int, metavar="N", help="how often images are drawn again (default: 10000)")
    parser.add_argument("--confidence", type=float, metavar="P", help="of the intervals (default: 0.95)")
    parser.set_defaults(execute=execute)


def execute(arguments: argparse.Namespace) -> int:
    """Evaluate what has not been, write the report, print its tables and where it is."""
    from pairsmith import comparing
    from pairsmith.progress import progress
    from pairsmith.registry import Registry

    _check(arguments)
    registry, said = Registry.discover(), progress()
    use = _reporter(arguments, registry)  # before any model is asked
    tables = _tables(arguments)
    benchmarks = tables["benchmarks"]
    if arguments.run is not None:
        directory = comparing.evaluate_run(arguments.run, benchmarks, said, registry)
    elif arguments.answers:
        directory = comparing.score_answers(benchmarks, _files(arguments.answers), arguments.out, said, registry)
    else:
        directory = comparing.evaluate_model(tables, arguments.adapter, arguments.out, said, registry)
    return _show(directory, use, registry)


def _show(directory: Path, use: Any, registry: Any) -> int:  # noqa: ANN401 - imported late
    from pairsmith.start import report
    from pairsmith.view import DirectoryView

    pages = report(DirectoryView(directory), [use], registry)
    for page in pages:
        if page.suffix == ".md":
            print(page.read_text(encoding="utf-8"))
    for page in pages:
        print(page)
    return 0


def _reporter(arguments: argparse.Namespace, registry: Any) -> Any:  # noqa: ANN401 - imported late
    from pairsmith.comparing import reporter_use

    options = {name: getattr(arguments, name) for name in ("resamples", "confidence")}
    return reporter_use(REPORTER, {name: value for name, value in options.items() if value is not None}, registry)


def _check(arguments: argparse.Namespace) -> None:
    from pairsmith.errors import UsageError

    given = {"a run": arguments.run, "--model": arguments.model, "--answers": arguments.answers}
    there = [name for name, value in given.items() if value]
    if len(there) != 1:
        msg = f"give one of a run, --model and --answers; there is {' and '.join(there) or 'none'}"
    elif not arguments.run and not arguments.benchmark:
        msg = f"{there[0]} needs a --benchmark; 'pairsmith plugins' lists them"
    elif arguments.adapter and not arguments.model:
        msg = "--adapter goes with --model"
    elif arguments.run and arguments.out:
        msg = "--out goes with --model and --answers; a run's results are written into the run"
    else:
        return
    raise UsageError(msg)


def _tables(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the tables of a recipe that the arguments come to."""
    from pairsmith.reading import apply_setting

    names = arguments.benchmark
    tables: dict[str, Any] = {"benchmarks": [{"use": name} for name in names]}
    if arguments.model:
        tables |= {
            "model": {"use": arguments.family, "path": arguments.model},
            "evaluation": {"use": arguments.generator},
        }
    for setting in arguments.set:
        apply_setting(tables, _placed(setting, names, tables))
    return tables


def _placed(setting: str, names: Sequence[str], tables: Mapping[str, Any]) -> str:
    """Return a setting with the whole place in a recipe: ``scenes=4`` is an option of the one benchmark there is."""
    from pairsmith.errors import UsageError

    place, equals, _ = setting.partition("=")
    first, dot, rest = place.strip().partition(".")
    value = setting[len(place) :]
    if dot and first in names:
        if names.count(first) > 1:
            msg = f"--set {setting!r}: {first!r} is named twice; write benchmarks[0].{rest}"
            raise UsageError(msg)
        return f"benchmarks[{names.index(first)}].{rest}{value}"
    if first.partition("[")[0] in {*tables, "image_check"} or not equals:
        return setting
    if len(names) == 1:
        return f"benchmarks[0].{setting}"
    msg = f"--set {setting!r}: which table's? Write one of {', '.join([*names, *tables])} before it, with a dot"
    raise UsageError(msg)


def _files(given: Sequence[str]) -> dict[str, Path]:
    from pairsmith.errors import UsageError

    files: dict[str, Path] = {}
    for text in given:
        name, equals, path = text.partition("=")
        if not equals or not name.replace("-", "").replace("_", "").replace(".", "").isalnum():
            name, path = Path(text).stem, text
        if name in files:
            msg = f"--answers: two files are called {name!r}; write NAME=FILE"
            raise UsageError(msg)
        files[name] = Path(path)
    return files

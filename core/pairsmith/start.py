"""Starts a run, or goes on with one: what ``pairsmith run`` does, for Python too."""

import platform
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from pairsmith import names, shard
from pairsmith.directory import FORMAT, RunDirectory, key_of, read_document
from pairsmith.errors import UsageError
from pairsmith.interfaces import Run
from pairsmith.model import check_models
from pairsmith.pipeline import Pipeline
from pairsmith.progress import Progress
from pairsmith.recipe import Document, Recipe, Use, load, resolve
from pairsmith.registry import Registry
from pairsmith.runner import Explained
from pairsmith.shard import Shard
from pairsmith.view import DirectoryView
from pairsmith.within import builder

RUNS = Path("runs")
_LIBRARIES = ("torch", "transformers", "accelerate", "peft", "deepspeed", "diffusers", "tokenizers", "numpy", "pillow")


def is_run(source: str | Path) -> bool:
    """Tell whether a path is a run directory, and so not a recipe."""
    try:
        return (Path(source) / "run.json").exists()
    except OSError:  # a name that is too long, a folder that may not be looked into
        return False


def document_of(recipe: Recipe, limit: int | None) -> dict[str, Any]:
    """Return what ``run.json`` says: the recipe as resolved, versions, seed. No option holds a secret, so none is there."""
    plugins = sorted({use.offer.plugin for use in recipe.uses() if use.offer is not None} | {"pairsmith"})
    return {
        "format": FORMAT,
        "name": recipe.name,
        "summary": recipe.summary,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "seed": recipe.seed,
        "limit": limit,
        "recipe": recipe.document,
        "stages": list(names.ordered(recipe)),
        "chain": names.chain_names(recipe),
        **_later_rounds(recipe),
        "trainings": [training.name for training in recipe.trainings],
        "components": {use.where: use.key()["component"] for use in recipe.uses()},
        "versions": {"python": platform.python_version(), **versions_of((*plugins, *_LIBRARIES))},
        "command": sys.argv,
    }


def _later_rounds(recipe: Recipe) -> dict[str, Any]:
    """Return the chains of the rounds after the first, where there are any."""
    later = [names.chain_names(recipe, number) for number in range(2, recipe.rounds.n + 1)]
    return {"later_rounds": later} if later else {}


def default_directory(recipe: Recipe, limit: int | None) -> Path:
    """Return where a run goes when nobody says: a folder of its own for every recipe and set of options."""
    return RUNS / f"{recipe.name}-{key_of({'recipe': recipe.document, 'limit': limit})[:8]}"


def start(
    source: str | Path | Document,
    *,
    settings: Sequence[str] = (),
    out: Path | None = None,
    until: str | None = None,
    limit: int | None = None,
    share: Shard | None = None,
    progress: Progress,
    registry: Registry | None = None,
) -> Path:
    """Run a recipe, or go on with a run, and return its directory.

    ``source`` is a recipe's name or file, a run directory, or a document whose tables may hold objects in place of
    component names: any object that fits a kind's protocol will do. With a ``share`` only its parts are made: see
    :mod:`pairsmith.shard`.
    """
    names.check_until(until)
    until = until if share is None else shard.until(share, until)
    if limit is not None and limit < 1:
        msg = f"--limit {limit} must be at least 1"
        raise UsageError(msg)
    registry = registry or Registry.discover()
    if isinstance(source, str | Path) and is_run(source):
        if settings or out or limit is not None:
            msg = f"{str(source)!r} is a run; --set, --out and --limit go with a recipe, a run keeps what it began with"
            raise UsageError(msg)
        there = read_document(Path(source))
        recipe = resolve(Document(name=there["name"], path=None, tables=there["recipe"]), registry)
        out, limit = Path(source), there["limit"]
    else:
        document = source if isinstance(source, Document) else load(source, settings, registry)
        recipe = resolve(document, registry)
    names.check_names(recipe)
    check_models(recipe)
    directory = RunDirectory((out or default_directory(recipe, limit)).resolve())
    with directory.locked():
        directory.claim(document_of(recipe, limit))
        progress.say(f"run directory: {_short(directory.path)}")
        pipeline = Pipeline(
            recipe=recipe, registry=registry, directory=directory, progress=progress, limit=limit, shard=share
        )
        pipeline.execute(until)
        if until in {None, "report"}:
            view = DirectoryView(directory.path)
            for line in before_and_after(view.evaluations()):
                progress.say(line)
            for path in report(view, recipe.reports, registry):
                progress.say(f"report: {_short(path)}")
    return directory.path


def report(view: DirectoryView, reporters: Sequence[Use], registry: Registry) -> list[Path]:
    """Have every reporter write its page."""
    directory = RunDirectory(view.directory)
    build = builder(registry, lambda: run)
    run = Run(directory=directory.path, images=directory.images, seed=view.document["seed"], component=build)
    pages: list[Path] = []
    for use in reporters:
        with Explained(directory, use.where):
            pages += use.build(run).report(view)
    return pages


def before_and_after(evaluations: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a line per metric: what it was, what it is, and what the control makes of it."""
    by_benchmark: dict[str, dict[str, Mapping[str, float]]] = {}
    for one in evaluations:
        by_benchmark.setdefault(one["benchmark"], {})[one["model"]] = one["metrics"]
    lines = []
    for benchmark, models in by_benchmark.items():
        lines.append(f"{benchmark}:  {'':<24}{''.join(f'{model:>10}' for model in models)}")
        for metric in next(iter(models.values())):
            values = "".join(f"{scores.get(metric, float('nan')):>10.1f}" for scores in models.values())
            lines.append(f"{'':{len(benchmark)}}   {metric:<24}{values}")
    return lines


def _short(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def versions_of(distributions: Sequence[str]) -> dict[str, str]:
    """Return the versions of those that are installed."""
    found = {}
    for name in distributions:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found

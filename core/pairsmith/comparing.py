"""Evaluates models after a run, or without one: what ``pairsmith evaluate`` does, for Python too.

Models answer in a run directory, so what they answered before is never asked for again, in this run or in one beside it.
"""

import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from attrs import evolve

from pairsmith import names
from pairsmith.directory import FORMAT, RunDirectory, key_of, read_document
from pairsmith.errors import UsageError
from pairsmith.evaluation import table_of
from pairsmith.interfaces import Benchmark, Run, Scores, Weights
from pairsmith.lazy import Lazy
from pairsmith.matching import Matched, match, read_answers
from pairsmith.model import Trained
from pairsmith.options import jsonable, read
from pairsmith.pipeline import Pipeline
from pairsmith.progress import Progress
from pairsmith.recipe import Document, Recipe, Use, resolve
from pairsmith.registry import Registry, install
from pairsmith.runner import Explained, asking_key, component_key, ingredients
from pairsmith.scored import keep_scores, scoring_key
from pairsmith.start import RUNS, default_directory, document_of, versions_of
from pairsmith.values import Response, Sample
from pairsmith.within import builder
from pairsmith.worker import weights_of

Tables = Sequence[Mapping[str, Any]]


def benchmark_uses(tables: Tables, registry: Registry) -> list[Use]:
    """Look benchmarks up and read their options, before anything else is done."""
    uses = []
    for table in tables:
        name = str(table["use"])
        offer, where = registry.find("benchmarks", name), f"--benchmark {name}"
        written = {key: value for key, value in table.items() if key != "use"}
        uses.append(
            Use(
                kind="benchmarks", where=where, offer=offer, options=read(written, offer.component.options_class, where)
            )
        )
    return uses


def reporter_use(name: str, options: Mapping[str, Any], registry: Registry) -> Use:
    """Look a reporter up and read its options; one of this project that is not installed is named with its plugin."""
    if all(offer.component.name != name for offer in registry.offers("reporters")):
        msg = f"{name!r}, which writes this report, is not installed: {install('pairsmith-statistics')}"
        raise UsageError(msg)
    offer = registry.find("reporters", name)
    return Use(kind="reporters", where=name, offer=offer, options=read(options, offer.component.options_class, name))


def evaluate_run(source: Path, tables: Tables, progress: Progress, registry: Registry) -> Path:
    """Evaluate the models of a run on other benchmarks, or on its recipe's as far as it has not done so.

    Raises :class:`UsageError` where the run has no benchmark, or has not trained its model yet.
    """
    there = read_document(source)
    directory = RunDirectory(source.resolve())
    recipe = resolve(Document(name=there["name"], tables=there["recipe"]), registry)
    own = names.benchmarks(recipe)
    benchmarks = {_name(use, own): use for use in benchmark_uses(tables, registry)} if tables else own
    if not benchmarks:
        msg = f"{str(source)!r} has no [[benchmarks]] in its recipe; name one with --benchmark"
        raise UsageError(msg)
    if all(_is_evaluated(directory, recipe, *one) for one in benchmarks.items()):
        return directory.path
    if recipe.evaluation is None and not recipe.responses:
        msg = f"{str(source)!r} has no generator that could answer: its recipe has no [evaluation] and no [responses]"
        raise UsageError(msg)
    with directory.locked():
        pipeline = Pipeline(recipe=recipe, registry=registry, directory=directory, progress=progress)
        trained = {model: _trained(directory, recipe, model) for model in names.models(recipe) if model != names.BASE}
        models = {model: trained[model] if model in trained else pipeline.base() for model in names.models(recipe)}
        pipeline.evaluations().evaluate(models, benchmarks)
    return directory.path


def _name(use: Use, own: Mapping[str, Use]) -> str:
    """Return the recipe's name of a benchmark, or one of its own: its answers must not take the place of others."""
    same = next((name for name, other in own.items() if other.key() == use.key()), None)
    return same or f"{use.name}-{key_of(use.key())[:6]}"


def _is_evaluated(directory: RunDirectory, recipe: Recipe, name: str, use: Use) -> bool:
    stages = [directory.stage(names.answers_stage(name, model)) for model in names.models(recipe)]
    if any(stage.done() is None for stage in stages):
        return False
    key = scoring_key(component_key(use))
    return all((stage.note("scores.json") or {}).get("scored_by") == key for stage in stages)


def _trained(directory: RunDirectory, recipe: Recipe, model: str) -> Trained:
    name = names.trained_in(recipe)[model]
    stage = directory.stage(name)
    done = stage.done()
    if done is None:
        msg = f"{str(directory.path)!r} has not finished {name!r} yet; 'pairsmith run {directory.path}' goes on with it"
        raise UsageError(msg)
    return Trained(weights=weights_of(done["weights"], directory.path), identity=f"trained {stage.key()}")


def evaluate_model(
    tables: Mapping[str, Any], adapter: Path | None, out: Path | None, progress: Progress, registry: Registry
) -> Path:
    """Evaluate a model that no run here has made; with an adapter, the model without and with it.

    ``tables`` are a recipe's ``model``, ``evaluation`` and ``benchmarks``.
    """
    if adapter is not None and not adapter.is_dir():
        msg = f"--adapter {str(adapter)!r} is not a folder; give the one that a training has saved"
        raise UsageError(msg)
    whole = {"schema": 1, "images": {"use": "none"}, "evaluate": ["base"], **tables}
    recipe = resolve(Document(name="evaluate", tables=whole), registry)
    place = default_directory(recipe, None)
    if adapter is not None:
        place = place.with_name(f"{place.name}-{key_of({'adapter': str(adapter.resolve())})[:6]}")
    directory = RunDirectory((out or place).resolve())
    with directory.locked():
        directory.claim(document_of(recipe, None))
        progress.say(f"run directory: {directory.path}")
        pipeline = Pipeline(recipe=recipe, registry=registry, directory=directory, progress=progress)
        models = {names.BASE: pipeline.base()}
        if adapter is not None:
            weights: Weights = evolve(pipeline.model.weights, adapter=adapter.resolve())
            models[names.TRAINED] = Trained(weights=weights, identity=pipeline.model.family.fingerprint(weights))
        pipeline.evaluations().evaluate(models)
    return directory.path


# Answers made elsewhere ------------------------------------------------------------------------------------------------


def score_answers(
    tables: Tables, files: Mapping[str, Path], out: Path | None, progress: Progress, registry: Registry
) -> Path:
    """Score answers that were made elsewhere; the first file is what the others are compared with.

    Answers that cannot be scored are named and counted, and never averaged in.
    """
    uses = benchmark_uses(tables, registry)
    if len(uses) != 1:
        msg = f"--answers goes with one --benchmark, which says what they are answers to; there are {len(uses)}"
        raise UsageError(msg)
    (use,), answers = uses, {model: read_answers(path) for model, path in files.items()}
    document = _document(use, files)
    directory = RunDirectory((out or RUNS / f"answers-{key_of(document['recipe'])[:8]}").resolve())
    with directory.locked():
        directory.claim(document)
        progress.say(f"run directory: {directory.path}")
        build = builder(registry, lambda: run)
        run = Run(directory=directory.path, images=directory.images, component=build)
        with Explained(directory, use.where), Lazy(use, run) as benchmark:
            asked = list(benchmark().asked() if hasattr(benchmark(), "asked") else benchmark().samples())
            for model, given in answers.items():
                matched = match([sample.id for sample in asked], given, str(files[model]))
                stage = directory.prepare(
                    names.answers_stage(use.name, model),
                    ingredients("answers", [], benchmark=asking_key(use), answers=given),
                )
                if hasattr(benchmark(), "score_answers"):  # it says itself what it cannot score
                    scores = benchmark().score_answers(given)
                else:
                    scores = _scores(benchmark(), asked, matched)
                    for sentence in matched.sentences():
                        progress.say(f"{model}: {sentence}")
                texts = [matched.texts.get(sample.id) for sample in asked]
                by = scoring_key(component_key(use))
                keep_scores(stage, scores, asked, texts, benchmark().source, use.name, model, by, table_of(use))
                stage.finish(0.0)
    return directory.path


def _document(use: Use, files: Mapping[str, Path]) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "name": "answers",
        "summary": f"Answers made elsewhere, scored by {use.name}.",
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "seed": 0,
        "limit": None,
        "recipe": jsonable(
            {"benchmarks": [table_of(use)], "answers": {name: str(path) for name, path in files.items()}}
        ),
        "stages": [names.answers_stage(use.name, model) for model in files],
        "chain": {"samples": "images", "responses": [], "claims": None, "verdicts": []},
        "trainings": [],
        "components": {use.where: use.key()["component"]},
        "versions": versions_of(["pairsmith", *([use.offer.plugin] if use.offer else [])]),
        "command": sys.argv,
    }


def _scores(benchmark: Benchmark, asked: Sequence[Sample], matched: Matched) -> Scores:
    """Score what can be, and say of every other item why it is not."""
    answered = [sample for sample in asked if sample.id in matched.texts]
    responses = [
        Response(id=f"{one.id}/0", sample_id=one.id, text=matched.texts[one.id], model="elsewhere") for one in answered
    ]
    found = benchmark.score(answered, responses)
    place = {sample.id: number for number, sample in enumerate(answered)}
    problems = matched.problems
    items = [
        dict(found.items[place[one.id]] if found.items else {}) if one.id in place else {"problem": problems[one.id]}
        for one in asked
    ]
    sums = [found.sums[place[one.id]] if one.id in place and found.sums else {} for one in asked]
    return evolve(found, items=items, sums=sums if found.sums else (), **_counted(found, matched))


def _counted(found: Scores, matched: Matched) -> dict[str, Any]:
    """Return the metrics with the counts of what was and was not scored, and which way those are better."""
    counts = matched.counts()
    lower = [name for name in ("empty", "missing", "double") if name in counts]
    neutral = [name for name in ("scored", "unknown") if name in counts]
    return {
        "metrics": {**found.metrics, **counts},
        "lower_is_better": tuple(dict.fromkeys((*found.lower_is_better, *lower))),
        "neutral": tuple(dict.fromkeys((*found.neutral, *neutral))),
    }

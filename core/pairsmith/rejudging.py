"""Asks a run's judges again, for ``pairsmith judge-report``: in another order, or the same once more.

What they say goes into stages of its own, beside the verdicts that pairs were made from, and takes nobody's place. A judge
asks with a folder of its own, so that nothing it said before is found there and taken for a second opinion.
"""

from pathlib import Path

from attrs import evolve

from pairsmith import names, stages
from pairsmith.chain import Chain
from pairsmith.directory import RunDirectory, read_document
from pairsmith.errors import UsageError
from pairsmith.interfaces import Run
from pairsmith.lazy import Lazy
from pairsmith.pipeline import Pipeline
from pairsmith.progress import Progress
from pairsmith.recipe import Document, Use, resolve
from pairsmith.registry import Registry
from pairsmith.runner import ingredients, sizes_of
from pairsmith.stages import Step
from pairsmith.store import Stage

SWAPPED = "swapped"


def repeats(number: int) -> list[str]:
    """Return what the repeats are called."""
    return [f"repeat-{one + 1}" for one in range(number)]


def ask_again(source: Path, *, swap: bool, repeat: int, progress: Progress, registry: Registry) -> None:
    """Have every judge of a run judge again; what was asked again before is not.

    Only judges of whole answers are asked in another order. Raises :class:`UsageError` where a judge has not finished.
    """
    there = read_document(source)
    directory = RunDirectory(source.resolve())
    recipe = resolve(Document(name=there["name"], tables=there["recipe"]), registry)
    with directory.locked():
        pipeline = Pipeline(recipe=recipe, registry=registry, directory=directory, progress=progress)
        for number in range(1, recipe.rounds.n + 1):
            chain = names.chain_of(directory, names.chain_names(recipe, number))
            judges = list(zip(names.verdict_stages(recipe, number), recipe.judges, strict=True))
            for index, (name, use) in enumerate(judges):
                if directory.stage(name).done() is None:
                    msg = f"{str(source)!r} has not finished {name!r} yet; 'pairsmith run {source}' goes on with it"
                    raise UsageError(msg)
                before = chain.with_stage(verdicts=chain.verdicts[:index])
                for of in repeats(repeat):
                    _judge(pipeline, before, use, names.again(of, name))
                if swap and _whole_answers(directory.stage(name)):
                    _judge(pipeline, before, use, names.again(SWAPPED, name), swapped=True)


def _whole_answers(stage: Stage) -> bool:
    """Tell whether a judge was shown whole answers, several of them at once."""
    row = next((row for row in stage.rows() if len(row["verdicts"]) > 1), None)
    return row is not None and all(one.get("claim_id") is None for one in row["verdicts"])


def _judge(pipeline: Pipeline, chain: Chain, use: Use, name: str, *, swapped: bool = False) -> None:
    run, made_from = pipeline.given(use, "judge")
    if swapped:
        made_from = {**made_from, "order": "opposite"}
    apart: Run = evolve(run, directory=pipeline.directory.stage(name).directory / "asked")
    upstream = [
        stage for stage in (chain.samples, *chain.responses, chain.claims, *chain.verdicts) if stage is not None
    ]
    with Lazy(use, apart) as expert:
        step = Step(
            name=name,
            ingredients=ingredients(name, upstream, **made_from),
            work=stages.judge(chain, expert, swapped=swapped),
            may_fail=pipeline.recipe.max_failures,
            facts=expert.facts,
        )
        pipeline.runner.run(step, chain.samples.parts(), sizes_of(chain.samples))

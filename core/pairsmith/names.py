"""What the stages of a recipe are called, in the order in which they run."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pairsmith.chain import Chain
from pairsmith.directory import RunDirectory
from pairsmith.errors import RecipeError, UsageError
from pairsmith.recipe import Recipe, Training, Use
from pairsmith.store import Stage

UNTIL = (
    "images",
    "responses",
    "claims",
    "verdicts",
    "pairs",
    "corruptions",
    "reference",
    "train",
    "evaluate",
    "report",
)
"""Where ``--until`` can stop."""

CONTROL = "control"
ARMS = ("", CONTROL)
BASE, TRAINED = "base", "trained"
KEPT_IMAGES = "kept-images"


def numbered(stage: str, name: str, index: int) -> str:
    """Return the name of one of several stages of a kind: ``verdicts-2-owl-vit``."""
    return f"{stage}-{index + 1}-{name}"


def sample_stage(recipe: Recipe) -> str:
    """Return the stage whose samples are answered."""
    return KEPT_IMAGES if recipe.image_judges else "images"


def image_judges(recipe: Recipe) -> dict[str, Use]:
    """Return the image judges by name, numbered where two have the same."""
    named: dict[str, Use] = {}
    for use in recipe.image_judges:
        times = sum(other.name == use.name for other in named.values())
        named[f"{use.name}-{times + 1}" if times else use.name] = use
    return named


def response_stages(recipe: Recipe) -> list[str]:
    """Return the stages of the generators."""
    if len(recipe.responses) == 1:
        return ["responses"]
    return [numbered("responses", use.name, index) for index, use in enumerate(recipe.responses)]


def verdict_stages(recipe: Recipe) -> list[str]:
    """Return the stages of the judges."""
    return [numbered("verdicts", use.name, index) for index, use in enumerate(recipe.judges)]


def arms(recipe: Recipe) -> list[str]:
    """Return the arms that are trained: the recipe's own and, where it has one, the control."""
    return list(ARMS) if recipe.control is not None else [""]


def own_pairs(recipe: Recipe, training: Training) -> bool:
    """Tell whether a training has a selector of its own."""
    return len(recipe.trainings) > 1 and training.pairs != recipe.pairs


def arm_stage(stage: str, arm: str, training: str = "train") -> str:
    """Return the name of a stage of an arm and a training, e.g. ``control-pairs`` or ``sft-reference``."""
    stage = stage if training == "train" else f"{training}-{stage}"
    return f"{arm}-{stage}" if arm else stage


def train_stage(arm: str, training: str) -> str:
    """Return the name of a training's stage."""
    return f"{arm}-{training}" if arm else training


def answers_stage(benchmark: str, model: str) -> str:
    """Return the stage of a model's answers to a benchmark."""
    return f"evaluate-{benchmark}-{model}"


def step_stage(benchmark: str, training: str, step: int) -> str:
    """Return the stage of the answers to a benchmark in the middle of a training, by that training's stage."""
    return f"{training}-step-{step}-{benchmark}"


def again(of: str, stage: str) -> str:
    """Return the stage of a judge that is asked again: ``swapped-verdicts-1-rubric``; the judge's own for nothing."""
    return f"{of}-{stage}" if of else stage


def check_until(until: str | None) -> None:
    """Refuse a stage that does not exist."""
    if until is not None and until not in UNTIL:
        msg = f"--until {until!r} is no stage; the stages are {', '.join(UNTIL)}"
        raise UsageError(msg)


def check_names(recipe: Recipe) -> None:
    """Refuse a training whose folder would be that of another stage, and benchmarks during training that are none.

    Raises :class:`RecipeError` that says which name to change.
    """
    if recipe.during_training is not None:
        _check_during(recipe, recipe.during_training.benchmarks)
    times = Counter(ordered(recipe))
    for training in recipe.trainings:
        for stage in (train_stage(arm, training.name) for arm in arms(recipe)):
            if times[stage] > 1:
                msg = (
                    f"recipe {recipe.name!r}: the name {training.name!r} of one of [[stages]] makes a folder {stage!r}, "
                    f"which another stage of the run has; give it another name"
                )
                raise RecipeError(msg)


def _check_during(recipe: Recipe, wanted: Sequence[str]) -> None:
    there = benchmarks(recipe)
    strange = [name for name in wanted if name not in there]
    if not recipe.trainings or not there:
        lacks = "[[benchmarks]]" if recipe.trainings else "[train]"
        msg = f"during_training: asks benchmarks while a model is trained, and the recipe has no {lacks}"
    elif strange:
        msg = f"during_training.benchmarks: {strange[0]!r} is no benchmark of the recipe; there are {', '.join(there)}"
    else:
        return
    raise RecipeError(msg)


def ordered(recipe: Recipe) -> Iterator[str]:
    """Yield every stage of a recipe in the order in which they run."""
    yield "images"
    if recipe.image_judges:
        yield "image-scores"
        yield KEPT_IMAGES
    yield from response_stages(recipe)
    if recipe.claims:
        yield "claims"
    yield from verdict_stages(recipe)
    yield from _training_stages(recipe)
    for index in range(len(recipe.benchmarks)):
        benchmark = benchmark_name(recipe, index)
        yield f"benchmark-{benchmark}"
        yield from (answers_stage(benchmark, model) for model in models(recipe))


def _training_stages(recipe: Recipe) -> Iterator[str]:
    for arm in arms(recipe):
        if not recipe.trainings and recipe.pairs:
            yield arm_stage("pairs", arm)
        for training in recipe.trainings:
            if arm and training is not recipe.trainings[-1]:
                continue
            prefix = training.name if own_pairs(recipe, training) else "train"
            yield arm_stage("pairs", arm, prefix)
            if recipe.corruptions:
                yield arm_stage("corruptions", arm, prefix)
            yield arm_stage("reference", arm, training.name)
            yield train_stage(arm, training.name)


def benchmark_name(recipe: Recipe, index: int) -> str:
    """Return a benchmark's name, numbered where two have the same."""
    name = recipe.benchmarks[index].name
    twice = sum(use.name == name for use in recipe.benchmarks) > 1
    return f"{name}-{index + 1}" if twice else name


def benchmarks(recipe: Recipe) -> dict[str, Use]:
    """Return a recipe's benchmarks by name."""
    return {benchmark_name(recipe, index): use for index, use in enumerate(recipe.benchmarks)}


def models(recipe: Recipe) -> list[str]:
    """Return the models that are evaluated."""
    trained = ([TRAINED] if recipe.trainings else []) + ([CONTROL] if recipe.control and recipe.trainings else [])
    wanted = recipe.evaluate or (BASE, *trained)
    return [model for model in (BASE, *trained) if model in wanted]


def chain_names(recipe: Recipe) -> dict[str, Any]:
    """Return which stages hold what, for ``run.json``: whoever reads a run need not resolve its recipe."""
    return {
        "samples": sample_stage(recipe),
        "responses": response_stages(recipe),
        "claims": "claims" if recipe.claims else None,
        "verdicts": verdict_stages(recipe),
    }


def chain_of(directory: RunDirectory, chain: Mapping[str, Any]) -> Chain:
    """Return the data stages of a run, as far as they have begun."""

    def begun(name: str | None) -> Stage | None:
        stage = directory.stage(name) if name else None
        return stage if stage and stage.key() is not None else None

    return Chain(
        directory=directory,
        samples=begun(chain["samples"]) or directory.stage("images"),
        responses=tuple(stage for stage in map(begun, chain["responses"]) if stage),
        claims=begun(chain["claims"]),
        verdicts=tuple(stage for stage in map(begun, chain["verdicts"]) if stage),
    )

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
BASE, TRAINED, ROUND = "base", "trained", "round"
KEPT_IMAGES = "kept-images"


def numbered(stage: str, name: str, index: int) -> str:
    """Return the name of one of several stages of a kind: ``verdicts-2-owl-vit``."""
    return f"{stage}-{index + 1}-{name}"


def in_round(stage: str, number: int) -> str:
    """Return the name of a data stage in a round, counted from 1; the first round has the plain names.

    >>> in_round("claims", 1), in_round("claims", 2)
    ('claims', 'claims-round-2')
    """
    return stage if number == 1 else f"{stage}-round-{number}"


def sample_stage(recipe: Recipe, number: int = 1) -> str:
    """Return the stage whose samples are answered in a round."""
    if recipe.rounds.n > 1:
        return f"samples-round-{number}"
    return KEPT_IMAGES if recipe.image_judges else "images"


def image_judges(recipe: Recipe) -> dict[str, Use]:
    """Return the image judges by name, numbered where two have the same."""
    named: dict[str, Use] = {}
    for use in recipe.image_judges:
        times = sum(other.name == use.name for other in named.values())
        named[f"{use.name}-{times + 1}" if times else use.name] = use
    return named


def response_stages(recipe: Recipe, number: int = 1) -> list[str]:
    """Return the stages of the generators in a round."""
    if len(recipe.responses) == 1:
        return [in_round("responses", number)]
    return [in_round(numbered("responses", use.name, index), number) for index, use in enumerate(recipe.responses)]


def verdict_stages(recipe: Recipe, number: int = 1) -> list[str]:
    """Return the stages of the judges in a round."""
    return [in_round(numbered("verdicts", use.name, index), number) for index, use in enumerate(recipe.judges)]


def arms(recipe: Recipe, number: int = 1) -> list[str]:
    """Return the arms that are trained in a round: the recipe's own and, where it has one and in the first, the control."""
    return list(ARMS) if recipe.control is not None and number == 1 else [""]


def trainings_of(recipe: Recipe, number: int) -> list[Training]:
    """Return the trainings of a round, in order."""
    return [training for training in recipe.trainings if training.round == number]


def own_pairs(recipe: Recipe, training: Training) -> bool:
    """Tell whether a training has pairs that no other has: by a selector of its own, or of a later round's answers."""
    return training.round > 1 or (len(trainings_of(recipe, 1)) > 1 and training.pairs != recipe.pairs)


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
    for number in range(1, recipe.rounds.n + 1):
        if recipe.rounds.n > 1:
            yield sample_stage(recipe, number)
        yield from response_stages(recipe, number)
        if recipe.claims:
            yield in_round("claims", number)
        yield from verdict_stages(recipe, number)
        yield from _training_stages(recipe, number)
    for index in range(len(recipe.benchmarks)):
        benchmark = benchmark_name(recipe, index)
        yield f"benchmark-{benchmark}"
        yield from (answers_stage(benchmark, model) for model in models(recipe))


def _training_stages(recipe: Recipe, number: int) -> Iterator[str]:
    trainings = trainings_of(recipe, number)
    for arm in arms(recipe, number):
        if not trainings and recipe.pairs:
            yield arm_stage("pairs", arm)
        for training in trainings:
            if arm and training is not trainings[-1]:
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


def model_after(recipe: Recipe, number: int, arm: str) -> str:
    """Return what the model is called that a round leaves: ``trained`` after the last one, and before that ``round-1``."""
    return arm or (TRAINED if number == recipe.rounds.n else f"{ROUND}-{number}")


def trained_in(recipe: Recipe) -> dict[str, str]:
    """Return the models that are trained, each with the stage that trains it, in the order of tables."""
    last = {number: trainings_of(recipe, number)[-1:] for number in range(1, recipe.rounds.n + 1)}
    made = {
        model_after(recipe, number, ""): train_stage("", one.name) for number, found in last.items() for one in found
    }
    if recipe.control is not None and last[1]:
        made[CONTROL] = train_stage(CONTROL, last[1][-1].name)
    return made


def models(recipe: Recipe) -> list[str]:
    """Return the models that are evaluated."""
    every = (BASE, *trained_in(recipe))
    return [
        model
        for model in every
        if not recipe.evaluate or ("rounds" if model.startswith(f"{ROUND}-") else model) in recipe.evaluate
    ]


def chain_names(recipe: Recipe, number: int = 1) -> dict[str, Any]:
    """Return which stages of a round hold what, for ``run.json``: whoever reads a run need not resolve its recipe."""
    return {
        "samples": sample_stage(recipe, number),
        "responses": response_stages(recipe, number),
        "claims": in_round("claims", number) if recipe.claims else None,
        "verdicts": verdict_stages(recipe, number),
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

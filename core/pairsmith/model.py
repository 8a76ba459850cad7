"""The recipe's base model: its family, built when it is first needed, and what identifies its weights."""

from collections.abc import Mapping
from pathlib import Path

from attrs import define, evolve, field, frozen

from pairsmith.errors import RecipeError
from pairsmith.interfaces import ModelFamily, Run, Weights
from pairsmith.recipe import Recipe, Use
from pairsmith.registry import Registry


@define
class Model:
    """Builds the family of ``[model]`` once and remembers the fingerprint of its weights."""

    use: Use
    run: Run
    _family: list[ModelFamily] = field(init=False, factory=list)
    _fingerprint: list[str] = field(init=False, factory=list)

    @property
    def family(self) -> ModelFamily:
        """The family."""
        if not self._family:
            self._family.append(self.use.build(self.run))
        return self._family[0]

    @property
    def weights(self) -> Weights:
        """The base model's weights."""
        return self.family.weights

    def identity(self) -> str:
        """Return what changes when the base model does."""
        if not self._fingerprint:
            self._fingerprint.append(self.family.fingerprint(self.weights))
        return self._fingerprint[0]


@frozen(kw_only=True)
class Trained:
    """A model on its way through a recipe's trainings: its weights, and what they came from."""

    weights: Weights
    identity: str


def base_model(recipe: Recipe, registry: Registry, run: Run) -> Model:
    """Return the recipe's model."""
    if recipe.model is None:
        msg = f"recipe {recipe.name!r} needs a table [model] that names a model family"
        raise RecipeError(msg)
    return Model(located(recipe.model, registry.models()), run)


def own_model(use: Use, registry: Registry, run: Run) -> Model | None:
    """Return the model that a component works with in place of the recipe's; ``None`` where its options name none."""
    found = _own_models(use)
    return Model(located(found[0], registry.models()), run) if found else None


def _own_models(use: Use) -> list[Use]:
    """Return the model that a component names, or another of its kind does to which it hands its run: at most one."""
    found: list[Use] = []
    for inner in use.inner:
        if inner.kind == "model_families":
            found.append(inner)
        elif inner.kind == use.kind:
            found += _own_models(inner)
    if len(found) > 1:
        msg = f"{found[1].where}: {use.where} has a model already, {found[0].where}; a component works with one model"
        raise RecipeError(msg)
    return found


def check_models(recipe: Recipe) -> None:
    """Refuse two models for one component, and to train a quantised model otherwise than by an adapter.

    One that is trained again is merged before, into the weights as they were before they were rounded.

    A family whose weights may be loaded quantised has an option ``quantization``, a trainer that can train an adapter an
    option ``lora``. Raises :class:`RecipeError` that says which table to change.
    """
    for use in recipe.uses():
        _own_models(use)
    given = getattr(recipe.model.options, "quantization", "none") if recipe.model else "none"
    if given == "none":
        return
    for training in recipe.trainings:
        if getattr(training.train.options, "lora", None) is None:
            msg = (
                f"model.quantization = {given!r}: a quantised model is trained by an adapter only; add a table "
                f"[{training.train.where}.lora], or set quantization = 'none'"
            )
            raise RecipeError(msg)
    for training in recipe.trainings[:-1]:
        if not getattr(training.train.options.lora, "merge", False):
            msg = (
                f"model.quantization = {given!r}: the next training starts from {training.name!r}, and its adapter cannot "
                f"stay beside quantised weights that get another one; set merge = true in [{training.train.where}.lora]"
            )
            raise RecipeError(msg)


def located(use: Use, shipped: Mapping[str, Path]) -> Use:
    """Return a model's table with its ``path`` made a directory, where it names a model that a plugin ships."""
    path = getattr(use.options, "path", None)
    same = [name for name in shipped if name.endswith(f"/{path}")]
    if same:
        msg = f"{use.where}.path: {str(path)!r} is shipped by {len(same)} plugins. Write {' or '.join(map(repr, same))}"
        raise RecipeError(msg)
    if path is None or str(path) not in shipped:
        return use
    return evolve(use, options=evolve(use.options, path=type(path)(shipped[str(path)])))


def with_model(run: Run, model: Model, weights: Weights | None = None) -> Run:
    """Return the run as a component sees it that needs the model."""
    return evolve(run, family=model.family, weights=weights or model.weights)

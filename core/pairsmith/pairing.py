"""Makes the items that a training reads: the selector's pairs, and the worse image and context of each."""

from contextlib import ExitStack

from attrs import frozen

from pairsmith import names, stages
from pairsmith.chain import Chain
from pairsmith.directory import RunDirectory
from pairsmith.errors import StageError
from pairsmith.failures import some_left
from pairsmith.hygiene import Hygiene
from pairsmith.interfaces import Run
from pairsmith.lazy import Lazy
from pairsmith.recipe import Recipe, Use
from pairsmith.runner import Runner, component_key, ingredients, sizes_of
from pairsmith.seeds import derive
from pairsmith.stages import Step
from pairsmith.store import Rows, Stage
from pairsmith.values import Item


@frozen(kw_only=True)
class Pairing:
    """Selects and corrupts, for every training and arm of a recipe."""

    recipe: Recipe
    directory: RunDirectory
    run: Run
    runner: Runner

    def items(self, chain: Chain, use: Use | None, arm: str, training: str, *, corrupted: bool = True) -> Stage:
        """Return the items of an arm and a training, made as far as they are not there."""
        if use is None:
            msg = f"recipe {self.recipe.name!r} needs a table [pairs] that names a selector"
            raise StageError(msg)
        name = names.arm_stage("pairs", arm, training)
        seed = derive(self.recipe.seed, "pairs")
        hygiene = Hygiene(self.recipe.hygiene)
        codec = self.directory.codec
        made_from = {"selector": component_key(use), "hygiene": self.recipe.hygiene_key(), "seed": seed}
        stage = self.directory.prepare(name, ingredients("pairs", chain.stages(), **made_from))
        for row in stage.rows() if stage.done() is None else ():
            if "item" in row:
                hygiene.remember(codec.value(row["item"], Item).value)
        with Lazy(use, self.run) as selector:
            work = stages.select(chain, selector, hygiene, seed)
            made = ingredients("pairs", chain.stages(), **made_from)
            step = Step(name=name, ingredients=made, work=work, facts=selector.facts)
            stage = self.runner.run(step, chain.samples.parts(), sizes_of(chain.samples))
        some_left(stage)
        if corrupted and self.recipe.corruptions:
            return self._corruptions(chain, stage, names.arm_stage("corruptions", arm, training))
        return stage

    def _corruptions(self, chain: Chain, pairs: Stage, name: str) -> Stage:
        codec, seed = self.directory.codec, derive(self.recipe.seed, "corruptions")
        items = Rows(pairs, lambda row: codec.value(row["item"], Item), keep=b'{"item"')
        made_from = {
            "corruptions": {axis: component_key(use) for axis, use in self.recipe.corruptions.items()},
            "seed": seed,
        }
        with ExitStack() as stack:
            lazies = {
                axis: stack.enter_context(Lazy(use, self.run)) for axis, use in sorted(self.recipe.corruptions.items())
            }
            work = stages.corrupt(items.part, chain.all_samples(), lazies, codec, seed)
            step = Step(
                name=name, ingredients=ingredients("corruptions", [chain.samples, pairs], **made_from), work=work
            )
            return self.runner.run(step, pairs.parts(), sizes_of(pairs))

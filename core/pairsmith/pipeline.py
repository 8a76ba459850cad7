"""Runs a recipe's stages in order, each only as far as it is not there yet."""

import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import islice
from typing import Any

from attrs import define, field

from pairsmith import admission, candidates, names, stages
from pairsmith.chain import Chain, texts
from pairsmith.directory import RunDirectory
from pairsmith.errors import StageError
from pairsmith.evaluation import Evaluations
from pairsmith.failures import some_left
from pairsmith.hygiene import Hygiene
from pairsmith.interfaces import Run
from pairsmith.lazy import Lazy
from pairsmith.model import Model, Trained, base_model, own_model, with_model
from pairsmith.options import plain
from pairsmith.progress import Progress
from pairsmith.recipe import Recipe, Training, Use
from pairsmith.registry import Registry
from pairsmith.runner import Explained, LocalEngine, Runner, component_key, ingredients, sizes_of
from pairsmith.seeds import derive
from pairsmith.stages import Step, Work
from pairsmith.store import Rows, Stage
from pairsmith.training import Trainings, corrupts
from pairsmith.values import Item
from pairsmith.within import builder


@define
class Pipeline:
    """One recipe in one run directory."""

    recipe: Recipe
    registry: Registry
    directory: RunDirectory
    progress: Progress
    limit: int | None = None
    run: Run = field(init=False)
    runner: Runner = field(init=False)
    _model: list[Model] = field(init=False, factory=list)
    _chain: list[Chain] = field(init=False, factory=list)

    def __attrs_post_init__(self) -> None:
        """Prepare what every stage shares."""
        self.run = Run(
            directory=self.directory.path,
            images=self.directory.images,
            seed=self.recipe.seed,
            texts=lambda: texts(self._chain[-1]) if self._chain else iter(()),
            component=builder(self.registry, lambda: self.run),
        )
        with Explained(self.directory, "engine"):
            engine = self.recipe.engine.build(self.run) if self.recipe.engine else LocalEngine()
        self.runner = Runner(directory=self.directory, engine=engine, progress=self.progress)

    @property
    def model(self) -> Model:
        """The base model; its family is built when it is first asked for."""
        if not self._model:
            self._model.append(base_model(self.recipe, self.registry, self.run))
            with Explained(self.directory, "model"):
                self._model[0].identity()
        return self._model[0]

    def execute(self, until: str | None = None) -> None:
        """Run every stage, or those up to and with ``until``."""
        names.check_until(until)
        last = names.UNTIL.index(until) if until else len(names.UNTIL)

        def wanted(stage: str) -> bool:
            return names.UNTIL.index(stage) <= last

        chain = self._images()
        if wanted("responses"):
            chain = self._responses(chain)
        if wanted("claims") and self.recipe.claims:
            chain = self._claims(chain, self.recipe.claims)
        if wanted("verdicts"):
            chain = self._verdicts(chain)
        if wanted("pairs") and (self.recipe.pairs or self.recipe.trainings):
            self._arms(chain, until if not wanted("evaluate") else None)
        elif wanted("evaluate") and self.recipe.benchmarks:
            self.evaluations().evaluate({names.BASE: self.base()})

    # Data ------------------------------------------------------------------------------------------------------------

    def _images(self) -> Chain:
        recipe = self.recipe
        check = recipe.image_check
        made_from = {
            "source": component_key(recipe.images),
            "check": None if check is None else check.key(),
            "seed": recipe.seed,
            "limit": self.limit,
            "part_size": recipe.part_size,
        }
        stage = self.directory.prepare("images", ingredients("images", [], **made_from))
        if stage.done() is None:
            self._read_images(stage)
        chain = Chain(directory=self.directory, samples=stage)
        self._chain.append(chain)
        if recipe.image_judges:
            chain = self._image_scores(chain)
        return chain

    def _read_images(self, stage: Stage) -> None:
        recipe, began = self.recipe, time.monotonic()
        part = len(stage.parts())
        start = part * recipe.part_size
        with ExitStack() as stack:
            stack.enter_context(Explained(self.directory, "images"))
            source = stack.enter_context(Lazy(recipe.images, self.run))
            check = stack.enter_context(Lazy(recipe.image_check, self.run))
            samples = admission.decided(source().samples(start), by_judges=bool(recipe.image_judges))
            total = self.limit if self.limit is not None else admission.length(source())
            task = stack.enter_context(self.progress.stage("images", total, start))
            for batch in admission.batches(
                islice(samples, None if self.limit is None else max(0, self.limit - start)), recipe.part_size
            ):
                counts: Counter[str] = Counter()
                rows = admission.image_rows(
                    batch,
                    check,
                    self.directory.images,
                    self.directory.codec,
                    counts,
                    stop_on_bad_image=recipe.on_bad_image == "stop",
                )
                stage.write(part, rows, counts)
                part += 1
                start += len(batch)
                task.advance(start)
            if start == 0:
                msg = f"images: {recipe.images.name!r} found no sample; look at its options in the table [images]"
                raise StageError(msg)
        stage.finish(time.monotonic() - began)
        admission.some_used(stage)

    def _image_scores(self, chain: Chain) -> Chain:
        judges, options = names.image_judges(self.recipe), self.recipe.image_keep
        candidates.check_weights(options, list(judges))
        with ExitStack() as stack:
            lazy = {name: stack.enter_context(Lazy(use, self.run)) for name, use in judges.items()}
            made_from = {"judges": [component_key(use) for use in judges.values()]}
            scores = self._step("image-scores", [chain.samples], made_from, candidates.score(chain, lazy), chain)
        work = candidates.keep(chain, scores, options)
        stage = self._step(names.KEPT_IMAGES, [chain.samples, scores], {"keep": plain(options)}, work, chain)
        candidates.some_kept(stage)
        return self._grown(chain, samples=stage)

    def _responses(self, chain: Chain) -> Chain:
        made: tuple[Stage, ...] = ()
        for name, use in zip(names.response_stages(self.recipe), self.recipe.responses, strict=True):
            seed = derive(self.recipe.seed, name)
            run, made_from = self._given(use, "generator")
            made_from = {**made_from, "weights": made_from.get("weights") or self._identity(), "seed": seed}
            with Lazy(use, run) as generator:
                work = stages.respond(chain, generator, seed)
                made += (self._step(name, [chain.samples], made_from, work, chain, generator),)
        return self._grown(chain, responses=made)

    def _claims(self, chain: Chain, use: Use) -> Chain:
        run, made_from = self._given(use, "decomposer")
        with Lazy(use, run) as decomposer:
            work = stages.decompose(chain, decomposer)
            stage = self._step("claims", [chain.samples, *chain.responses], made_from, work, chain, decomposer)
        return self._grown(chain, claims=stage)

    def _verdicts(self, chain: Chain) -> Chain:
        for name, use in zip(names.verdict_stages(self.recipe), self.recipe.judges, strict=True):
            run, made_from = self._given(use, "judge")
            with Lazy(use, run) as expert:
                stage = self._step(name, chain.stages(), made_from, stages.judge(chain, expert), chain, expert)
            chain = self._grown(chain, verdicts=(*chain.verdicts, stage))
        return chain

    def _grown(self, chain: Chain, **more: Any) -> Chain:  # noqa: ANN401 - a stage or several
        chain = chain.with_stage(**more)
        self._chain.append(chain)
        return chain

    def _step(
        self,
        name: str,
        upstream: Sequence[Stage],
        made_from: dict[str, Any],
        work: Work,
        chain: Chain,
        by: Lazy | None = None,
    ) -> Stage:
        step = Step(
            name=name,
            ingredients=ingredients(name, upstream, **made_from),
            work=work,
            may_fail=self.recipe.max_failures,
            facts=dict if by is None else by.facts,
        )
        return self.runner.run(step, chain.samples.parts(), sizes_of(chain.samples))

    # Pairs, training, evaluation -------------------------------------------------------------------------------------

    def _arms(self, chain: Chain, until: str | None) -> None:
        """Make the pairs and train on them: the recipe's own, then, from the same model, the control's."""
        *earlier, last = self.recipe.trainings or (None,)
        before: Trained | None = None
        for training in earlier:
            if training is not None:
                before = self._train(chain, training, "", before, until)
        results = {arm: self._train(chain, last, arm, before, until) for arm in names.arms(self.recipe)}
        if until is None and self.recipe.benchmarks:
            models = {names.TRAINED: results.get(""), names.CONTROL: results.get(names.CONTROL)}
            self.evaluations().evaluate({name: models.get(name) or self.base() for name in names.models(self.recipe)})

    def _train(
        self, chain: Chain, training: Training | None, arm: str, before: Trained | None, until: str | None
    ) -> Trained | None:
        """Do one training of one arm; ``None`` where there is nothing to train, or ``until`` stops before it."""
        selector = self.recipe.control if arm else (training.pairs if training else self.recipe.pairs)
        own = training.name if training and names.own_pairs(self.recipe, training) else "train"
        items = self._items(
            chain, selector, arm, own, corrupted=until != "pairs" and corrupts(self.recipe, training, self.run)
        )
        if training is None or until in {"pairs", "corruptions"}:
            return None
        return self._trainings().train(training, arm, items, before or self.base(), until=until)

    def _items(self, chain: Chain, use: Use | None, arm: str, training: str, *, corrupted: bool = True) -> Stage:
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

    # What identifies things --------------------------------------------------------------------------------------------

    def _identity(self) -> str | None:
        return self.model.identity() if self.recipe.model else None

    def base(self) -> Trained:
        """Return the base model as one that can be evaluated."""
        return Trained(weights=self.model.weights, identity=self.model.identity())

    def _given(self, use: Use, kind: str) -> tuple[Run, dict[str, Any]]:
        """Return the run that a component is given, with its own model where it names one, and what its work depends on."""
        with Explained(self.directory, use.where):
            own = own_model(use, self.registry, self.run)
            made_from = {kind: component_key(use), **({} if own is None else {"weights": own.identity()})}
        model = own or (self.model if self.recipe.model else None)
        return self.run if model is None else with_model(self.run, model), made_from

    def _trainings(self) -> Trainings:
        asked = self.evaluations()
        recipe, directory, run, model, progress = self.recipe, self.directory, self.run, self.model, self.progress
        return Trainings(recipe=recipe, directory=directory, run=run, model=model, progress=progress, evaluations=asked)

    def evaluations(self) -> Evaluations:
        """Return what evaluates models."""
        recipe, directory, run, runner = self.recipe, self.directory, self.run, self.runner
        return Evaluations(recipe=recipe, directory=directory, run=run, model=self.model, runner=runner)

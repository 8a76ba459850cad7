"""Runs a recipe's stages in order, each only as far as it is not there yet."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from itertools import islice
from typing import Any

from attrs import define, field

from pairsmith import admission, candidates, names, rounds, stages
from pairsmith.chain import Chain, texts
from pairsmith.directory import RunDirectory
from pairsmith.errors import StageError
from pairsmith.evaluation import Evaluations
from pairsmith.interfaces import Run
from pairsmith.lazy import Lazy
from pairsmith.model import Model, Trained, base_model, own_model, with_model
from pairsmith.options import plain
from pairsmith.pairing import Pairing
from pairsmith.preflight import preflight
from pairsmith.progress import Progress
from pairsmith.recipe import Recipe, Training, Use
from pairsmith.registry import Registry
from pairsmith.runner import Explained, LocalEngine, Runner, component_key, ingredients, sizes_of
from pairsmith.seeds import derive
from pairsmith.shard import Shard
from pairsmith.stages import Step, Work
from pairsmith.store import Stage
from pairsmith.training import Trainings, corrupts
from pairsmith.within import builder


@define
class Pipeline:
    """One recipe in one run directory."""

    recipe: Recipe
    registry: Registry
    directory: RunDirectory
    progress: Progress
    limit: int | None = None
    shard: Shard | None = None
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
        self.runner = Runner(directory=self.directory, engine=engine, progress=self.progress, shard=self.shard)

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

        if wanted("reference"):
            preflight(self.recipe, self.directory, self.run)
        everyone, models, policy = self._images(), dict[str, Trained | None](), None
        for number in range(1, self.recipe.rounds.n + 1):
            chain = self._data(everyone, number, policy, wanted)
            if not wanted("pairs") or not (self.recipe.pairs or self.recipe.trainings):
                break
            results = self._arms(chain, number, policy, None if wanted("evaluate") else until)
            models |= {names.model_after(self.recipe, number, arm): result for arm, result in results.items()}
            policy = results[""]
            if policy is None:  # stopped before the first training has ended, so there is nobody to answer
                break
        if wanted("evaluate") and self.recipe.benchmarks:
            self.evaluations().evaluate({name: models.get(name) or self.base() for name in names.models(self.recipe)})

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

    def _data(self, everyone: Chain, number: int, policy: Trained | None, wanted: Callable[[str], bool]) -> Chain:
        """Make the answers of a round, by ``policy`` or else the base model, and what is said of them."""
        chain, options = everyone, self.recipe.rounds
        if options.n > 1 and wanted("responses"):
            self.progress.say(f"round {number} of {options.n}")
            name, made_from = names.sample_stage(self.recipe, number), {"round": number, "rounds": plain(options)}
            stage = self._step(name, [everyone.samples], made_from, rounds.share(everyone, number, options), everyone)
            rounds.some_shared(stage, options)
            chain = self._grown(everyone, samples=stage)
        if wanted("responses"):
            chain = self._responses(chain, number, policy)
        if wanted("claims") and self.recipe.claims:
            chain = self._claims(chain, number, self.recipe.claims)
        return self._verdicts(chain, number) if wanted("verdicts") else chain

    def _responses(self, chain: Chain, number: int, policy: Trained | None) -> Chain:
        made: tuple[Stage, ...] = ()
        for name, use in zip(names.response_stages(self.recipe, number), self.recipe.responses, strict=True):
            seed = derive(self.recipe.seed, name)
            run, made_from = self.given(use, "generator", policy)
            made_from = {**made_from, "weights": made_from.get("weights") or self._identity(), "seed": seed}
            with Lazy(use, run) as generator:
                work = stages.respond(chain, generator, seed)
                made += (self._step(name, [chain.samples], made_from, work, chain, generator),)
        return self._grown(chain, responses=made)

    def _claims(self, chain: Chain, number: int, use: Use) -> Chain:
        run, made_from = self.given(use, "decomposer")
        with Lazy(use, run) as decomposer:
            name, work = names.in_round("claims", number), stages.decompose(chain, decomposer)
            stage = self._step(name, [chain.samples, *chain.responses], made_from, work, chain, decomposer)
        return self._grown(chain, claims=stage)

    def _verdicts(self, chain: Chain, number: int) -> Chain:
        for name, use in zip(names.verdict_stages(self.recipe, number), self.recipe.judges, strict=True):
            run, made_from = self.given(use, "judge")
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

    def _arms(self, chain: Chain, number: int, policy: Trained | None, until: str | None) -> dict[str, Trained | None]:
        """Make the pairs and train on them: the recipe's own, then, in the first round and from the same, the control's."""
        *earlier, last = names.trainings_of(self.recipe, number) or (None,)
        before = policy
        for training in earlier:
            if training is not None:
                before = self._train(chain, training, "", before, until)
        return {arm: self._train(chain, last, arm, before, until) for arm in names.arms(self.recipe, number)}

    def _train(
        self, chain: Chain, training: Training | None, arm: str, before: Trained | None, until: str | None
    ) -> Trained | None:
        """Do one training of one arm; ``None`` where there is nothing to train, or ``until`` stops before it."""
        selector = self.recipe.control if arm else (training.pairs if training else self.recipe.pairs)
        own = training.name if training and names.own_pairs(self.recipe, training) else "train"
        corrupted = until != "pairs" and corrupts(self.recipe, training, self.run)
        pairing = Pairing(recipe=self.recipe, directory=self.directory, run=self.run, runner=self.runner)
        items = pairing.items(chain, selector, arm, own, corrupted=corrupted)
        if training is None or until in {"pairs", "corruptions"}:
            return None
        return self._trainings().train(training, arm, items, before or self.base(), until=until)

    # What identifies things --------------------------------------------------------------------------------------------

    def _identity(self) -> str | None:
        return self.model.identity() if self.recipe.model else None

    def base(self) -> Trained:
        """Return the base model as one that can be evaluated."""
        return Trained(weights=self.model.weights, identity=self.model.identity())

    def given(self, use: Use, kind: str, policy: Trained | None = None) -> tuple[Run, dict[str, Any]]:
        """Return the run that a component is given, with its own model where it names one, and what its work depends on.

        ``policy`` is a model that takes the base model's place.
        """
        with Explained(self.directory, use.where):
            own = own_model(use, self.registry, self.run)
            identity = own.identity() if own else policy.identity if policy else None
            made_from = {kind: component_key(use), **({} if identity is None else {"weights": identity})}
        model = own or (self.model if self.recipe.model else None)
        weights = policy.weights if policy and not own else None
        return self.run if model is None else with_model(self.run, model, weights), made_from

    def _trainings(self) -> Trainings:
        asked = self.evaluations()
        recipe, directory, run, model, progress = self.recipe, self.directory, self.run, self.model, self.progress
        return Trainings(recipe=recipe, directory=directory, run=run, model=model, progress=progress, evaluations=asked)

    def evaluations(self) -> Evaluations:
        """Return what evaluates models."""
        recipe, directory, run, runner = self.recipe, self.directory, self.run, self.runner
        return Evaluations(recipe=recipe, directory=directory, run=run, model=self.model, runner=runner)

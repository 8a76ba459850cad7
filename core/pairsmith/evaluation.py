"""Evaluates models on benchmarks: the samples once, one stage of answers per model, the scores beside the answers."""

import time
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from itertools import islice
from typing import Any

from attrs import frozen

from pairsmith import admission, names, stages
from pairsmith.chain import Chain
from pairsmith.directory import RunDirectory
from pairsmith.interfaces import Run
from pairsmith.lazy import Lazy
from pairsmith.model import Model, Trained, with_model
from pairsmith.recipe import Recipe, Use
from pairsmith.runner import Explained, Runner, asking_key, component_key, ingredients, sizes_of
from pairsmith.scored import scoring_key, write_scores
from pairsmith.seeds import derive
from pairsmith.stages import Step
from pairsmith.store import Stage


@frozen(kw_only=True)
class Evaluations:
    """Asks every model of a recipe what its benchmarks ask."""

    recipe: Recipe
    directory: RunDirectory
    run: Run
    model: Model
    runner: Runner

    def evaluate(self, models: Mapping[str, Trained], benchmarks: Mapping[str, Use] | None = None) -> None:
        """Score each model on each benchmark, the recipe's by default; what was scored before is not asked again."""
        for name, use in (names.benchmarks(self.recipe) if benchmarks is None else benchmarks).items():
            with ExitStack() as stack:
                benchmark = stack.enter_context(Lazy(use, self.run))
                check = stack.enter_context(Lazy(self.recipe.image_check, self.run))
                chain = Chain(directory=self.directory, samples=self._samples(name, use, benchmark, check))
                scored_by = scoring_key(component_key(use))
                for model, trained in models.items():
                    self._answers(chain, benchmark, name, model, trained, scored_by, table_of(use))

    def _samples(self, name: str, use: Use, benchmark: Lazy, check: Lazy) -> Stage:
        made_from = {"benchmark": asking_key(use), "part_size": self.recipe.part_size}
        stage = self.directory.prepare(f"benchmark-{name}", ingredients("benchmark", [], **made_from))
        if stage.done() is None:
            began = time.monotonic()
            with Explained(self.directory, stage.name):
                there = len(stage.parts())
                samples = islice(iter(benchmark().samples()), there * self.recipe.part_size, None)
                for part, batch in enumerate(admission.batches(samples, self.recipe.part_size), there):
                    counts: Counter[str] = Counter()
                    store, codec = self.directory.images, self.directory.codec
                    rows = admission.image_rows(batch, check, store, codec, counts, stop_on_bad_image=True)
                    stage.write(part, rows, counts)
            stage.finish(time.monotonic() - began)
        return stage

    def _answers(
        self,
        chain: Chain,
        benchmark: Lazy,
        name: str,
        model: str,
        trained: Trained,
        scored_by: str,
        table: Mapping[str, Any] | None,
    ) -> None:
        use = self.recipe.evaluation or self.recipe.responses[0]
        stage_name = names.answers_stage(name, model)
        seed = derive(self.recipe.seed, "evaluate", name)
        made_from = {"generator": component_key(use), "weights": trained.identity, "seed": seed}
        with Lazy(use, with_model(self.run, self.model, trained.weights)) as generator:
            work = stages.respond(chain, generator, seed, greedy=True)
            step = Step(name=stage_name, ingredients=ingredients(stage_name, [chain.samples], **made_from), work=work)
            stage = self.runner.run(step, chain.samples.parts(), sizes_of(chain.samples))
        if (stage.note("scores.json") or {}).get("scored_by") != scored_by:
            with Explained(self.directory, stage_name):
                codec = self.directory.codec
                samples = list(chain.all_samples())
                responses = [response for row in stage.rows() for response in stages.responses_of(row, codec)]
                write_scores(stage, benchmark(), name, model, samples, responses, scored_by, table)


def table_of(use: Use) -> Mapping[str, Any] | None:
    """Return a benchmark's table as a recipe writes it; none where it was an object, which no table can name."""
    key = use.key()
    if key["options"] is None:
        return None
    return {"use": key["component"], **{name: value for name, value in key["options"].items() if value is not None}}

"""Evaluates models on benchmarks: the samples once, one stage of answers per model, the scores beside the answers."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from itertools import islice
from typing import Any

from attrs import frozen

from pairsmith import admission, names, stages
from pairsmith.chain import Chain
from pairsmith.directory import RunDirectory
from pairsmith.interfaces import BENCHMARK, Run
from pairsmith.lazy import Lazy
from pairsmith.model import Model, Trained, with_model
from pairsmith.recipe import Recipe, Use
from pairsmith.runner import Explained, Runner, asking_key, component_key, ingredients, sizes_of
from pairsmith.scored import read_scores, scoring_key, write_scores
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
            self._ask(name, use, {(model, names.answers_stage(name, model)): one for model, one in models.items()})

    def at_step(self, training: str, step: int, trained: Trained, only: Sequence[str]) -> dict[str, float]:
        """Score a model on its way through a training, by that training's stage; return its numbers by name.

        ``only`` are the benchmarks that are asked, all of the recipe's where it is empty.
        """
        numbers: dict[str, float] = {}
        for name, use in names.benchmarks(self.recipe).items():
            if only and name not in only:
                continue
            stage = names.step_stage(name, training, step)
            self._ask(name, use, {(f"{training} at step {step}", stage): trained})
            scores = read_scores(self.directory.stage(stage)) or {}
            numbers |= {f"{BENCHMARK}{name}/{metric}": value for metric, value in scores["metrics"].items()}
        return numbers

    def _ask(self, name: str, use: Use, models: Mapping[tuple[str, str], Trained]) -> None:
        """Have models, each with its name and the stage of its answers, answer one benchmark, and score them."""
        with ExitStack() as stack:
            benchmark = stack.enter_context(Lazy(use, self.run))
            check = stack.enter_context(Lazy(self.recipe.image_check, self.run))
            chain = Chain(directory=self.directory, samples=self._samples(name, use, benchmark, check))
            scored_by = scoring_key(component_key(use))
            for (model, stage_name), trained in models.items():
                self._answers(chain, benchmark, name, model, stage_name, trained, scored_by, table_of(use))

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
        stage_name: str,
        trained: Trained,
        scored_by: str,
        table: Mapping[str, Any] | None,
    ) -> None:
        use = self.recipe.evaluation or self.recipe.responses[0]
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

"""Tasks of lmms-eval (github.com/EvolvingLMMs-Lab/lmms-eval), answered by a recipe's generator and scored by lmms-eval.

Its public entry, ``lmms_eval.evaluator.simple_evaluate``, is called twice with a model that is none: first with one that
notes what is asked, then with one that repeats the answers that were given. So questions, parsing and formulas are
lmms-eval's own, and everything else (which model, its adapter, greedy decoding, answers that are kept) is as in every
benchmark here. Metrics have lmms-eval's names and scale. Only tasks of questions about images are taken, one answer each;
a task's own number of new tokens does not reach the generator.
"""

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from pairsmith.errors import PairsmithError, StageError, in_short
from pairsmith.interfaces import Run, Scores
from pairsmith.values import Response, Sample, user
from pairsmith_benchmarks.answers import Answers, match
from pairsmith_benchmarks.judged_options import LmmsEvalOptions

INSTALL = "pip install lmms-eval (it brings torchvision, which must fit the torch that is installed)"
_FILTER = ",none"


class LmmsEval:
    """One task, or one group of tasks, of lmms-eval."""

    source: ClassVar[str] = "lmms-eval: github.com/EvolvingLMMs-Lab/lmms-eval, by its own rules"

    def __init__(self, options: LmmsEvalOptions, run: Run) -> None:
        """Look for lmms-eval, before any model is asked."""
        try:
            from lmms_eval import evaluator
            from lmms_eval.api.model import lmms
            from lmms_eval.tasks import TaskManager
        except ImportError as error:
            msg = f"lmms-eval: it is not installed, or lacks something ({in_short(error)}): {INSTALL}"
            raise StageError(msg) from None
        self._options, self._run = options, run
        self._evaluator, self._model, self._tasks = evaluator, lmms, TaskManager

    def samples(self) -> Iterator[Sample]:
        """Yield a sample for everything that the task asks, with its images."""
        noted: list[Any] = []

        def note(requests: Sequence[Any]) -> list[str]:
            noted.extend(requests)
            return [""] * len(requests)

        self._evaluate(note, predict_only=True)
        for request in noted:
            text, _, visual, number, task, split = request.args
            name = f"{task}/{split}/{number}"
            images = tuple(self._image(one, name) for one in visual(self._documents[task][split][number]) or ())
            yield Sample(id=name, images=images, prompt=user(text))

    def score(self, samples: Sequence[Sample], responses: Sequence[Response]) -> Scores:
        """Have lmms-eval score one answer per sample."""
        return self._scored(
            [one.id for one in samples], [(one.id, said.text) for one, said in zip(samples, responses, strict=True)]
        )

    def score_answers(self, answers: Answers) -> Scores:
        """Score answers made elsewhere, by the ids of the samples: ``task/split/number``."""
        return self._scored([one.id for one in self.samples()], answers)

    def _scored(self, ids: Sequence[str], answers: Answers) -> Scores:
        given = list(answers)
        found = match(ids, given)
        found.warn("lmms-eval")
        lacking = [one for one, problem in found.problems.items() if problem != "empty"]
        if lacking:
            msg = (
                f"lmms-eval: {len(lacking)} items have no answer or two, such as {lacking[0]!r}; a task is scored whole"
            )
            raise StageError(msg)
        texts = {one: found.texts.get(one, "") for one in ids}

        def repeat(requests: Iterable[Any]) -> list[str]:
            return [texts["/".join(map(str, (one.args[4], one.args[5], one.args[3])))] for one in requests]

        results = self._evaluate(repeat)
        metrics, lower = metrics_of(results)
        counts = {"scored": float(len(ids)), "empty": float(len(found.problems)), "long": float(len(found.long))}
        return Scores(
            metrics={**metrics, **counts},
            lower_is_better=(*lower, "empty"),
            neutral=("scored", "long"),
            items=_items(results, ids),
        )

    def _evaluate(self, answer: Any, **more: Any) -> Mapping[str, Any]:  # noqa: ANN401 - a function of requests
        options = self._options
        model = _model(self._model, answer)
        include = None if options.include is None else str(options.include)
        try:
            results = self._evaluator.simple_evaluate(
                model=model,
                tasks=[options.task],
                limit=options.limit,
                bootstrap_iters=0,
                batch_size=1,
                task_manager=self._tasks("WARNING", include_path=include),
                verbosity="WARNING",
                **more,
            )
        except PairsmithError:
            raise
        except Exception as error:
            msg = f"lmms-eval: task {options.task!r} failed with {type(error).__name__}: {in_short(error)}"
            raise StageError(msg) from error
        self._documents = model.task_dict
        found: Mapping[str, Any] = results
        return found

    def _image(self, visual: Any, name: str) -> Any:  # noqa: ANN401 - what a task shows
        if not hasattr(visual, "save"):
            msg = f"lmms-eval: {name!r} shows something that is no image: {type(visual).__name__}; choose a task of images"
            raise StageError(msg)
        buffer = io.BytesIO()
        visual.convert("RGB").save(buffer, format="PNG")
        return self._run.images.add_bytes(buffer.getvalue(), ".png")


def _model(base: Any, answer: Any) -> Any:  # noqa: ANN401 - lmms-eval has no types
    class Repeating(base):  # type: ignore[misc]
        """Answers requests with a function, and has no weights."""

        batch_size = 1

        def generate_until(self, requests: Sequence[Any]) -> list[str]:
            found: list[str] = answer(requests)
            return found

        def loglikelihood(self, requests: Sequence[Any]) -> Any:  # noqa: ANN401, ARG002
            msg = "lmms-eval: the task compares probabilities and asks no question; choose one whose answers are texts"
            raise StageError(msg)

        def generate_until_multi_round(self, requests: Sequence[Any]) -> Any:  # noqa: ANN401, ARG002
            msg = "lmms-eval: the task asks in several rounds; choose one of a question and an answer"
            raise StageError(msg)

    return Repeating()


def metrics_of(results: Mapping[str, Any]) -> tuple[dict[str, float], tuple[str, ...]]:
    """Return the numbers of lmms-eval's results, and which are better when low; a task's name only where there are several.

    >>> metrics_of({"results": {"mme": {"alias": "mme", "score,none": 7.0, "score_stderr,none": "N/A"}}})
    ({'score': 7.0}, ())
    """
    tables = results["results"]
    metrics: dict[str, float] = {}
    lower = []
    for task, table in tables.items():
        better = (results.get("higher_is_better") or {}).get(task) or {}
        for key, value in table.items():
            metric = key.partition(",")[0]
            if "," not in key or "_stderr" in metric or isinstance(value, bool | str) or not _is_number(value):
                continue
            name = key.removesuffix(_FILTER)
            name = name if len(tables) == 1 else f"{task}/{name}"
            metrics[name] = float(value)
            if better.get(metric) is False:
                lower.append(name)
    return metrics, tuple(lower)


def _is_number(value: Any) -> bool:  # noqa: ANN401
    try:
        return abs(float(value)) != float("inf") and float(value) == float(value)
    except (TypeError, ValueError):
        return False


def _items(results: Mapping[str, Any], ids: Sequence[str]) -> list[Mapping[str, Any]]:
    """Return what lmms-eval noted of each item that fits into a row."""
    found: dict[str, dict[str, Any]] = {one: {} for one in ids}
    by_number = {(one.split("/")[0], one.rpartition("/")[2]): one for one in ids}
    for task, rows in (results.get("samples") or {}).items():
        for row in rows:
            name = by_number.get((task, str(row.get("doc_id"))))
            if name is not None:
                kept = {key: row[key] for key in row if _is_number(row[key]) or isinstance(row[key], str)}
                found[name] = {key: kept[key] for key in kept if key not in {"doc_id", "doc_hash"}}
    return [found[one] for one in ids]

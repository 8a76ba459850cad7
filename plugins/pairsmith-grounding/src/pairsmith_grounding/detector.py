"""The judge of what a detector sees. Boxes are asked for once an image and name; thresholds come after."""

from collections.abc import Sequence
from itertools import chain
from types import TracebackType
from typing import Self

from pairsmith.answers import Answers, Question
from pairsmith.interfaces import Run
from pairsmith.values import Case, Claim, Verdict
from pairsmith_grounding.boxes import Raw, shared
from pairsmith_grounding.geometry import suppress
from pairsmith_grounding.grounding_dino import GroundingDino
from pairsmith_grounding.options import GroundingDinoOptions, OwlVitOptions
from pairsmith_grounding.owl_vit import OwlVit
from pairsmith_grounding.pictures import shown
from pairsmith_grounding.rules import Found, Rules, judge, lacks, things


class Detector:
    """Implements :class:`pairsmith.interfaces.Judge` for claims of aspect object, count, scale and spatial."""

    def __init__(self, name: str, finder: OwlVit | GroundingDino, run: Run) -> None:
        """Know what raw boxes depend on; the weights are loaded when something must be looked for."""
        self._finder, self._options = finder, finder.options
        self.aspects: tuple[str, ...] | None = self._options.aspects
        made_from = {
            **finder.checkpoint.identity(),
            "floor": self._options.floor,
            "template": self._options.template,
        }
        self._together = self._options.together if isinstance(self._options, OwlVitOptions) else 1
        if self._together > 1:
            made_from["places"] = True
        self.answers = Answers(run, name, made_from)
        self._rules = Rules(
            judge=name,
            near=self._options.near,
            distance=self._options.near_distance,
            more={"threshold": self._options.threshold},
        )

    def __enter__(self) -> Self:
        """Use the model."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let the model's memory go."""
        self._finder.checkpoint.unload()

    def judge(self, cases: Sequence[Case]) -> list[list[Verdict]]:
        """Return a verdict per claim: everything that is looked for in any case is looked for together."""
        wanted = {question.key: question for case in cases for claim in case.claims for question in _asked(case, claim)}
        answers = self.answers.ask(list(wanted.values()), self._finder.answer, self._finder.batches)
        known = dict(zip(wanted, answers, strict=True))
        return [self._verdicts(case, known) for case in cases]

    def _verdicts(self, case: Case, known: dict[tuple[str, str], Raw]) -> list[Verdict]:
        asked = {question.text: question.key for claim in case.claims for question in _asked(case, claim)}
        boxes = self._left({name: known[key] for name, key in asked.items()})
        found = {name: self._found(its) for name, its in boxes.items()}
        return [judge(claim, found.__getitem__, self._rules) for claim in case.claims]

    def _left(self, boxes: dict[str, Raw]) -> dict[str, Raw]:
        """Return the boxes of each name of an image, without those that go to another name of its group."""
        size, names = self._together, list(boxes)
        if size == 1:
            return boxes
        groups = [names[start : start + size] for start in range(0, len(names), size)]
        left = [zip(group, shared([boxes[name] for name in group]), strict=True) for group in groups]
        return dict(chain.from_iterable(left))

    def _found(self, boxes: Raw) -> Found:
        scored = [((x, y, u, v), score) for x, y, u, v, score, *_ in boxes if score >= self._options.threshold]
        kept = suppress(scored, self._options.nms)
        return Found(boxes=[box for box, _ in kept], scores=[score for _, score in kept])


def _asked(case: Case, claim: Claim) -> list[Question]:
    if lacks(claim):
        return []
    image = shown(case)
    return [Question(name, image) for name in things(claim)]


def owl_vit(options: OwlVitOptions, run: Run) -> Detector:
    """Return the judge ``owl-vit``."""
    return Detector("owl-vit", OwlVit(options), run)


def grounding_dino(options: GroundingDinoOptions, run: Run) -> Detector:
    """Return the judge ``grounding-dino``."""
    return Detector("grounding-dino", GroundingDino(options), run)

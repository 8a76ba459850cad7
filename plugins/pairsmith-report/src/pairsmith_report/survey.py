"""One walk over a run's pairs and one over its verdicts, keeping only sums and the few pairs that are shown."""

from collections import Counter, defaultdict
from collections.abc import Mapping

from attrs import define, field, frozen

from pairsmith.interfaces import RunView
from pairsmith.scores import WHOLE_RESPONSE
from pairsmith.values import Item, Judged, Pair
from pairsmith_report.histogram import Histogram
from pairsmith_report.spread import Spread
from pairsmith_report.words import length

MOST_ASPECTS = 100
MOST_REASONS = 50
OTHER = "(other)"
ICONS = {"supported": "✓", "contradicted": "✗", "skipped": "⊘", "scored": "•", "not judged": "○"}
"""One for each outcome; the word always stands beside it."""


@define
class Distributions:
    """What is known about the sizes and scores of all pairs (or demonstrations) of an arm."""

    words: Mapping[str, Histogram] = field(factory=lambda: {"chosen": Histogram(), "rejected": Histogram()})
    scores: Mapping[str, Histogram] = field(factory=lambda: {"chosen": Histogram(), "rejected": Histogram()})
    margins: Histogram = field(factory=Histogram)
    pairs: int = 0
    demonstrations: int = 0

    def add(self, item: Item) -> None:
        """Count one item."""
        value = item.value
        self.words["chosen"].add(length(value.chosen.text))
        if not isinstance(value, Pair):
            self.demonstrations += 1
            if value.score is not None:
                self.scores["chosen"].add(value.score)
            return
        self.pairs += 1
        self.words["rejected"].add(length(value.rejected.text))
        if value.scores is not None:
            chosen, rejected = value.scores
            self.scores["chosen"].add(chosen)
            self.scores["rejected"].add(rejected)
            self.margins.add(chosen - rejected)


@define
class Verdicts:
    """How often each judge gave each outcome on each aspect, and why it skipped."""

    outcomes: "dict[tuple[str, str], Counter[str]]" = field(factory=lambda: defaultdict(Counter))
    reasons: "dict[str, Counter[str]]" = field(factory=lambda: defaultdict(Counter))

    def add(self, judged: Judged) -> None:
        """Count the verdicts of one sample."""
        aspects = {claim.id: claim.aspect for claim in judged.claims}
        for verdict in judged.verdicts:
            aspect = WHOLE_RESPONSE if verdict.claim_id is None else aspects.get(verdict.claim_id, OTHER)
            key = (verdict.judge, aspect)
            if key not in self.outcomes and len(self.outcomes) >= MOST_ASPECTS:
                key = (verdict.judge, OTHER)
            self.outcomes[key][verdict.outcome or "scored"] += 1
            if verdict.outcome == "skipped":
                # What follows the colon is about one claim; what precedes it is the kind of reason.
                reason = verdict.reason.partition(":")[0][:120]
                reasons = self.reasons[verdict.judge]
                reasons[reason if reason in reasons or len(reasons) < MOST_REASONS else OTHER] += 1


@frozen
class Portion:
    """The verdicts of one outcome: ``share`` in percent."""

    outcome: str
    count: int
    share: float

    @property
    def icon(self) -> str:
        """The sign of the outcome."""
        return ICONS[self.outcome]


@frozen
class Bar:
    """The verdicts of one judge on one aspect."""

    judge: str
    aspect: str
    total: int
    portions: tuple[Portion, ...]


def bars(verdicts: Verdicts) -> list[Bar]:
    """Return what each judge found on each aspect, in shares."""
    found = []
    for (judge, aspect), outcomes in sorted(verdicts.outcomes.items()):
        total = outcomes.total()
        portions = [Portion(name, outcomes[name], 100 * outcomes[name] / total) for name in ICONS if outcomes[name]]
        found.append(Bar(judge, aspect, total, tuple(portions)))
    return found


@frozen
class Survey:
    """What one walk found. ``judged`` holds the samples of the examples, by id."""

    distributions: Distributions
    verdicts: Verdicts
    examples: list[Item]
    judged: Mapping[str, Judged]


def survey(view: RunView, wanted: int) -> Survey:
    """Walk over a run once, and pick the examples."""
    distributions, verdicts, spread = Distributions(), Verdicts(), Spread[Item](wanted)
    for item in view.items():
        distributions.add(item)
        spread.add(item)
    examples = spread.picked()
    asked = {item.value.sample.id for item in examples}
    judged: dict[str, Judged] = {}
    if any(name.partition("-")[0] in {"claims", "verdicts"} for name in view.stages()):
        for one in view.judged():
            verdicts.add(one)
            if one.sample.id in asked:
                judged[one.sample.id] = one
    return Survey(distributions, verdicts, examples, judged)

"""Options of this plugin's components. Imports no library."""

from pathlib import Path

from attrs import field, frozen
from attrs.validators import ge, gt, lt

_CONFIDENCE = {"help": "of the intervals, between 0 and 1"}
_RESAMPLES = {"help": "how often clusters (items of one image) are drawn again"}
_SEED = {"help": "seed of the draws"}


@frozen(kw_only=True)
class ComparisonOptions:
    """Options of ``[[reports]] use = "comparison"``."""

    resamples: int = field(default=10_000, validator=ge(100), metadata=_RESAMPLES)
    confidence: float = field(default=0.95, validator=[gt(0.0), lt(1.0)], metadata=_CONFIDENCE)
    seed: int = field(default=0, validator=ge(0), metadata=_SEED)


@frozen(kw_only=True)
class JudgesOptions:
    """Options of ``[[reports]] use = "judges"``."""

    labels: Path | None = field(
        default=None, metadata={"help": "rows of a claim or response, and its true label or a person's rating"}
    )
    truth: str = field(
        default="", metadata={"help": "a judge of the run (its stage) whose verdicts are taken for true"}
    )
    resamples: int = field(default=2_000, validator=ge(100), metadata=_RESAMPLES)
    confidence: float = field(default=0.95, validator=[gt(0.0), lt(1.0)], metadata=_CONFIDENCE)
    seed: int = field(default=0, validator=ge(0), metadata=_SEED)
    examples: int = field(
        default=20, validator=ge(0), metadata={"help": "disagreements that are shown, of each two judges"}
    )

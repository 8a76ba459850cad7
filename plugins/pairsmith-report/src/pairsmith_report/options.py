"""Options of the reporters."""

from attrs import field, frozen
from attrs.validators import and_, ge, le

MOST_PAIRS = 200


@frozen(kw_only=True)
class HtmlOptions:
    """Options of ``html``."""

    pairs: int = field(
        default=20,
        validator=and_(ge(0), le(MOST_PAIRS)),
        metadata={"help": f"how many pairs are shown, spread evenly over the run, 0 to {MOST_PAIRS}"},
    )

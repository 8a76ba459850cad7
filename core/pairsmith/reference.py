"""Options of ``[reference]``: reference log-probabilities that came with the answers, in place of computed ones."""

from attrs import field, frozen
from attrs.validators import ge, gt


@frozen(kw_only=True)
class ReferenceOptions:
    """Options of ``[reference]``."""

    parameter: str = field(
        metadata={"help": "the parameter of every answer that holds them: a list, one number a token, or their sum"}
    )
    check: int = field(
        default=16, validator=ge(1), metadata={"help": "pairs whose log-probabilities are computed and compared"}
    )
    tolerance: float = field(
        default=0.02, validator=gt(0.0), metadata={"help": "how far apart the two may be, in nats a token on average"}
    )

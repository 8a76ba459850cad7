"""What a message says where published data is not there: files, address, size, licence and layout.

Public for plugins: each keeps one table of these, and its sources and benchmarks say them.
"""

from attrs import field, frozen
from attrs.validators import min_len


@frozen(kw_only=True)
class Publication:
    """Data that somebody publishes. A size or a licence that nobody states is left out, never guessed.

    >>> str(Publication(files="a.json", address="example.org", size="5 MB", licence="MIT", layout="beside images/"))
    'a.json at example.org (5 MB; MIT), beside images/'
    """

    files: str = field(validator=min_len(1))
    address: str = field(validator=min_len(1))
    layout: str = field(validator=min_len(1))
    size: str = ""
    licence: str = ""

    def __str__(self) -> str:
        """Return all of it in one line, to stand after "download" or "it is published as"."""
        facts = "; ".join(filter(None, (self.size, self.licence)))
        return f"{self.files} at {self.address}{f' ({facts})' if facts else ''}, {self.layout}"


def said(*publications: Publication) -> str:
    """Return several publications in one line."""
    return "; and ".join(map(str, publications))

"""Which pair is nearly the same as an earlier one."""

from attrs import frozen

from pairsmith.values import Demonstration, Pair, Response, Sample, turns
from pairsmith_quality.options import AlikeOptions
from pairsmith_quality.outside import PROMPT, asked
from pairsmith_quality.pictures import Pictures
from pairsmith_quality.wording import Wording, Wordings, wording


@frozen
class Repeat:
    """A pair (or sample) that comes again, and how alike the texts are, 0 to 1."""

    of: str
    similarity: float | None = None

    def __str__(self) -> str:
        """Say what it repeats."""
        texts = "" if self.similarity is None else f", {self.similarity:.0%} of the three-word sequences in common"
        return f"nearly the same as {self.of!r}{texts}"


class Repeats:
    """Looks at pairs and demonstrations one by one, and remembers those that are not like an earlier one.

    By the rule ``both`` image and text must be alike. By ``text`` the image does not matter. By ``image`` the text does
    not: all pairs of the first sample that shows an image stay, and those of later samples go.
    """

    def __init__(self, options: AlikeOptions, rule: str, pictures: Pictures | None = None) -> None:
        """Remember none; ``pictures`` may be shared with another one."""
        self._rule = rule
        self._pictures = Pictures(options.max_distance, options.max_colour) if pictures is None else pictures
        self._texts = Wordings(options.similarity)
        self._ids: list[str] = []
        self._shown: dict[tuple[int, ...], str] = {}

    def look(self, value: Pair | Demonstration, text: Wording | None = None) -> Repeat | None:
        """Return what this repeats, or remember it; ``text`` is :func:`said` of it, where that is known."""
        if self._rule == "none":
            return None
        if self._rule == "image":
            return self._same_image(value.sample)
        group = self.images(value.sample) if self._rule == "both" else None
        text = text or said(value)
        found = self._texts.find(text, group)
        if found is not None:
            return Repeat(self._ids[found[0]], found[1])
        self._texts.add(text, group)
        self._ids.append(value.id)
        return None

    def images(self, sample: Sample) -> tuple[int, ...]:
        """Return what stands for a sample's images: the same for images that are alike."""
        return tuple(self._pictures.number(image) for image in sample.images)

    def _same_image(self, sample: Sample) -> Repeat | None:
        if not sample.images:
            return None
        first = self._shown.setdefault(self.images(sample), sample.id)
        return None if first == sample.id else Repeat(first)


def said(value: Pair | Demonstration) -> Wording:
    """Return what is asked and answered in a pair, each side by itself, so that an exchanged pair is another one."""
    sides: list[tuple[str, Response]] = [("chosen", value.chosen)]
    if isinstance(value, Pair):
        sides.append(("rejected", value.rejected))
    prompts = dict.fromkeys(asked(turns(value.sample, response)) for _, response in sides)
    return wording([*((PROMPT, text) for text in prompts), *((side, response.text) for side, response in sides)])

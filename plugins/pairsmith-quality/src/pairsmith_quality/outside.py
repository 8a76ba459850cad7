"""What benchmarks and other sets hold, so that a run's data can be held against it."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from attrs import frozen

from pairsmith.hygiene import words
from pairsmith.interfaces import Run
from pairsmith.values import Dropped, Image, Sample, Turn, turns
from pairsmith_quality.looks import look
from pairsmith_quality.options import AlikeOptions
from pairsmith_quality.pictures import Pictures
from pairsmith_quality.wording import Wordings, wording

PROMPT = "prompt"


@frozen
class Place:
    """An item of a benchmark or of another set."""

    set: str
    id: str

    def __str__(self) -> str:
        """Say where it is."""
        return f"{self.id!r} of {self.set}"


@frozen
class Contact:
    """What of a sample is elsewhere as well."""

    image: Place | None = None
    prompt: Place | None = None

    def is_by(self, rule: str) -> bool:
        """Tell whether this counts: ``image``, ``prompt``, ``either``, ``both`` or ``none``."""
        image, prompt = self.image is not None, self.prompt is not None
        return {"image": image, "prompt": prompt, "either": image or prompt, "both": image and prompt}.get(rule, False)

    def __str__(self) -> str:
        """Say what is where."""
        parts = (("image", self.image), ("prompt", self.prompt))
        said = [f"its {what} is like that of {place}" for what, place in parts if place]
        return " and ".join(said)


class Outside:
    """The images and prompts of every set that the options name, read when this is made."""

    def __init__(self, options: AlikeOptions, run: Run) -> None:
        """Read them. Raises :class:`StageError` where a set's files are missing, as its own component says."""
        self._pictures = Pictures(options.max_distance, options.max_colour)
        self._prompts = Wordings(options.similarity)
        self._least = options.min_words
        self._images: dict[int, Place] = {}
        self._asked: dict[int, Place] = {}
        self._seen_images: dict[str, Place | None] = {}
        self._seen_prompts: dict[str, Place | None] = {}
        self.sets: dict[str, dict[str, int]] = {}
        for name, samples in _sets(options, run):
            self._read(name, samples)

    def _read(self, name: str, samples: Iterable[Sample | Dropped]) -> None:
        found = {"items": 0, "images": 0, "prompts": 0, "short prompts": 0}
        for sample in samples:
            if isinstance(sample, Dropped):
                continue
            place = Place(name, sample.id)
            found["items"] += 1
            for image in (*sample.images, *sample.candidates):
                found["images"] += 1
                self._images.setdefault(self._pictures.number(image), place)
            prompt = asked(turns(sample))
            if len(words(prompt)) < self._least:
                found["short prompts"] += 1
                continue
            found["prompts"] += 1
            said = wording([(PROMPT, prompt)])
            if self._prompts.find(said) is None:
                self._asked[self._prompts.add(said)] = place
        self.sets[name] = found

    def contact(self, sample: Sample, *prompts: tuple[Turn, ...]) -> Contact:
        """Return what of a sample, and of the turns that were put in place of its own, is elsewhere."""
        image = next((place for one in sample.images if (place := self._image(one))), None)
        said = dict.fromkeys(asked(one) for one in (prompts or (turns(sample),)))
        prompt = next((place for one in said if (place := self._prompt(one))), None)
        return Contact(image=image, prompt=prompt)

    def _image(self, image: Image) -> Place | None:
        name = image.id or str(image.path)
        if name not in self._seen_images:
            number = self._pictures.find(look(image.path)) if self._images else None
            self._seen_images[name] = None if number is None else self._images[number]
        return self._seen_images[name]

    def _prompt(self, prompt: str) -> Place | None:
        if not self._asked or len(words(prompt)) < self._least:
            return None
        if prompt not in self._seen_prompts:
            found = self._prompts.find(wording([(PROMPT, prompt)]))
            self._seen_prompts[prompt] = None if found is None else self._asked[found[0]]
        return self._seen_prompts[prompt]


def asked(conversation: Iterable[Turn]) -> str:
    """Return what the user says in a conversation."""
    return "\n".join(turn.text for turn in conversation if turn.role == "user")


def _sets(options: AlikeOptions, run: Run) -> Iterator[tuple[str, Iterable[Sample | Dropped]]]:
    seen: dict[str, int] = {}
    kinds: tuple[tuple[Any, str, tuple[Mapping[str, Any], ...]], ...] = (
        ("benchmarks", "benchmarks", options.benchmarks),
        ("image_sources", "sources", options.sources),
    )
    for kind, option, tables in kinds:
        for number, table in enumerate(tables):
            name = str(table.get("use"))
            seen[name] = seen.get(name, 0) + 1
            component = run.component(kind, table, f"{option}[{number}]")()
            yield name if seen[name] == 1 else f"{name}-{seen[name]}", component.samples()

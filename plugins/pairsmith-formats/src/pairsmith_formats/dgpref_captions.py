"""DecompGen's published captions (arXiv 2411.13697): eight answers an image, each to its own instruction."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, islice
from pathlib import Path
from typing import Any

from pairsmith.errors import StageError
from pairsmith.interfaces import Run
from pairsmith.records import members
from pairsmith.values import Image, Response, Sample, user
from pairsmith_formats.dgpref import image_file, instructions_of
from pairsmith_formats.images import Pictures
from pairsmith_formats.options import DgprefCaptionsOptions, RowsOptions
from pairsmith_formats.pickles import read_pickle
from pairsmith_formats.reading import BadRowError, number

_KEY = re.compile(r"(\d{1,9})_(\d{1,4})")
PLACE = "dgpref"
"""The parameter of an answer that holds its key in the published pickles, ``IMAGE_INSTRUCTION``."""


class DgprefCaptions:
    """Yields each captioned image as a sample with its answers, in the order of the scene graphs."""

    def __init__(self, options: DgprefCaptionsOptions, run: Run) -> None:
        """Read the instructions; the pickles are read when the first sample is asked for."""
        self._options = options
        self._instructions = instructions_of(options.templates, options.prompt)
        rows = RowsOptions(path=options.path, images=options.images)
        self._pictures = Pictures(rows, options.images, run, "dgpref-captions")

    def samples(self, start: int = 0) -> Iterator[Sample]:
        """Yield the samples from the ``start``-th on."""
        return islice(self._all(), start, None)

    def _all(self) -> Iterator[Sample]:
        captions = _captions(self._options.path)
        logps = read_pickle(self._options.logps, without_tensors=True) if self._options.logps else {}
        names = enumerate(key for key, _ in members(self._options.scene_graphs))
        place, name = next(names, (-1, ""))
        for image, answers in groupby(sorted(captions), key=lambda key: key[0]):
            while place < image:
                place, name = next(names, (-1, ""))
                if place < 0:
                    msg = (
                        f"{str(self._options.path)!r} has captions of image {image}, and the scene graphs in "
                        f"{str(self._options.scene_graphs)!r} end before it, counted from 0; give train_sceneGraphs.json"
                    )
                    raise StageError(msg)
            yield self._sample(name, [(i, k, captions[i, k], logps.get(f"{i}_{k}", {})) for i, k in answers])

    def _sample(self, name: str, answers: Sequence[tuple[int, int, str, Any]]) -> Sample:
        place = f"{str(self._options.path)!r}, image {name!r}"
        try:
            image = Image(path=image_file(self._pictures, f"{name}.jpg"))
        except BadRowError as error:
            msg = f"{place} {error}"
            raise StageError(msg) from None
        prompts = [user(self._instruction(template, place)) for _, template, _, _ in answers]
        given = tuple(
            Response(
                id=f"{name}/{template}",
                sample_id=name,
                text=text,
                prompt=prompt if prompt != prompts[0] else (),
                parameters={PLACE: f"{index}_{template}", **_logps(logp)},
            )
            for (index, template, text, logp), prompt in zip(answers, prompts, strict=True)
        )
        return Sample(id=name, images=(image,), prompt=prompts[0], given=given)

    def _instruction(self, template: int, place: str) -> str:
        if len(self._instructions) == 1:
            return self._instructions[0]
        if template >= len(self._instructions):
            there = len(self._instructions)
            msg = f"{place} speaks of instruction {template}, and the templates hold {there}, counted from 0"
            raise StageError(msg)
        return self._instructions[template]


def _captions(path: Path) -> Mapping[tuple[int, int], str]:
    """Return the captions by image and instruction."""
    captions = read_pickle(path)
    if not isinstance(captions, dict):
        msg = f"{str(path)!r} holds a {type(captions).__name__}, and captions come as a dict of 'IMAGE_INSTRUCTION' to text"
        raise StageError(msg)
    found = {}
    for key, text in captions.items():
        match = _KEY.fullmatch(key) if isinstance(key, str) else None
        if match is None or not isinstance(text, str):
            msg = f"{str(path)!r} has an entry {key!r:.40} that is no 'IMAGE_INSTRUCTION' to text: {text!r:.80}"
            raise StageError(msg)
        found[int(match[1]), int(match[2])] = text
    return found


def _logps(logp: Any) -> dict[str, float]:  # noqa: ANN401 - whatever the pickle holds
    """Return the sum and the mean of an answer's log-probabilities under the published base model."""
    values = {name: number(logp.get(name)) for name in ("logp", "avg_logp")} if isinstance(logp, dict) else {}
    return {name: value for name, value in values.items() if value is not None}

"""Builds POPE questions from the objects of images: Li et al., arXiv 2305.10355, section 5.1."""

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from pairsmith.errors import StageError
from pairsmith.seeds import derive
from pairsmith_benchmarks.items import Item
from pairsmith_benchmarks.scenes import Scene

SPLITS = ("random", "popular", "adversarial")


def questions_about(
    scenes: Sequence[Scene], split: str, *, per_image: int = 3, images: int | None = 500, seed: int = 0
) -> list[Item]:
    """Return ``2 * per_image`` questions an image: about its first objects, and about as many that are not in it.

    An absent object is drawn among all (``random``), is the most frequent one (``popular``), or the one that most often
    occurs with the object asked about just before (``adversarial``); frequencies are those of the images drawn. Equal
    frequencies go by first occurrence. No object is asked about twice. Images with fewer than ``per_image`` different
    objects are left out; ``images`` of the others are drawn, all of them for ``None``.

    Raises :class:`StageError` where there are fewer such images than asked for.
    """
    fit = [scene for scene in scenes if len(scene.objects) >= per_image]
    if images is not None and len(fit) < images:
        msg = (
            f"pope: {len(fit):,} of {len(scenes):,} images have {per_image} or more different objects, fewer than the "
            f"sample of {images:,}; set 'sample' or 'per_image' lower"
        )
        raise StageError(msg)
    drawn = fit if images is None else random.Random(derive(seed, "pope")).sample(fit, images)
    popular = Counter(one for scene in drawn for one in scene.objects)
    together = _together(drawn) if split == "adversarial" else {}
    return [
        Item(
            id=f"{split}/{number}",
            image=scene.image,
            prompt=question(one),
            truth={"split": split, "label": label, "object": one},
        )
        for number, (scene, one, label) in enumerate(_asked(drawn, split, per_image, seed, popular, together), start=1)
    ]


def _asked(
    scenes: Sequence[Scene],
    split: str,
    per_image: int,
    seed: int,
    popular: Mapping[str, int],
    together: Mapping[str, Sequence[str]],
) -> Iterator[tuple[Scene, str, str]]:
    ranking = [one for one, _ in Counter(popular).most_common()]
    for scene in scenes:
        dice = random.Random(derive(seed, split, scene.image))
        taken = set(scene.objects)
        for present in scene.objects[:per_image]:
            yield scene, present, "yes"
            order = {"popular": ranking, "adversarial": together.get(present, ())}.get(split, ())
            absent = next((one for one in order if one not in taken), None) or _any(ranking, taken, dice, scene)
            taken.add(absent)
            yield scene, absent, "no"


def _any(every: Sequence[str], taken: set[str], dice: random.Random, scene: Scene) -> str:
    left = [one for one in every if one not in taken]
    if not left:
        msg = (
            f"pope: no object is left that is not in {scene.image!r}; the {len(every)} objects of all images are too "
            f"few, so set 'per_image' lower or give more images"
        )
        raise StageError(msg)
    return dice.choice(left)


def _together(scenes: Sequence[Scene]) -> dict[str, list[str]]:
    counts: dict[str, Counter[str]] = {}
    for scene in scenes:
        for one in scene.objects:
            counts.setdefault(one, Counter()).update(other for other in scene.objects if other != one)
    return {one: [other for other, _ in found.most_common()] for one, found in counts.items()}


def question(name: str) -> str:
    """Return the question about an object.

    >>> question("umbrella")
    'Is there an umbrella in the image?'
    """
    article = "an" if name[0].lower() in "aeiou" else "a"
    return f"Is there {article} {name} in the image?"

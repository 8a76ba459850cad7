"""What captions get right and wrong: CHAIR (Rohrbach et al., arXiv 1809.02156) and what stands beside it, in percent."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from pairsmith_toyworld.grammar import Said, parse, tell
from pairsmith_toyworld.oracle import verify
from pairsmith_toyworld.scene import COMPANIONS, Scene

LOWER_IS_BETTER = ("chair_i", "chair_s", "word_false", "companion_absent", "malformed")
NEUTRAL = ("length",)

_RATES = {
    "chair_i": ("objects false", "objects"),
    "chair_s": ("captions false", "captions"),
    "recall": ("objects found", "objects there"),
    "claim_accuracy": ("claims true", "claims"),
    "size": ("sizes true", "sizes"),
    "relation": ("relations true", "relations"),
    "count": ("counts true", "captions"),
    "word_recall": ("words read", "words there"),
    "word_false": ("words made up", "words absent"),
    "companion_present": ("companions found", "companions there"),
    "companion_absent": ("companions made up", "companions absent"),
    "malformed": ("malformed", "captions"),
}


def tally(text: str, scene: Scene) -> Counter[str]:
    """Count what one caption claims and how much of it is so.

    An object named twice is false the second time. Sizes and relations are counted where their objects exist: a wrong
    object is one mistake. Each trigger colour of a scene counts its companion once.
    """
    claims = parse(text)
    verdicts = list(zip(claims, verify(claims, scene), strict=True))
    counts: Counter[str] = Counter(captions=1, claims=len(claims), words_of_text=len(text.split()))
    counts["claims true"] = sum(so for _, so in verdicts)
    objects = [so for said, so in verdicts if said["kind"] == "object"]
    counts["objects"], counts["objects false"] = len(objects), objects.count(False)
    counts["captions false"] = int(False in objects)
    named = {(said["colour"], said["shape"]) for said in claims if said["kind"] == "object"}
    there = {thing.kind for thing in scene.things}
    counts["objects there"], counts["objects found"] = len(there), len(there & named)
    for said, so in verdicts:
        _count(said, so, there, counts)
    _words(claims, verdicts, scene, counts)
    _companions(named, there, scene, counts)
    return counts


def _count(said: Said, so: bool, there: set[tuple[str, str]], counts: Counter[str]) -> None:  # noqa: FBT001
    match said["kind"]:
        case "size" if (said["colour"], said["shape"]) in there:
            counts["sizes"] += 1
            counts["sizes true"] += so
        case "relation":
            first, second = (said["colour"], said["shape"]), tuple(said["other"])
            if first != second and first in there and second in there:
                counts["relations"] += 1
                counts["relations true"] += so
        case "count":
            counts["counts true"] += so
        case "malformed":
            counts["malformed"] += 1


def _words(claims: Sequence[Said], verdicts: Sequence[tuple[Said, bool]], scene: Scene, counts: Counter[str]) -> None:
    if scene.word:
        counts["words there"] = 1
        counts["words read"] = int(any(said["kind"] == "word" and so for said, so in verdicts))
    else:
        counts["words absent"] = 1
        counts["words made up"] = int(any(said["kind"] == "word" for said in claims))


def _companions(named: set[tuple[str, str]], there: set[tuple[str, str]], scene: Scene, counts: Counter[str]) -> None:
    for colour in {thing.colour for thing in scene.things} & set(COMPANIONS):
        kind = COMPANIONS[colour][1:]
        if kind in there:
            counts["companions there"] += 1
            counts["companions found"] += kind in named
        else:
            counts["companions absent"] += 1
            counts["companions made up"] += kind in named


def rates(counts: Mapping[str, float]) -> dict[str, float]:
    """Return the metrics of summed counts, in percent; ``length`` is the mean number of words."""
    found = {
        name: 100.0 * counts.get(part, 0) / counts[whole] if counts.get(whole) else 0.0
        for name, (part, whole) in _RATES.items()
    }
    return {**found, "length": counts.get("words_of_text", 0) / max(1, counts.get("captions", 0))}


def record(text: str, scene: Scene) -> dict[str, Any]:
    """Return what is kept of one caption: its objects, and what it says that is false."""
    claims, counts = parse(text), tally(text, scene)
    return {
        "objects": counts["objects"],
        "objects_false": counts["objects false"],
        "objects_there": counts["objects there"],
        "objects_found": counts["objects found"],
        "false": [tell(said) for said, so in zip(claims, verify(claims, scene), strict=True) if not so],
    }

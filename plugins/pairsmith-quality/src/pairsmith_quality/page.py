"""The report as Markdown."""

import re
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from pairsmith_quality.measures import MEASURES


def page(found: Mapping[str, Any]) -> str:
    """Return the findings as a page to read."""
    percent = f"{100 * found['confidence']:g} %"
    whole = f"{found['items']:,} pairs or demonstrations of {found['samples']:,} samples"
    lines = [
        "# Quality of the pairs",
        "",
        f"{whole}. Intervals cover {percent}; images are resampled, not pairs.",
        "",
        *_repeats(found),
        *_contamination(found),
        *_bias(found["bias"]),
        *_blind(found["blind"]),
        *_gone(found["left_out"]),
    ]
    return "\n".join(lines) + "\n"


def _repeats(found: Mapping[str, Any]) -> Iterator[str]:
    images, duplicates = found["images"], found["duplicates"]
    yield from ("## Duplicates", "")
    yield f"- images: {images['distinct']:,} that are not alike, and {images['near_copies']:,} near-copies of them"
    yield f"- {_share(duplicates['image_and_text'])} nearly the same as an earlier one, image and text"
    yield f"- {_share(duplicates['text'])} nearly the same in text, whatever the image"
    yield from _examples(duplicates["image_and_text"])
    yield ""


def _contamination(found: Mapping[str, Any]) -> Iterator[str]:
    one = found["contamination"]
    yield from ("## Contamination", "")
    if not one["compared_with"]:
        yield from ("Compared with nothing: name `benchmarks` or `sources`.", "")
        return
    for name, counts in one["compared_with"].items():
        short = f", {counts['short prompts']:,} prompts too short to be compared" if counts["short prompts"] else ""
        yield f"- compared with {_text(name)}: {counts['images']:,} images, {counts['prompts']:,} prompts{short}"
    for what, called in (("image", "an image"), ("prompt", "a prompt")):
        yield f"- {_share(one[what])} with {called} that is there"
        yield from _examples(one[what])
    yield ""


def _bias(bias: Mapping[str, Any]) -> Iterator[str]:
    yield from ("## Chosen against rejected", "")
    if not bias:
        yield from ("There is nothing to measure.", "")
        return
    yield from ("| | chosen | rejected | difference |", "|---|---:|---:|---:|")
    for name, label in MEASURES.items():
        sides = bias.get(name, {})
        yield f"| {label} | {' | '.join(_estimate(sides.get(side)) for side in ('chosen', 'rejected', 'difference'))} |"
    yield ""
    if "longer" in bias:
        yield f"The chosen answer is the longer one in {_estimate(bias['longer']['chosen'])} % (equal ones count half)."
        yield ""


def _blind(blind: Mapping[str, Any]) -> Iterator[str]:
    yield from ("## Without the image", "")
    if "why_not" in blind:
        yield from (f"Not measured: {blind['why_not']}.", "")
        return
    yield from (
        "Share of pairs that a judge would decide in the same way, asked about images it was not fitted to:",
        "",
    )
    yield from ("| judge | % |", "|---|---:|", "| chance | 50 |")
    for name, label in (("length_only", "length only"), ("text_only", "words and pairs of words only")):
        yield f"| {label} | {_estimate(blind.get(name))} |"
    yield from (
        "",
        "What such a judge gets right can be learnt without looking; the image can matter in the rest only.",
        "",
    )


def _gone(gone: Mapping[str, int]) -> Iterator[str]:
    if gone:
        yield from ("## Left out before", "")
        yield from (f"- {_text(reason)}: {count:,}" for reason, count in sorted(gone.items(), key=lambda one: -one[1]))


def _share(row: Mapping[str, Any]) -> str:
    return f"{row['count']:,} ({row['percent']:g} %)"


def _examples(row: Mapping[str, Any]) -> Iterator[str]:
    for name, what in row["examples"]:
        yield f"    - {_text(name)}: {_text(what)}"


def _estimate(one: Mapping[str, float] | None) -> str:
    if one is None:
        return "\N{EN DASH}"
    return f"{_number(one['mean'])} [{_number(one['low'])}, {_number(one['high'])}]"


def _number(value: float) -> str:
    return f"{value:.1f}".replace("-", "\N{MINUS SIGN}")


def _text(text: object) -> str:
    return re.sub(r"([\\`*_\[\]|#])", r"\\\1", escape(" ".join(str(text).split()), quote=False))

"""The dataset card: what is in the rows, what made them, and how to load them."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pairsmith.interfaces import RunView
from pairsmith_formats.reading import Format

_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


def card(form: Format, run: RunView, path: Path, rows: int, licence: str) -> str:
    """Return the text of a README.md as the Hugging Face hub reads it; ``path`` is the file of rows, from its folder."""
    size = next((name for limit, name in _SIZES if rows < limit), "1M<n<10M")
    head = [
        "---",
        f"license: {licence}",
        "task_categories: [image-text-to-text]",
        f"tags: [preference, multimodal, pairsmith, {form.name}]",
        f"size_categories: [{size}]",
        "configs:",
        "- config_name: default",
        "  data_files:",
        "  - split: train",
        f"    path: {path.as_posix()}",
        "---",
        "",
    ]
    document = run.document
    body = [
        f"# {document.get('name', 'pairs')}",
        "",
        f"{rows:,} rows in the format `{form.name}`, written by pairsmith.",
        "",
        *([document["summary"], ""] if document.get("summary") else []),
        *_made_from(document),
        *_counts(run),
        f"Seed {document.get('seed', 0)}. The licence of the images and texts is that of the data they come from.",
        "",
    ]
    return "\n".join([*head, *body])


def _made_from(document: Mapping[str, Any]) -> Iterator[str]:
    components: Mapping[str, Any] = document.get("components", {})
    shown = [(where, name) for where, name in components.items() if not where.startswith(("loss", "train", "report"))]
    if shown:
        yield from ("| table of the recipe | component |", "|---|---|")
        yield from (f"| `{where}` | {name} |" for where, name in shown)
        yield ""


def _counts(run: RunView) -> Iterator[str]:
    for name, state in run.stages().items():
        if name.endswith("pairs") and state["counts"]:
            counts = ", ".join(f"{number:,} {label}" for label, number in state["counts"].items())
            yield from (f"Stage `{name}`: {counts}.", "")

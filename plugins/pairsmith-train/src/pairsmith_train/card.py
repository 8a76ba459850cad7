"""The model card beside what a training leaves: what it is, what it was made from, and how it went."""

import json
from collections.abc import Mapping, Sequence
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from attrs import asdict, frozen
from huggingface_hub import ModelCard, ModelCardData

from pairsmith.interfaces import Job
from pairsmith_train.options import TreeOptions
from pairsmith_train.trainable import Row, table

_LIBRARIES = {"torch", "transformers", "peft", "accelerate", "deepspeed", "bitsandbytes"}
_SHOWN = ("loss", "rewards/margin", "rewards/accuracy", "held_out/loss", "held_out/rewards/accuracy")


@frozen(kw_only=True)
class Facts:
    """What a card says of one training: how many items there were, and the table of what was trained."""

    job: Job
    options: TreeOptions
    trained_on: int
    held_out: int
    trained: Sequence[Row]
    step: int | None = None
    """The step that the result is of, where that is not the last."""


def card(facts: Facts, *, adapter: bool) -> ModelCard:
    """Return the card of an adapter, or of a model. The licence is left to whoever publishes it."""
    data = ModelCardData(
        base_model=_hub_id(facts.job),
        library_name="peft" if adapter else "transformers",
        pipeline_tag="image-text-to-text",
        tags=["pairsmith", *(["lora"] if facts.options.lora else [])],
    )
    return ModelCard(f"---\n{data.to_yaml()}\n---\n\n{_text(facts, adapter=adapter)}")


def _text(facts: Facts, *, adapter: bool) -> str:
    run = _json(facts.job.run.directory / "run.json")
    what = "An adapter" if adapter else "A model"
    base = _hub_id(facts.job) or Path(facts.job.weights.path).name
    lines = [
        f"# {run.get('name') or base}",
        "",
        f"{what} of `{base}`, trained with pairsmith. {run.get('summary', '')}".rstrip(),
        "",
        "## Data",
        "",
        f"{facts.trained_on} {_kind(facts.job)} were trained on"
        + (f"; {facts.held_out}, with all their images, were held out." if facts.held_out else "."),
        "",
        "## Training",
        "",
        f"Loss: `{type(facts.job.loss).__name__}`. Seed: {facts.job.seed}.",
        *([f"The weights are of step {facts.step}, which had the lowest held-out loss."] if facts.step else []),
        "",
        *(f"    {line}" for line in table(facts.trained)),
        "",
        *_course(facts.job.metrics),
        "## Settings",
        "",
        *_settings(facts, run),
        "",
        "## Versions",
        "",
        ", ".join(f"{name} {version}" for name, version in sorted(_versions().items())),
        "",
        "## Licence",
        "",
        "Not chosen yet: add a line `license:` to the head of this file. Those of the base model and of the data apply.",
    ]
    return "\n".join(lines) + "\n"


def _hub_id(job: Job) -> str | None:
    """Return the base model's name on the hub. A folder on this machine means nothing on another."""
    path = Path(job.weights.path)
    return None if path.is_absolute() or path.is_dir() else job.weights.path


def _kind(job: Job) -> str:
    return "pairs" if any(cell.response == "rejected" for cell in job.loss.cells) else "answers"


def _course(path: Path) -> list[str]:
    """Return the first and the last value of what was watched, as a table."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []
    lines = []
    for name in _SHOWN:
        found = [(row["step"], row[name]) for row in rows if name in row]
        if found:
            (first, began), (last, ended) = found[0], found[-1]
            lines.append(f"| {name} | {began:.4f} (step {first}) | {ended:.4f} (step {last}) |")
    return ["| metric | first | last |", "|---|---|---|", *lines, ""] if lines else []


def _settings(facts: Facts, run: Mapping[str, Any]) -> list[str]:
    recipe = run.get("recipe", {})
    said = {name: recipe[name] for name in ("loss", "train", "stages") if name in recipe}
    text = json.dumps(said or {"train": asdict(facts.options)}, indent=1, ensure_ascii=False)
    return [f"    {line}" for line in text.splitlines()]


def _versions() -> dict[str, str]:
    found = {one.metadata["Name"].lower(): one.version for one in distributions()}
    return {name: version for name, version in found.items() if name in _LIBRARIES or name.startswith("pairsmith")}


def _json(path: Path) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return found

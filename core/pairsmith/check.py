"""Says what a recipe needs, without running any of it and without loading a model library."""

import os
from collections.abc import Sequence
from pathlib import Path

from pairsmith import names
from pairsmith.model import check_models, located
from pairsmith.recipe import Recipe, load, resolve
from pairsmith.registry import Registry

_GIB = 2**30
_SMALL = _GIB / 20
"""Bytes that would be written as 0.0 GiB."""


def check(source: str | Path, settings: Sequence[str], registry: Registry) -> list[str]:
    """Return what is to be said of a recipe that can run here.

    Raises :class:`pairsmith.errors.RecipeError` with everything that does not fit or is not installed.
    """
    recipe = resolve(load(source, settings, registry), registry)
    names.check_names(recipe)
    check_models(recipe)
    lines = [f"{recipe.name}: {recipe.summary}".rstrip(": ")]
    lines += [f"  {use.where:<24} {use.key()['component']}" for use in recipe.uses()]
    return [*lines, *_needs(recipe, registry), "fits"]


def _needs(recipe: Recipe, registry: Registry) -> list[str]:
    """Return what the components will ask of the machine, as far as their options tell."""
    shipped = registry.models()
    uses = [located(use, shipped) for use in recipe.uses()]
    estimates = [(use, use.offer.component.estimate(use.options)) for use in uses if use.offer]
    needs = [need for _, need in estimates]
    downloads: dict[str, int | None] = {}
    for need in needs:  # a name that is there twice is downloaded once
        for name, size in need.downloads.items():
            known = downloads.get(name)
            downloads[name] = known if size is None else max(size, known or 0)
    unknown = sum(size is None for size in downloads.values())
    gated = sorted({name for need in needs for name in need.gated})
    disk = sum(need.disk_bytes for need in needs) + sum(size or 0 for size in downloads.values())
    device = max((need.device_bytes for need in needs), default=0)
    # A benchmark's judge is asked about the answers to its own items, not about the recipe's samples.
    calls, rated = (
        sum(need.calls_per_sample for use, need in estimates if use.where.startswith("benchmarks") is of_benchmark)
        for of_benchmark in (False, True)
    )
    lines = [f"downloads {name}{_about(size)}" for name, size in sorted(downloads.items())]
    lines += [f"gated: {name}; ask for access on its page and set HF_TOKEN" for name in gated]
    unset = {name for need in needs for name in need.environment if name not in os.environ}
    lines += [f"not set: the environment variable {name}" for name in sorted(unset)]
    if disk >= _SMALL:
        besides = f", and {unknown} of the downloads, whose size is not known" if unknown else ""
        lines.append(f"disk: about {disk / _GIB:.1f} GiB{besides}")
    if device >= _SMALL:
        besides = " of known size" if unknown else ""
        lines.append(f"device memory: about {device / _GIB:.1f} GiB for the largest model{besides}, before activations")
    if calls:
        lines.append(f"judge calls: about {calls:g} a sample")
    if rated:
        lines.append(f"judge calls of benchmarks: about {rated:g} an item and model")
    return lines


def _about(size: int | None) -> str:
    """Return a download's size for the end of its line; nothing is said of what is unknown or small."""
    return f", about {size / _GIB:.1f} GiB" if size and size >= _SMALL else ""

"""Makes the base model anew and puts it in place: ``python -m pairsmith_toyworld.rebuild [--runs DIR]``.

Runs the recipe ``toyworld-base``, refuses what does not see well enough, and writes the weights in half precision with a
note of what they were made from and with.
"""

import argparse
import json
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file

RECIPE = "toyworld-base"
LEAST_RECALL = 90.0
"""Percent of objects that captions must name. Below it the model has not learnt to look, and preferences cannot help."""

BASE = Path(__file__).parent / "base"


def run_recipe(out: Path) -> None:
    """Run the recipe, or go on with it."""
    source = [str(out)] if (out / "run.json").exists() else [RECIPE, "--out", str(out)]
    subprocess.run([sys.executable, "-m", "pairsmith", "run", *source], check=True)  # noqa: S603 - our own command


def put_in_place(out: Path, base: Path = BASE) -> dict[str, Any]:
    """Write the model that a run made to ``base`` and return what is noted beside it."""
    scores = json.loads((out / "stages" / "evaluate-toyworld-trained" / "scores.json").read_text(encoding="utf-8"))
    recall = scores["metrics"]["recall"]
    if recall < LEAST_RECALL:
        msg = f"recall is {recall:.1f} and must be {LEAST_RECALL}: nothing was changed. Try another seed of {RECIPE!r}"
        raise SystemExit(msg)
    document = json.loads((out / "run.json").read_text(encoding="utf-8"))
    model = out / "stages" / document["trainings"][-1] / "output" / "model"
    shutil.rmtree(base, ignore_errors=True)
    shutil.copytree(model, base, ignore=shutil.ignore_patterns("*.safetensors", "*.index.json"))
    weights = {name: value.half() for path in model.glob("*.safetensors") for name, value in load_file(path).items()}
    save_file(weights, base / "model.safetensors", metadata={"format": "pt"})
    (base / "model.safetensors").chmod(0o644)  # it goes into a package that others install
    note = {
        "recipe": document["name"],
        "seed": document["seed"],
        "tables": document["recipe"],
        "versions": {**document["versions"], "pairsmith-toyworld": version("pairsmith-toyworld")},
        "created": document["created"],
        "metrics": {name: round(value, 2) for name, value in scores["metrics"].items()},
        "benchmark": scores["benchmark"],
        "items": scores["items"],
        "precision": "the weights were rounded to float16 after these metrics were measured",
    }
    (base / "provenance.json").write_text(json.dumps(note, indent=1) + "\n", encoding="utf-8")
    return note


def main() -> None:
    """Rebuild the base model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where the run goes")
    out = parser.parse_args().runs / RECIPE
    run_recipe(out)
    note = put_in_place(out)
    print(json.dumps(note["metrics"], indent=1))  # noqa: T201 - a command


if __name__ == "__main__":
    main()

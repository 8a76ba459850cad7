"""What a run was: its recipe in a few words, and where every number of the page came from."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attrs import frozen

from pairsmith_report.numbers import ABSENT, number, seconds

_WORDS = {
    "model": "base model",
    "images": "images",
    "responses": "answers by",
    "claims": "claims by",
    "judges": "judges",
    "pairs": "pairs",
    "corruptions": "corruptions",
    "loss": "loss",
    "train": "trainer",
    "stages": "trainings",
    "benchmarks": "benchmarks",
}
_PLACES = ("path", "model", "name")
_KEY_CHARACTERS = 12
_IN_ROUNDS = " It was trained in the first round only: compare it with round-1."


@frozen(kw_only=True)
class StageRow:
    """A stage as the page lists it."""

    name: str
    state: str
    parts: str
    items: str
    time: str
    key: str
    short_key: str


def in_short(recipe: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what the recipe uses for what.

    >>> in_short({"model": {"use": "llava", "path": "tiny"}, "judges": [{"use": "a"}, {"use": "b"}], "seed": 0})
    [('base model', 'llava (tiny)'), ('judges', 'a, b')]
    """
    found = ((_WORDS[table], ", ".join(_uses(recipe[table]))) for table in _WORDS if recipe.get(table))
    return [(word, uses) for word, uses in found if uses]


def _uses(table: Any) -> Iterator[str]:  # noqa: ANN401 - a table of a recipe, or an array of them
    if isinstance(table, Sequence) and not isinstance(table, str):
        for one in table:
            yield from _uses(one)
    elif isinstance(table, Mapping):
        if "use" in table:
            place = next((table[key] for key in _PLACES if isinstance(table.get(key), str)), None)
            yield f"{table['use']} ({place})" if place else str(table["use"])
        else:
            for one in table.values():
                yield from _uses(one)


def control_note(recipe: Mapping[str, Any]) -> str:
    """Return what the control is, in one sentence."""
    control = recipe.get("control")
    pairs = control.get("pairs") if isinstance(control, Mapping) else None
    selector = pairs.get("use") if isinstance(pairs, Mapping) else None
    if not selector:
        return ""
    return (
        f"The control is the same base model, trained in the same way on pairs that the selector “{selector}” chose: "
        f"what it gains comes from training alone, and only what lies beyond it can come from the judges."
        f"{_IN_ROUNDS if _rounds(recipe) > 1 else ''}"
    )


def _rounds(recipe: Mapping[str, Any]) -> int:
    return int((recipe.get("rounds") or {}).get("n", 1))


def stage_rows(stages: Mapping[str, Mapping[str, Any]]) -> list[StageRow]:
    """Return the stages as they are listed."""
    return [
        StageRow(
            name=name,
            state="done" if state.get("done") else "begun" if state.get("parts") else "not begun",
            parts=number(state.get("parts")),
            items=number(state.get("items")),
            time=seconds(state.get("seconds")),
            key=str(state.get("key") or ""),
            short_key=str(state.get("key") or ABSENT)[:_KEY_CHARACTERS],
        )
        for name, state in stages.items()
    ]


def stage_facts(stages: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Return what components said of their work, such as what it cost, one line a stage.

    >>> stage_facts({"responses": {"facts": {"requests": 3, "cost": 0.5}}, "pairs": {}})
    [('responses', 'requests 3, cost 0.5')]
    """
    said = ((name, state.get("facts") or {}) for name, state in stages.items())
    return [(name, ", ".join(f"{key} {_line(value)}" for key, value in facts.items())) for name, facts in said if facts]


def run_facts(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what else ``run.json`` says, one line each."""
    left_out = {"recipe", "versions", "stages", "name", "summary", "created", "trainings"}
    return [(key.replace("_", " "), _line(value)) for key, value in document.items() if key not in left_out]


def _line(value: Any) -> str:  # noqa: ANN401 - JSON
    if value is None:
        return "none"
    if isinstance(value, list | tuple) and all(isinstance(one, str) for one in value):
        return " ".join(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)

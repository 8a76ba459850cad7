"""The JSON schema that a rubric judge asks an endpoint for."""

from collections.abc import Mapping
from typing import Any

from pairsmith_llm.options import RubricOptions


def schema(options: RubricOptions) -> Mapping[str, Any]:
    """Return the JSON schema of a reply. The scale is checked here, as not every endpoint knows bounds."""
    fields = {
        "candidate": {"type": "string"},
        "comment": {"type": "string"},
        **{name: {"type": "integer"} for name in options.attributes},
    }
    entry = {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}
    return {
        "type": "object",
        "properties": {"candidates": {"type": "array", "items": entry}},
        "required": ["candidates"],
        "additionalProperties": False,
    }

"""A prompt's last words that say which attributes an answer shall have (SteerLM, arXiv 2310.05344; mllm-dpo)."""

from collections.abc import Mapping, Sequence

from attrs import evolve

from pairsmith.errors import StageError
from pairsmith.values import Turn

PLACE = "{attributes}"
"""Where in an instruction the graded attributes go."""

INSTRUCTION = "Please answer so that these attributes of the reply have these grades, from 0 to 4:\n{attributes}"
"""What asks for attributes unless a recipe says otherwise. Training and inference must use the same one."""


def suffix(grades: Mapping[str, float], instruction: str = INSTRUCTION) -> str:
    r"""Return what goes after a question, on lines of its own.

    >>> suffix({"helpfulness": 4, "verbosity": 2.0}, "Please answer as\n{attributes}")
    '\nPlease answer as\nHelpfulness:4,Verbosity:2'
    """
    listed = ",".join(f"{name[:1].upper()}{name[1:]}:{grade:g}" for name, grade in grades.items())
    return "\n" + instruction.replace(PLACE, listed)


def unsteered(text: str, instruction: str = INSTRUCTION) -> str:
    r"""Return a question without its suffix, and one that has none as it is.

    >>> unsteered("What is this?" + suffix({"helpfulness": 4}))
    'What is this?'
    >>> unsteered("Please answer: what is this?")
    'Please answer: what is this?'
    """
    head, found, _ = text.partition("\n" + instruction.partition(PLACE)[0])
    return head if found else text


def steered(turns: Sequence[Turn], grades: Mapping[str, float], instruction: str = INSTRUCTION) -> tuple[Turn, ...]:
    """Return new turns whose last question ends with the suffix; a suffix that is there already is replaced."""
    asked = [number for number, turn in enumerate(turns) if turn.role == "user"]
    if not asked:
        msg = f"a prompt without a question cannot ask for attributes: {[turn.role for turn in turns]!r}"
        raise StageError(msg)
    last = asked[-1]
    text = unsteered(turns[last].text, instruction) + suffix(grades, instruction)
    return (*turns[:last], evolve(turns[last], text=text), *turns[last + 1 :])

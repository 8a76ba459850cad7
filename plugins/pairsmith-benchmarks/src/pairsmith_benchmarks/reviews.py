"""Asks a language model about answers, once each: what it said is kept beside the run and never asked for again."""

import ast
import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path
from typing import Any

from attrs import frozen

from pairsmith.errors import StageError
from pairsmith.interfaces import Generator, Run
from pairsmith.values import Failed, Sample, Turn, user
from pairsmith_benchmarks.folder import rows

_AT_ONCE = 16

Prompt = str | tuple[Turn, ...]
"""What a judge is asked: a text, or turns where it is told something first."""


@frozen(kw_only=True)
class Judge:
    """A generator that is asked, its name for the metrics' names, and the file its replies are kept in."""

    name: str
    build: Callable[[], Any]
    journal: Path

    def ask(self, prompts: Mapping[str, Prompt]) -> dict[str, str]:
        """Return the reply to each prompt, by the same ids, greedy; only prompts not asked before are asked."""
        kept = _kept(self.journal)
        keys = {name: sha256(_written(prompt)).hexdigest() for name, prompt in prompts.items()}
        unasked = {keys[name]: prompt for name, prompt in prompts.items() if keys[name] not in kept}
        if unasked:
            with ExitStack() as stack:
                generator = self.build()
                if hasattr(generator, "__enter__"):
                    generator = stack.enter_context(generator)
                kept |= self._asked(generator, list(unasked.items()))
        return {name: kept[key] for name, key in keys.items()}

    def _asked(self, generator: Generator, prompts: Sequence[tuple[str, Prompt]]) -> dict[str, str]:
        found: dict[str, str] = {}
        failed: list[Failed] = []
        self.journal.parent.mkdir(parents=True, exist_ok=True)
        with self.journal.open("ab") as file:
            for start in range(0, len(prompts), _AT_ONCE):
                some = prompts[start : start + _AT_ONCE]
                samples = [Sample(id=key, prompt=user(one) if isinstance(one, str) else one) for key, one in some]
                replies = generator.respond(samples, seed=0, greedy=True)
                for (key, _), reply_or_failed in zip(some, replies, strict=True):
                    if isinstance(reply_or_failed, Failed):
                        failed.append(reply_or_failed)
                        continue
                    (reply,) = reply_or_failed
                    found[key] = reply.text
                    file.write(json.dumps({"key": key, "judge": self.name, "reply": reply.text}).encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
        if failed:
            msg = (
                f"judge {self.name!r} did not answer {len(failed)} of {len(prompts)} questions ({failed[0].reason}); what it "
                f"answered is kept, and the same command asks for the rest"
            )
            raise StageError(msg)
        return found


@frozen(kw_only=True)
class Reviewer:
    """Where reviews come from: a judge that is asked, or a file of replies made elsewhere."""

    name: str
    judge: Judge | None = None
    file: Path | None = None

    def reviews(self, prompts: Mapping[str, Prompt]) -> Mapping[str, str]:
        """Return the reviews by item; of the file all that it has."""
        if self.judge is not None:
            return self.judge.ask(prompts)
        return {} if self.file is None else stored(self.file)


def reviewer(options: Any, run: Run, benchmark: str) -> Reviewer:  # noqa: ANN401 - options with a judge or reviews
    """Return what a benchmark's options name, its table checked."""
    if options.judge is None:
        return Reviewer(name=options.judge_name, file=options.reviews)
    asked = judge(run, options.judge, options.judge_name, benchmark)
    return Reviewer(name=asked.name, judge=asked)


def _written(prompt: Prompt) -> bytes:
    if isinstance(prompt, str):
        return prompt.encode()
    return json.dumps([[turn.role, turn.text] for turn in prompt]).encode()


def judge(run: Run, table: Mapping[str, Any], name: str, benchmark: str) -> Judge:
    """Check the table of a judge, and return what builds and asks it.

    Its name is ``name``, or the component's with the model it is told to use. Raises
    :class:`pairsmith.errors.UsageError` for a table that does not fit.
    """
    build = run.component("generators", table, f"{benchmark}: judge")
    model = _model(table.get("model"))
    own = f"{table['use']}:{model}" if model else str(table["use"])
    written = json.dumps(table, sort_keys=True, default=str)
    file = f"{benchmark}-{sha256(written.encode()).hexdigest()[:16]}.jsonl"
    return Judge(name=name or own, build=build, journal=run.directory / "reviews" / file)


def _model(model: Any) -> str:  # noqa: ANN401 - a name, a table as a recipe's [model], or nothing
    """Return what a judge's model is called: its name or hub id, or the last part of its directory."""
    if isinstance(model, Mapping):
        path = Path(str(model.get("path") or model.get("use")))
        return path.name if path.is_absolute() or path.is_dir() else str(path)
    return model if isinstance(model, str) else ""


def _kept(journal: Path) -> dict[str, str]:
    if not journal.is_file():
        return {}
    lines = journal.read_bytes().split(b"\n")
    # A run that was killed may have left a line half written; what it asked is asked again.
    whole = [line for line in lines[:-1] if line.endswith(b"}")]
    if lines[-1]:
        journal.write_bytes(b"".join(line + b"\n" for line in whole))
    return {row["key"]: row["reply"] for row in map(json.loads, whole)}


def stored(path: Path) -> dict[str, str]:
    """Return replies made elsewhere: rows of an item's ``id`` and the ``review``.

    Raises :class:`StageError` for a row without them, and for two reviews of one item.
    """
    found: dict[str, str] = {}
    for place, row in rows(path):
        name, review = row.get("id"), row.get("review")
        if not isinstance(name, str | int) or not isinstance(review, str):
            msg = f"{place} must have an 'id' and a text 'review': {dict(row)!r:.120}"
            raise StageError(msg)
        if str(name) in found:
            msg = f"{place} reviews item {str(name)!r} again; leave one of the two out"
            raise StageError(msg)
        found[str(name)] = review
    return found


def template(path: Path, variable: str, slots: Sequence[str]) -> str:
    """Return a published prompt: a text file, or the string that a Python file assigns to ``variable``.

    No code is run. Raises :class:`StageError` where there is no such string, or it lacks one of its slots.
    """
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".py":
            text = _assigned(ast.parse(text), variable)
    except (OSError, ValueError, SyntaxError) as error:
        msg = f"template {str(path)!r} cannot be read: {error}"
        raise StageError(msg) from None
    lacks = [slot for slot in dict.fromkeys(slots) if text.count(slot) != slots.count(slot)]
    if lacks:
        msg = (
            f"template {str(path)!r} must have {slots.count(lacks[0])} of {lacks[0]!r}, and has {text.count(lacks[0])}"
        )
        raise StageError(msg)
    return text


def _assigned(module: ast.Module, variable: str) -> str:
    for statement in ast.walk(module):
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str(text))) if name == variable:
                return text
    msg = f"it assigns no text to {variable!r}"
    raise ValueError(msg)


def slotted(text: str, values: Mapping[str, str]) -> str:
    """Put values into slots with names; what stands in a value is never taken for a slot.

    >>> slotted("{a} and {b} and {c}", {"a": "{b}", "b": "2"})
    '{b} and 2 and {c}'
    """
    return re.sub(r"\{(\w+)\}", lambda found: values.get(found[1], found[0]), text)


def filled(text: str, slots: Sequence[str], values: Sequence[str]) -> str:
    """Put values into slots from left to right; what stands in a value is never taken for a slot.

    >>> filled("{} and {}", ["{}", "{}"], ["{}", "b"])
    '{} and b'
    """
    made = ""
    for slot, value in zip(slots, values, strict=True):
        before, _, text = text.partition(slot)
        made += before + value
    return made + text

"""Reads pickles without unpickling: plain containers, strings and numbers, and nothing else.

A pickle is a program for a machine with a stack. The machine here knows the instructions that make plain values and no
other: it has none that imports, calls or builds, so nothing a file says can run. Whatever asks for more is refused, with
the name of what it wanted. Memory is bounded by what is made, not by what the file claims to hold, and so is the size of
a structure that repeats its parts.
"""

import ast
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pairsmith.errors import StageError
from pairsmith_formats.pickle_machine import MARK, BadPickleError, Machine, Step
from pairsmith_formats.publications import where_to_get
from pairsmith_formats.shape import check_shape

LARGEST = 8 * 2**30
"""Bytes of memory, by a rough count, beyond which a pickle is refused."""

_LONGEST_NUMBER = 64  # bytes of an integer; no score or count has more, and turning huge ones into text takes for ever
_TENSORS = (
    "torch._utils._rebuild_tensor_v2",
    "torch.storage._load_from_bytes",
    "collections.OrderedDict",
    "_codecs.encode",  # bytes, in old protocols
)


def read_pickle(path: Path, *, without_tensors: bool = False, largest: int = LARGEST) -> Any:  # noqa: ANN401
    """Return what a pickle holds: ``dict``, ``list``, ``tuple``, ``set``, ``str``, ``bytes``, numbers, ``None``.

    ``without_tensors`` puts ``None`` where there is a torch tensor; it is not loaded.

    Raises :class:`StageError` with one sentence where the file is broken, or holds anything else.
    """
    if not path.is_file():
        msg = f"{str(path)!r} is not a file{where_to_get('dgpref')}"
        raise StageError(msg)
    data = path.read_bytes() if path.stat().st_size <= largest else b""
    try:
        if not data:
            msg = (
                f"has {path.stat().st_size:,} bytes, and {largest:,} are allowed" if path.stat().st_size else "is empty"
            )
            raise BadPickleError(msg)  # noqa: TRY301 - one place words every refusal
        value = Machine(data, _STEPS, _TENSORS if without_tensors else (), largest).run()
        check_shape(value, limit=1_000_000 + 16 * len(data))
    except (BadPickleError, ValueError) as error:
        msg = f"{str(path)!r} {error}"
        raise StageError(msg) from None
    return value


# The instructions ------------------------------------------------------------------------------------------------------


def _int_line(machine: Machine) -> None:
    text = machine.line()
    machine.push({"00": False, "01": True}[text] if text in {"00", "01"} else _int(text), 32)


def _int(text: str) -> int:
    if len(text) > 2 * _LONGEST_NUMBER:
        msg = f"is refused: it holds an integer of {len(text):,} digits"
        raise BadPickleError(msg)
    return int(text)


def _long(machine: Machine, length: int) -> None:
    if length > _LONGEST_NUMBER:
        msg = f"is refused: it holds an integer of {length:,} bytes"
        raise BadPickleError(msg)
    machine.push(int.from_bytes(machine.take(length), "little", signed=True), 32 + length)


def _text(machine: Machine, length: int) -> None:
    machine.push(machine.take(length).decode("utf-8", "strict"), 50 + length)


def _bytes(machine: Machine, length: int) -> None:
    machine.push(machine.take(length), 33 + length)


def _quoted(machine: Machine) -> None:
    text = machine.line()
    try:
        value = ast.literal_eval("b" + text) if text[:1] in {"'", '"'} else None
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        value = None
    if not isinstance(value, bytes):
        machine.broken("a text without quotes")
    machine.push(value.decode(), 50 + len(value))


def _list(machine: Machine, items: list[Any]) -> None:
    machine.push(items, 56 + 8 * len(items))


def _dict(machine: Machine, items: list[Any]) -> None:
    machine.push({}, 64)
    _set_items(machine, items)


def _set_items(machine: Machine, items: list[Any]) -> None:
    made = machine.top()
    if not isinstance(made, dict) or len(items) % 2:
        machine.broken("items for what is no dict")
    machine.spend(60 * len(items))
    made.update(zip(items[::2], items[1::2], strict=True))


def _append(machine: Machine, items: list[Any]) -> None:
    made = machine.top()
    if not isinstance(made, list):
        machine.broken("items for what is no list")
    machine.spend(8 * len(items))
    made.extend(items)


def _add(machine: Machine, items: list[Any]) -> None:
    made = machine.top()
    if not isinstance(made, set):
        machine.broken("items for what is no set")
    machine.spend(60 * len(items))
    made.update(items)


def _tuple(machine: Machine, count: int) -> None:
    items = [machine.pop() for _ in range(count)]
    machine.push(tuple(reversed(items)), 40 + 8 * count)


def _protocol(machine: Machine) -> None:
    version = machine.take(1)[0]
    if version > 5:  # noqa: PLR2004 - the newest there is
        machine.broken(f"protocol {version}")


_STEPS: Mapping[bytes, Step] = {
    b"\x80": _protocol,
    b"\x95": lambda m: m.take(8),
    b"(": lambda m: m.push(MARK, 8),
    b"0": lambda m: m.pop(),
    b"1": lambda m: m.since_mark(),
    b"2": lambda m: m.push(m.top(), 8),
    b"N": lambda m: m.push(None, 8),
    b"\x88": lambda m: m.push(True, 8),  # noqa: FBT003 - the value itself
    b"\x89": lambda m: m.push(False, 8),  # noqa: FBT003
    b"I": _int_line,
    b"J": lambda m: m.push(m.number("<i"), 32),
    b"K": lambda m: m.push(m.number("<B"), 8),
    b"M": lambda m: m.push(m.number("<H"), 32),
    b"L": lambda m: m.push(_int(m.line().removesuffix("L")), 32),
    b"\x8a": lambda m: _long(m, m.number("<B")),
    b"\x8b": lambda m: _long(m, m.number("<i")),
    b"F": lambda m: m.push(float(m.line()), 32),
    b"G": lambda m: m.push(m.number(">d"), 32),
    b"S": _quoted,
    b"T": lambda m: _text(m, m.number("<i")),
    b"U": lambda m: _text(m, m.number("<B")),
    b"V": lambda m: m.push((text := m.raw_line().decode("raw-unicode-escape")), 50 + 4 * len(text)),
    b"X": lambda m: _text(m, m.number("<I")),
    b"\x8c": lambda m: _text(m, m.number("<B")),
    b"\x8d": lambda m: _text(m, m.number("<Q")),
    b"B": lambda m: _bytes(m, m.number("<I")),
    b"C": lambda m: _bytes(m, m.number("<B")),
    b"\x8e": lambda m: _bytes(m, m.number("<Q")),
    b"\x96": lambda m: _bytes(m, m.number("<Q")),
    b"]": lambda m: m.push([], 56),
    b"l": lambda m: _list(m, m.since_mark()),
    b"a": lambda m: _append(m, [m.pop()]),
    b"e": lambda m: _append(m, m.since_mark()),
    b")": lambda m: m.push((), 8),
    b"t": lambda m: m.push(tuple(items := m.since_mark()), 40 + 8 * len(items)),
    b"\x85": lambda m: _tuple(m, 1),
    b"\x86": lambda m: _tuple(m, 2),
    b"\x87": lambda m: _tuple(m, 3),
    b"}": lambda m: m.push({}, 64),
    b"d": lambda m: _dict(m, m.since_mark()),
    b"s": lambda m: _set_items(m, [m.pop(), m.pop()][::-1]),
    b"u": lambda m: _set_items(m, m.since_mark()),
    b"\x8f": lambda m: m.push(set(), 216),
    b"\x90": lambda m: _add(m, m.since_mark()),
    b"\x91": lambda m: m.push(frozenset(items := m.since_mark()), 216 + 60 * len(items)),
    b"p": lambda m: m.put(_int(m.line())),
    b"q": lambda m: m.put(m.number("<B")),
    b"r": lambda m: m.put(m.number("<I")),
    b"\x94": lambda m: m.memoize(),
    b"g": lambda m: m.get(_int(m.line())),
    b"h": lambda m: m.get(m.number("<B")),
    b"j": lambda m: m.get(m.number("<I")),
}

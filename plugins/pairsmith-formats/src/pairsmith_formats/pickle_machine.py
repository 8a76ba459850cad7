"""The stack machine that makes plain values of a pickle, without its instructions."""

import struct
from collections.abc import Callable, Collection, Mapping
from typing import Any, NoReturn

Step = Callable[["Machine"], Any]

_CALLS = {b"R": "REDUCE", b"b": "BUILD", b"\x81": "NEWOBJ", b"\x92": "NEWOBJ_EX", b"o": "OBJ"}
_ELSEWHERE = {
    b"P": "an object by a persistent id",
    b"Q": "an object by a persistent id",
    b"\x82": "an object of copyreg's extension registry",
    b"\x83": "an object of copyreg's extension registry",
    b"\x84": "an object of copyreg's extension registry",
    b"\x97": "a buffer outside of the file",
    b"\x98": "a buffer outside of the file",
}


class _Mark:
    """Where on the stack a list of things begins."""


class _Symbol:
    """The name of something that is left out; never imported."""

    def __init__(self, name: str) -> None:
        self.name = name


MARK = _Mark()
"""Begins a list on the stack."""


class BadPickleError(Exception):
    """The file cannot be read; the message says why, to follow its place."""


class Machine:
    """Runs one pickle."""

    def __init__(self, data: bytes, steps: Mapping[bytes, Step], left_out: Collection[str], largest: int) -> None:
        """Begin at the first byte, with an empty stack."""
        self._data, self._at, self._steps = data, 0, steps
        self._left_out = frozenset(left_out)
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}
        self._room = largest

    def run(self) -> Any:  # noqa: ANN401 - whatever plain value it holds
        """Return the value that is on top of the stack in the end."""
        steps = self._steps
        while True:
            code = self.take(1)
            if code == b".":
                break
            step = steps.get(code)
            try:
                if step is None:
                    self._refuse(code)
                else:
                    step(self)
            except (IndexError, KeyError, TypeError, ValueError, OverflowError) as error:
                self.broken(f"{type(error).__name__} in instruction {code!r}")
        if len(self._stack) != 1 or isinstance(self._stack[0], _Mark | _Symbol):
            self.broken("it ends with nothing made")
        return self._stack[0]

    # The tape --------------------------------------------------------------------------------------------------------

    def take(self, count: int) -> bytes:
        """Return the next bytes."""
        end = self._at + count
        if count < 0 or end > len(self._data):
            self.broken("it ends too early")
        piece = self._data[self._at : end]
        self._at = end
        return piece

    def line(self) -> str:
        """Return the text up to the end of the line."""
        return self.raw_line().decode()

    def raw_line(self) -> bytes:
        """Return the bytes up to the end of the line."""
        end = self._data.find(b"\n", self._at)
        if end < 0:
            self.broken("it ends too early")
        piece = self._data[self._at : end]
        self._at = end + 1
        return piece

    def number(self, layout: str) -> Any:  # noqa: ANN401 - an int or a float, as the layout says
        """Return a binary number."""
        return struct.unpack(layout, self.take(struct.calcsize(layout)))[0]

    def broken(self, why: str) -> NoReturn:
        """Refuse the file: it is wrong at this place."""
        msg = f"is no sound pickle ({why}, at byte {self._at:,})"
        raise BadPickleError(msg) from None

    # The stack -------------------------------------------------------------------------------------------------------

    def push(self, value: Any, size: int) -> None:  # noqa: ANN401 - any plain value
        """Put a new value on the stack and count its bytes."""
        self.spend(size)
        self._stack.append(value)

    def spend(self, size: int) -> None:
        """Count bytes of memory."""
        self._room -= size
        if self._room < 0:
            msg = "needs more memory than is allowed; it is no published data file, or split it"
            raise BadPickleError(msg)

    def pop(self) -> Any:  # noqa: ANN401
        """Take a value, or a left-out thing's name, off the stack."""
        value = self._stack.pop()
        if isinstance(value, _Mark | _Symbol):
            self.broken("a mark or a name where a value should be")
        return value

    def top(self) -> Any:  # noqa: ANN401
        """Return the topmost value."""
        return self._stack[-1]

    def since_mark(self) -> list[Any]:
        """Take everything above the last mark."""
        place = len(self._stack) - 1
        while place >= 0 and not isinstance(self._stack[place], _Mark):
            place -= 1
        if place < 0:
            self.broken("a mark is missing")
        taken = self._stack[place + 1 :]
        del self._stack[place:]
        if self._left_out and any(isinstance(one, _Symbol) for one in taken):
            self.broken("a name where a value should be")
        return taken

    def put(self, place: int) -> None:
        """Remember the topmost value."""
        self.spend(100)
        self._memo[place] = self.top()

    def memoize(self) -> None:
        """Remember the topmost value under the next number."""
        self.put(len(self._memo))

    def get(self, place: int) -> None:
        """Put a remembered value on the stack again."""
        self.push(self._memo[place], 8)

    # What is refused -------------------------------------------------------------------------------------------------

    def _refuse(self, code: bytes) -> None:
        """Say what the file asked for; go on only past things that are left out on purpose."""
        if code == b"c":
            self._named(self.line(), self.line())
        elif code == b"\x93":
            name, module = self.pop(), self.pop()
            self._named(str(module)[:200], str(name)[:200])
        elif code == b"i":
            self._named(self.line(), self.line())
        elif code in _CALLS and self._left_out:
            self._leave_out(code)
        elif code in _CALLS:
            msg = f"is refused: it would call or build an object ({_CALLS[code]}); only plain values are read"
            raise BadPickleError(msg)
        elif code in _ELSEWHERE:
            msg = f"is refused: it would load {_ELSEWHERE[code]}; only plain values are read"
            raise BadPickleError(msg)
        else:
            self.broken(f"unknown instruction {code!r}")

    def _named(self, module: str, name: str) -> None:
        full = f"{module}.{name}"
        if full not in self._left_out:
            msg = (
                f"is refused: it would load {full!r:.200}, and only containers, strings and numbers are read, for "
                f"loading may run code; if you trust who made it, write its content as JSON where it was made"
            )
            raise BadPickleError(msg)
        self.push(_Symbol(full), 64)

    def _leave_out(self, code: bytes) -> None:
        arguments, made = self.pop(), self._stack[-1]
        if code == b"b" and made is None:  # the state of what is left out
            return
        if code != b"R" or not isinstance(made, _Symbol) or not isinstance(arguments, tuple):
            msg = f"is refused: it would call or build an object ({_CALLS[code]}); only plain values are read"
            raise BadPickleError(msg)
        self._stack[-1] = None

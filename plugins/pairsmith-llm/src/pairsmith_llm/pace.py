"""Keeps to a rate: requests and tokens go out evenly, never more than a minute's share in a minute."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic

from attrs import define, field

_MINUTE = 60.0


@define
class Pace:
    """Gives each request its turn.

    ``requests`` and ``tokens`` are limits a minute, 0 for none. The tokens of a request are an estimate until its reply
    says how many there were; the difference is made good with the next turns.
    """

    requests: float = 0.0
    tokens: float = 0.0
    now: Callable[[], float] = monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _next_request: float = field(init=False, default=0.0)
    _next_token: float = field(init=False, default=0.0)
    _held: float = field(init=False, default=0.0)

    async def turn(self, estimate: int) -> None:
        """Wait until a request of so many tokens may go."""
        while True:
            now = self.now()
            at = max(self._next_request, self._next_token, self._held)
            if at <= now:
                break
            await self.sleep(at - now)
        if self.requests:
            self._next_request = max(self._next_request, now) + _MINUTE / self.requests
        if self.tokens:
            self._next_token = max(self._next_token, now) + estimate * _MINUTE / self.tokens

    def settle(self, estimate: int, actual: int) -> None:
        """Put the tokens that there were in place of the estimate."""
        if self.tokens and actual:
            self._next_token += (actual - estimate) * _MINUTE / self.tokens

    def hold(self, seconds: float) -> None:
        """Let no request go for a while: the server asked for that."""
        self._held = max(self._held, self.now() + seconds)

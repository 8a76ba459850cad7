"""Asks an endpoint: within its limits, again where it may help, and never twice for the same answer."""

import asyncio
import json
import logging
import os
import random
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import Any, TypeVar
from weakref import WeakValueDictionary, finalize

from attrs import asdict
from openai import AsyncOpenAI

from pairsmith.errors import StageError, UsageError
from pairsmith.interfaces import Run
from pairsmith.values import Failed
from pairsmith_llm.failures import Failure, ItemError, understand
from pairsmith_llm.forms import Forms
from pairsmith_llm.journal import Answer, Journal
from pairsmith_llm.options import EndpointOptions, StructuredOptions
from pairsmith_llm.pace import Pace
from pairsmith_llm.refusals import Refusals
from pairsmith_llm.reply import answer_of
from pairsmith_llm.request import Request

_LOG = logging.getLogger(__name__)
_MILLION = 1_000_000
_SHORTEST_KEY = 6

T = TypeVar("T")


class Endpoint:
    """One endpoint as one component uses it.

    Its key is read from the environment, sent, and kept nowhere: whatever comes back is searched for it first.
    """

    def __init__(self, options: EndpointOptions, run: Run, component: str) -> None:
        """Prepare to ask; nothing is sent yet."""
        self.options = options
        self._component = component
        self._key = _key_of(options, component)
        where = sha256(f"{options.base_url} {options.model}".encode()).hexdigest()[:16]
        by = sha256(f"{component} {json.dumps(asdict(options), sort_keys=True, default=str)}".encode()).hexdigest()[:16]
        self._journal = Journal(run.directory, where, by)
        self._pace = Pace(requests=options.requests_per_minute, tokens=options.tokens_per_minute)
        self._open: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._slots = asyncio.Semaphore(options.concurrency)
        self._forms = Forms(options.structured if isinstance(options, StructuredOptions) else "none")
        self._failed_in_a_row = 0
        self._refusals = Refusals(
            same=options.give_up_refused, most=options.give_up_after, answered=self._journal.requests > 0
        )
        self._runner = asyncio.Runner()
        # Retries are our own: the client's would not be counted, nor keep to the pace.
        self._client: Any = AsyncOpenAI(
            api_key=self._key or "none", base_url=options.base_url or None, timeout=options.timeout, max_retries=0
        )
        self.close = finalize(self, _close, self._runner, self._client, self._journal)

    @property
    def address(self) -> str:
        """Where it is."""
        return str(self._client.base_url)

    def facts(self) -> Mapping[str, Any]:
        """Return what was asked and what it cost, over all the processes that worked on this run."""
        spent = self._journal
        facts = {"requests": spent.requests, "prompt tokens": spent.tokens_in, "reply tokens": spent.tokens_out}
        cost = (spent.tokens_in * self.options.price_in + spent.tokens_out * self.options.price_out) / _MILLION
        return {**facts, "cost": round(cost, 6)} if self.options.price_in or self.options.price_out else facts

    def run(self, jobs: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
        """Do the jobs side by side and return what they return, in order. The first error ends them all."""
        return _outside(lambda: self._runner.run(_together(jobs)))

    async def ask(self, request: Request) -> Answer:
        """Return the answer to a question: the one that was paid for, or else a new one.

        Raises :class:`ItemError` where it cannot be had, :class:`StageError` where no other can be either.
        """
        key = request.key()
        async with self._open.setdefault(key, asyncio.Lock()):
            known = self._journal.get(key)
            if known is not None:
                self._refusals.answered = True
                return known
            async with self._slots:
                answer = await self._insist(request)
                self._journal.put(key, answer)
                return answer

    def forget(self, request: Request) -> None:
        """Have a question asked again by the next run: what was answered is of no use."""
        self._journal.forget(request.key())

    async def _insist(self, request: Request) -> Answer:
        """Send a request until it is answered, or as often as the options say."""
        form, left, estimate = self._forms.first(request.model), self.options.retries, request.estimate()
        waits = self.options.backoff
        while True:
            await self._pace.turn(estimate)
            failure = await self._try(request, form)
            if isinstance(failure, Answer):
                self._failed_in_a_row, self._refusals.answered = 0, True
                if request.schema is not None:
                    self._forms.answered(request.model, form)
                self._pace.settle(estimate, failure.tokens_in + failure.tokens_out)
                return failure
            other = self._forms.after(request.model, form) if failure.refused and request.schema is not None else None
            if other is not None:
                form = other
                continue
            wait = self._wait(failure, waits)
            if wait is None or left <= 0:
                raise self._given_up(request, failure, self.options.retries - left)
            _LOG.info("%s: %s; asking again in %.1f s", self._component, failure.reason, wait)
            if failure.wait is not None:
                self._pace.hold(failure.wait)
            await asyncio.sleep(wait)
            left, waits = left - 1, waits * 2

    async def _try(self, request: Request, form: str) -> Answer | Failure:
        try:
            body = await asyncio.to_thread(request.body, form)
            async with asyncio.timeout(self.options.timeout):
                raw = await self._client.chat.completions.with_raw_response.create(
                    model=body.pop("model"), messages=body.pop("messages"), extra_body=body
                )
            return answer_of(self._without_key(raw.http_response.content), request.number)
        except ItemError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not take the key into a traceback
            failure = understand(error, self.options.timeout)
            reason = self._without_key(failure.reason.encode()).decode(errors="replace")
            return Failure(
                reason=reason,
                again=failure.again,
                wait=failure.wait,
                hopeless=failure.hopeless,
                refused=failure.refused,
            )

    def _wait(self, failure: Failure, backoff: float) -> float | None:
        """Return the seconds until the next try, ``None`` where there is none."""
        if not failure.again or (failure.wait or 0.0) > self.options.longest_wait:
            return None
        drawn = min(backoff, self.options.longest_wait) * random.uniform(0.5, 1.0)
        return max(drawn, failure.wait or 0.0)

    def _given_up(self, request: Request, failure: Failure, retried: int) -> Exception:
        """Return what a failed request comes to: the end of its sample, or of the run."""
        times = f" (asked {retried + 1} times)" if retried else ""
        if failure.hopeless:
            msg = f"{self._component}: {failure.reason}, at {self.address}. {self._remedy()}; what was answered is kept"
            return StageError(msg)
        refused = self._refusals.evident(request.question(), failure.reason) if failure.refused else 0
        if refused:
            msg = (
                f"{self._component}: {failure.reason}, at {self.address}, which refused {refused} different questions and "
                f"answered none. {self._remedy()}, and at what is sent beside the question (extra, without, max_tokens, "
                f"images); if it is the questions after all, set give_up_refused = 0 to have each of them fail by itself"
            )
            return StageError(msg)
        if (failure.wait or 0.0) > self.options.longest_wait:
            times = f" and asks to wait {failure.wait:g} s, more than longest_wait = {self.options.longest_wait:g}"
        if failure.again:
            self._failed_in_a_row += 1
        if self._failed_in_a_row >= self.options.give_up_after:
            msg = (
                f"{self._component}: {self._failed_in_a_row} requests in a row failed at {self.address}; the last: "
                f"{failure.reason}{times}. What was answered is kept; the same command asks for the rest"
            )
            return StageError(msg)
        return ItemError(f"{failure.reason}{times}")

    def _remedy(self) -> str:
        key = f"the key in ${self.options.key_env}" if self.options.key_env else "key_env, which is empty"
        return f"Look at {key}, the model {self.options.model!r} and base_url"

    def _without_key(self, data: bytes) -> bytes:
        return data.replace(self._key.encode(), b"[key]") if len(self._key) >= _SHORTEST_KEY else data


def _key_of(options: EndpointOptions, component: str) -> str:
    if not options.key_env:
        return ""
    key = os.environ.get(options.key_env, "").strip()
    if not key:
        msg = (
            f"{component}: the environment variable {options.key_env!r} is not set; put the endpoint's key there, or set "
            f"key_env = '' for an endpoint that asks for none"
        )
        raise UsageError(msg)
    if not key.isascii() or not key.isprintable():
        msg = f"{component}: the environment variable {options.key_env!r} holds no key: it has characters no header can hold"
        raise UsageError(msg)
    return key


async def or_failed(job: Awaitable[T]) -> T | Failed:
    """Return what a job returns, or that it failed."""
    try:
        return await job
    except ItemError as error:
        return Failed(reason=str(error))


async def _together(jobs: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    tasks = [asyncio.ensure_future(job) for job in jobs]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _close(runner: asyncio.Runner, client: Any, journal: Journal) -> None:  # noqa: ANN401 - the client's own type
    def hang_up() -> None:
        runner.run(client.close())
        runner.close()

    journal.close()
    _outside(hang_up)


def _outside(work: Callable[[], T]) -> T:
    """Do work that runs a loop of its own, also where one is running already, as in a notebook."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return work()
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(work).result()

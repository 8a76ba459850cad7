"""A server that misbehaves on purpose: what is retried, how often, what is given up, and that no key gets out."""

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise
from typing import Any

import pytest

from pairsmith.errors import OptionsError, StageError, UsageError
from pairsmith.interfaces import Run
from pairsmith.options import read
from pairsmith.values import Failed, Sample, user
from pairsmith_llm.failures import retry_after
from pairsmith_llm.generator import OpenAIGenerator
from pairsmith_llm.options import GeneratorOptions

KEY = "sk-a-secret-that-nobody-may-see"
Ask = Callable[..., list[Any]]


def samples(number: int) -> list[Sample]:
    return [Sample(id=f"s{n}", prompt=user(f"What is {n}?")) for n in range(number)]


@pytest.fixture
def ask(options: dict[str, Any], run: Run) -> Ask:
    """Asks a new generator, as a new process would."""

    def one(number: int = 1, **more: Any) -> list[Any]:
        with OpenAIGenerator(read({**options, **more}, GeneratorOptions, "responses"), run) as generator:
            return generator.respond(samples(number), seed=1)

    return one


BAD: dict[str, dict[str, Any]] = {
    "too many requests": {"status": 429},
    "server error": {"status": 500, "raw": b'{"error": {"message": "out of memory"}}'},
    "no gateway": {"status": 502, "raw": b"<html>bad gateway</html>"},
    "unavailable": {"status": 503, "raw": b""},
    "overloaded": {"status": 529},
    "timeout": {"status": 408},
    "reset": {"way": "reset"},
    "half an answer": {"way": "half"},
    "no JSON": {"raw": b"I am fine, thank you."},
    "empty": {"raw": b""},
    "cut JSON": {"raw": b'{"choices": [{"message": {"cont'},
    "no UTF-8": {"raw": b'{"choices": "\xff\xfe"}'},
    "no object": {"raw": b"[1, 2]"},
    "no choices": {"raw": b'{"choices": []}'},
    "no message": {"raw": b'{"choices": [{"text": "hello"}]}'},
    "no text": {"raw": b'{"choices": [{"message": {"content": 7}}]}'},
    "an error as success": {"raw": b'{"error": {"message": "model is loading"}}'},
}


@pytest.mark.parametrize("how", BAD.values(), ids=BAD)
def test_what_may_work_another_time_is_asked_again(server: Any, ask: Ask, how: dict[str, Any], act: Any) -> None:
    server.behave = lambda request, number: act(**how) if number < 2 else None
    ((response,),) = ask()
    assert response.text.startswith("There are")
    assert len(server.requests) == 3
    assert len({str(request.body) for request in server.requests}) == 1


@pytest.mark.parametrize("how", BAD.values(), ids=BAD)
def test_what_never_works_fails_its_sample_and_no_other(server: Any, ask: Ask, how: dict[str, Any], act: Any) -> None:
    server.behave = lambda request, number: act(**how) if "What is 1?" in request.said else None
    first, failed, last = ask(3)
    assert first and last
    assert isinstance(failed, Failed)
    assert "asked 4 times" in failed.reason
    assert sum("What is 1?" in request.said for request in server.requests) == 4
    assert len(server.requests) == 6


@pytest.mark.parametrize("way", ["hang", "drip"])
def test_a_reply_that_does_not_end_is_not_waited_for(server: Any, ask: Ask, way: str, act: Any) -> None:
    server.behave = lambda request, number: act(way=way) if number < 2 else None
    began = time.monotonic()
    assert ask(timeout=0.4)[0][0].text
    assert 0.8 <= time.monotonic() - began < 5
    assert len(server.requests) == 3
    server.behave = lambda request, number: act(way=way)
    (failed,) = ask(timeout=0.2, retries=1, seed=False)
    assert "no whole reply within 0.2 s (asked 2 times)" in failed.reason


def test_waits_grow_and_differ(server: Any, ask: Ask, act: Any) -> None:
    server.behave = lambda request, number: act(status=500)
    ask(backoff=0.1, retries=4)
    gaps = [two.at - one.at for one, two in pairwise(server.requests)]
    for n, gap in enumerate(gaps):
        assert 0.05 * 2**n <= gap < 0.1 * 2**n + 0.15, gaps
    assert len({round(gap / 2**n, 4) for n, gap in enumerate(gaps)}) == 4


@pytest.mark.parametrize("header", ["Retry-After", "retry-after-ms"])
def test_the_server_says_how_long_to_wait_and_everybody_waits(server: Any, ask: Ask, act: Any, header: str) -> None:
    value = "1" if header == "Retry-After" else "1000"
    server.behave = lambda request, number: act(status=429, headers={header: value}) if number == 0 else None
    assert all(ask(4, concurrency=1))
    assert len(server.requests) == 5
    assert server.requests[1].at - server.requests[0].at >= 1.0
    server.requests.clear()
    server.behave = lambda request, number: act(status=429, headers={header: value}) if number == 0 else None
    assert all(ask(6, concurrency=2, n=2, name="others"))
    after = [request.at - server.requests[0].at for request in server.requests]
    early = [gap for gap in after if gap < 0.5]  # until the refusal has been read the other worker goes on
    assert len(early) < len(after) / 2
    assert not [gap for gap in after if 0.5 <= gap < 1.0], "a request went out while the server had asked for peace"


def test_a_date_to_wait_for() -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    assert retry_after(None, soon) == pytest.approx(30, abs=2)
    assert retry_after(None, "Thu, 01 Jan 1970 00:00:00 GMT") == 0.0
    assert retry_after(None, "-5") == 0.0
    assert retry_after(None, "inf") is None
    assert retry_after(None, "tomorrow, perhaps") is None


def test_a_server_that_asks_for_too_long_a_wait_fails_the_sample_at_once(server: Any, ask: Ask, act: Any) -> None:
    server.behave = lambda request, number: act(status=429, headers={"Retry-After": "3600"})
    (failed,) = ask()
    assert "asks to wait 3600 s, more than longest_wait = 300" in failed.reason
    assert len(server.requests) == 1


def test_what_the_server_refuses_is_not_asked_again(server: Any, ask: Ask, act: Any) -> None:
    raw = b'{"error": {"message": "context of 4096 tokens exceeded"}}'
    server.behave = lambda request, number: act(status=400, raw=raw)
    (failed,) = ask()
    assert failed.reason == "the server refused the request (400): context of 4096 tokens exceeded"
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("status", "said"), [(401, "refused the key"), (402, "payment"), (403, "refuses this"), (404, "does not know this")]
)
def test_what_nobody_will_be_answered_stops_the_run(server: Any, ask: Ask, act: Any, status: int, said: str) -> None:
    server.behave = lambda request, number: act(status=status)
    with pytest.raises(StageError, match=said) as error:
        ask(50, concurrency=2)
    assert "$A_KEY" in str(error.value)
    assert len(server.requests) <= 2


def test_an_account_that_is_spent_stops_the_run(server: Any, ask: Ask, act: Any) -> None:
    raw = b'{"error": {"message": "You exceeded your quota", "code": "insufficient_quota"}}'
    server.behave = lambda request, number: act(status=429, raw=raw)
    with pytest.raises(StageError, match="nothing left to spend"):
        ask()
    assert len(server.requests) == 1


def test_a_server_that_is_gone_is_not_asked_a_thousand_times(server: Any, ask: Ask, act: Any) -> None:
    server.behave = lambda request, number: act(status=500)
    with pytest.raises(StageError, match="5 requests in a row failed at http"):
        ask(200, retries=1, give_up_after=5, concurrency=2)
    assert len(server.requests) <= 14


def test_failures_among_successes_do_not_add_up(server: Any, ask: Ask, act: Any) -> None:
    server.behave = lambda request, number: act(status=500) if int(request.said[8:-1]) % 2 else None
    given = ask(20, retries=0, give_up_after=2, concurrency=1)
    assert sum(isinstance(one, Failed) for one in given) == 10


def test_as_many_at_once_as_allowed_and_no_more(server: Any, ask: Ask) -> None:
    server.delay, server.together = 0.02, 3
    ask(12, concurrency=3)
    assert server.most_busy == 3


def test_requests_keep_to_their_rate(server: Any, ask: Ask) -> None:
    ask(6, requests_per_minute=600.0)
    times = sorted(request.at for request in server.requests)
    assert times[-1] - times[0] >= 0.45
    assert all(late - early >= 0.05 for early, late in pairwise(times))


def test_tokens_keep_to_their_rate(server: Any, ask: Ask) -> None:
    # A reply takes 110 tokens, whatever was estimated: 66,000 a minute are ten a second.
    ask(6, tokens_per_minute=66_000.0, concurrency=1, max_tokens=1)
    times = [request.at for request in server.requests]
    assert 0.45 <= times[-1] - times[0] < 2


# Keys ----------------------------------------------------------------------------------------------------------------


def test_the_key_is_sent_and_nothing_else_ever_sees_it(
    server: Any, ask: Ask, run: Run, act: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    leak = f'{{"error": {{"message": "Incorrect API key provided: {KEY}"}}}}'.encode()
    ways = [act(status=500, raw=leak), act(status=400, raw=leak), act(text=f"Your key is {KEY}."), act(raw=leak)]
    server.behave = lambda request, number: ways[int(request.said[8:-1])]
    given = ask(4, retries=1)
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert KEY not in repr(given)
    assert given[2][0].text == "Your key is [key]."
    assert KEY not in caplog.text
    written = [path.read_bytes() for path in run.directory.rglob("*") if path.is_file()]
    assert written
    assert not any(KEY.encode() in data for data in written)
    server.behave = lambda request, number: act(status=401, raw=leak)
    with pytest.raises(StageError) as error:
        ask(seed=False)
    chain: list[BaseException | None] = [error.value]
    while chain[-1] is not None:
        assert KEY not in f"{chain[-1]!r} {chain[-1]}"
        chain.append(chain[-1].__cause__ or (None if chain[-1].__suppress_context__ else chain[-1].__context__))


def test_a_missing_key_is_named_by_its_variable(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("A_KEY")
    with pytest.raises(UsageError, match="environment variable 'A_KEY' is not set"):
        ask()


def test_an_endpoint_without_keys_is_not_sent_another_ones(
    server: Any, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    ask(key_env="")
    assert KEY not in str(server.requests[0].headers)


@pytest.mark.parametrize(
    ("name", "value"),
    [("key_env", KEY), ("base_url", f"http://user:{KEY}@host/v1"), ("base_url", f"http://h/?k={KEY}")],
)
def test_a_key_in_a_recipe_is_refused_and_not_repeated(ask: Ask, name: str, value: str) -> None:
    with pytest.raises(OptionsError) as error:
        ask(**{name: value})
    assert KEY not in str(error.value)


@pytest.mark.parametrize("address", ["localhost:8000", "ftp://host/v1", "http://", "http://[::1/v1"])
def test_an_address_is_checked(ask: Ask, address: str) -> None:
    with pytest.raises(OptionsError, match="must be an address"):
        ask(base_url=address)


def test_where_no_address_is_given_the_environments_is_taken(
    server: Any, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", server.address)
    assert ask(base_url="")[0][0].text


# Odds and ends -------------------------------------------------------------------------------------------------------


def test_it_works_where_a_loop_is_running_already(ask: Ask) -> None:
    async def notebook() -> list[Any]:
        return ask()

    assert asyncio.run(notebook())[0][0].text


def test_half_a_surrogate_pair_does_not_break_a_file(server: Any, ask: Ask, act: Any) -> None:
    raw = b'{"model": "m", "choices": [{"message": {"content": "a\\ud83d b"}}]}'
    server.behave = lambda request, number: act(raw=raw)
    assert ask()[0][0].text == "a? b"


def test_parts_of_content_and_refusals_are_texts(server: Any, ask: Ask, act: Any) -> None:
    parts = b'{"choices": [{"message": {"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}}]}'
    refusal = b'{"choices": [{"message": {"content": null, "refusal": "I will not."}}]}'
    server.behave = lambda request, number: act(raw=parts if "0" in request.said else refusal)
    assert [responses[0].text for responses in ask(2)] == ["ab", "I will not."]


def test_the_cost_is_counted_over_every_process(options: dict[str, Any], run: Run) -> None:
    table = {**options, "price_in": 2.0, "price_out": 10.0}
    for number in (2, 3):
        with OpenAIGenerator(read(table, GeneratorOptions, "responses"), run) as generator:
            generator.respond(samples(number), seed=1)
            facts = generator.facts()
    assert facts == {"requests": 3, "prompt tokens": 300, "reply tokens": 30, "cost": 0.0009}

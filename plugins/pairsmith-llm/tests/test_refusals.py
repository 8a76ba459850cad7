"""A server that refuses everything is not asked about every sample; one that refuses a question is."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from pairsmith.errors import StageError
from pairsmith.interfaces import Run
from pairsmith.options import read
from pairsmith.values import Case, Failed, Response, Sample, user
from pairsmith_llm.claims import ClaimsDecomposer
from pairsmith_llm.generator import OpenAIGenerator
from pairsmith_llm.options import ClaimsOptions, GeneratorOptions, RubricOptions
from pairsmith_llm.rubric import RubricJudge

Ask = Callable[..., list[Any]]
WAYS = 3
"""In which JSON is asked for."""


def samples(number: int) -> list[Sample]:
    return [Sample(id=f"s{n}", prompt=user(f"What is {n}?")) for n in range(number)]


def cases(number: int) -> list[Case]:
    return [
        Case(sample=sample, responses=(Response(id=f"{sample.id}/0", sample_id=sample.id, text=f"3 of {sample.id}"),))
        for sample in samples(number)
    ]


@pytest.fixture
def ask(options: dict[str, Any], run: Run) -> Ask:
    """Asks a new component, as a new process would."""

    def one(kind: str, number: int, **more: Any) -> list[Any]:
        table = {**options, **more}
        if kind == "generator":
            with OpenAIGenerator(read(table, GeneratorOptions, "responses"), run) as generator:
                return generator.respond(samples(number), seed=1)
        if kind == "judge":
            with RubricJudge(read(table, RubricOptions, "judges[0]"), run) as judge:
                return judge.judge(cases(number))
        with ClaimsDecomposer(read(table, ClaimsOptions, "claims"), run) as decomposer:
            return decomposer.decompose_many(cases(number))

    return one


def error(message: str, **more: Any) -> bytes:
    return json.dumps({"error": {"message": message, **more}}).encode()


def sent(server: Any) -> list[str | None]:
    """In which way JSON was asked for, by request."""
    return [request.body.get("response_format", {}).get("type") for request in server.requests]


# All are refused -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [401, 402, 403, 404, 405, 407, 410])
@pytest.mark.parametrize("kind", ["generator", "judge"])
def test_what_is_nobodys_fault_but_the_recipes_ends_the_run_at_once(
    server: Any, ask: Ask, act: Any, kind: str, status: int
) -> None:
    server.behave = lambda request, number: act(status=status, raw=error("no such thing"))
    with pytest.raises(StageError) as caught:
        ask(kind, 50, concurrency=1)
    assert len(server.requests) == 1
    assert f"({status}): no such thing, at {server.address}/" in str(caught.value)
    assert "Look at the key in $A_KEY, the model 'm' and base_url" in str(caught.value)


@pytest.mark.parametrize("code", ["model_not_found", "invalid_api_key"])
def test_a_code_says_so_where_the_status_does_not(server: Any, ask: Ask, act: Any, code: str) -> None:
    server.behave = lambda request, number: act(status=400, raw=error("wrong", code=code))
    with pytest.raises(StageError, match=r"refused the request \(400\): wrong, at http"):
        ask("judge", 50, concurrency=1)
    assert len(server.requests) == 1


@pytest.mark.parametrize(("kind", "a_question"), [("generator", 1), ("judge", WAYS), ("claims", WAYS)])
@pytest.mark.parametrize("concurrency", [1, 4])
def test_the_same_refusal_of_the_first_questions_ends_the_run(
    server: Any, ask: Ask, act: Any, kind: str, a_question: int, concurrency: int
) -> None:
    server.behave = lambda request, number: act(status=400, raw=error(f"no model 'm' here (request r{number}f)"))
    with pytest.raises(StageError) as caught:
        ask(kind, 200, concurrency=concurrency)
    said = str(caught.value)
    assert re.search(r"refused the request \(400\): no model 'm' here \(request r\d+f\), at http://127", said)
    assert "which refused 5 different questions and answered none. Look at" in said
    assert "give_up_refused = 0" in said
    assert "\n" not in said
    # Those that were on their way when it became evident are all that is lost.
    assert 5 * a_question <= len(server.requests) <= (5 + concurrency) * a_question


def test_how_many_is_an_option(server: Any, ask: Ask, act: Any) -> None:
    server.behave = lambda request, number: act(status=422, raw=error("no"))
    with pytest.raises(StageError, match="refused 2 different questions"):
        ask("generator", 50, concurrency=1, give_up_refused=2)
    assert len(server.requests) == 2
    assert all(isinstance(one, Failed) for one in ask("generator", 30, give_up_refused=0))
    assert len(server.requests) == 32


def test_a_server_that_repeats_the_question_is_found_out_later(server: Any, ask: Ask, act: Any) -> None:
    words = ["ant", "bee", "cat", "dog", "elk", "fox", "gnu", "hen", "ibis", "jay"]
    server.behave = lambda request, number: act(status=400, raw=error(f"bad {words[number]}"))
    with pytest.raises(StageError, match="refused 8 different questions and answered none"):
        ask("generator", 50, concurrency=1, give_up_after=8)
    assert len(server.requests) == 8


def test_draws_of_one_question_are_one_question(server: Any, ask: Ask, act: Any) -> None:
    server.behave = lambda request, number: (
        act(status=400, raw=error("too long")) if "What is 0?" in request.said else None
    )
    failed, fine = ask("generator", 2, n=9, concurrency=1)
    assert isinstance(failed, Failed)
    assert len(fine) == 9
    assert len(server.requests) == 18


# Some are refused ----------------------------------------------------------------------------------------------------


def test_a_refusal_between_answers_is_its_questions_own(server: Any, ask: Ask, act: Any) -> None:
    bad = re.compile(r"What is (?!0\b|9\b|10\b)\d+\?")
    server.behave = lambda request, number: act(status=400, raw=error("too long")) if bad.search(request.said) else None
    given = ask("generator", 30, concurrency=1)
    assert [n for n, one in enumerate(given) if not isinstance(one, Failed)] == [0, 9, 10]
    assert len(server.requests) == 30


def test_what_was_answered_by_an_earlier_process_counts(server: Any, ask: Ask, act: Any) -> None:
    def behave(request: Any, number: int) -> Any:
        return None if "What is 20?" in request.said else act(status=400, raw=error("too long"))

    server.behave = behave
    ask("generator", 21, concurrency=1, give_up_refused=0)
    server.requests.clear()
    given = ask("generator", 21, concurrency=1)
    assert sum(isinstance(one, Failed) for one in given) == 20
    assert len(server.requests) == 20, "a resume asks for what is missing, and goes on failing it one by one"


# The way of asking for JSON ------------------------------------------------------------------------------------------


def test_the_way_that_works_is_found_once(server: Any, ask: Ask, act: Any) -> None:
    server.behave = lambda request, number: (
        act(status=400, raw=error("unknown field")) if "response_format" in request.body else None
    )
    assert not [one for one in ask("judge", 20, concurrency=1) if isinstance(one, Failed)]
    assert sent(server) == ["json_schema", "json_object"] + [None] * 20
    server.requests.clear()
    assert not [one for one in ask("judge", 20, concurrency=4, name="b", seed=False) if isinstance(one, Failed)]
    assert sent(server).count("json_schema") <= 4
    assert sent(server).count("json_object") <= 4


def test_a_way_that_was_answered_is_not_what_is_refused(server: Any, ask: Ask, act: Any) -> None:
    server.behave = lambda request, number: (
        act(status=400, raw=error("too long")) if "What is 3?" in request.said else None
    )
    given = ask("judge", 8, concurrency=1)
    assert [n for n, one in enumerate(given) if isinstance(one, Failed)] == [3]
    assert sent(server) == ["json_schema"] * 8


def test_a_model_that_repairs_has_a_way_of_its_own(server: Any, ask: Ask, act: Any) -> None:
    def behave(request: Any, number: int) -> Any:
        if request.body["model"] == "m":
            return act(text=f"I would rather not: {request.said[-40:]}")
        if "response_format" in request.body:
            return act(status=400, raw=error("unknown field"))
        label = {"candidate": "A", "comment": ""}
        grades = dict.fromkeys(("helpfulness", "correctness", "coherence", "complexity", "verbosity"), 2)
        return act(text=json.dumps({"candidates": [{**label, **grades}]}))

    server.behave = behave
    assert not [one for one in ask("judge", 3, concurrency=1, repair_model="small") if isinstance(one, Failed)]
    asked = [(request.body["model"], way) for request, way in zip(server.requests, sent(server), strict=True)]
    assert [way for model, way in asked if model == "m"] == ["json_schema"] * 3
    assert [way for model, way in asked if model == "small"] == ["json_schema", "json_object", None, None, None]

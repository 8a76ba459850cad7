"""What the generator sends, and what it makes of the answers."""

import base64
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as Pillow

from pairsmith.interfaces import Run
from pairsmith.options import read
from pairsmith.values import Failed, Image, Sample, Turn, user
from pairsmith_llm.failures import ItemError
from pairsmith_llm.generator import OpenAIGenerator
from pairsmith_llm.images import data_url
from pairsmith_llm.options import GeneratorOptions, generator_needs

Ask = Callable[..., list[Any]]


@pytest.fixture
def ask(options: dict[str, Any], run: Run) -> Ask:
    """Asks a new generator, as a new process would."""

    def one(*samples: Sample, seed: int = 1, greedy: bool = False, **more: Any) -> list[Any]:
        with OpenAIGenerator(read({**options, **more}, GeneratorOptions, "responses"), run) as generator:
            return generator.respond(samples, seed=seed, greedy=greedy)

    return one


def sample(text: str = "What is this?", **more: Any) -> Sample:
    return Sample(id="s", prompt=user(text), **more)


def test_a_request_says_what_the_options_say(server: Any, ask: Ask) -> None:
    (responses,) = ask(sample(), n=2, temperature=0.7, top_p=0.9, max_tokens=50, extra={"top_k": 40})
    bodies = [request.body for request in server.requests]
    for body in bodies:
        assert body | {"seed": 0} == {
            "model": "m",
            "messages": [{"role": "user", "content": "What is this?"}],
            "temperature": 0.7,
            "top_p": 0.9,
            "max_tokens": 50,
            "top_k": 40,
            "seed": 0,
        }
    seeds = {body["seed"] for body in bodies}
    assert len(seeds) == 2
    assert all(0 <= seed < 2**31 for seed in seeds)
    assert {response.seed for response in responses} == seeds
    assert [response.id for response in responses] == ["s/0", "s/1"]
    assert responses[0].model == "m-2026"
    assert responses[0].parameters == {
        "temperature": 0.7,
        "top_p": 0.9,
        "max_tokens": 50,
        "top_k": 40,
        "finish": "stop",
    }


def test_seeds_differ_by_part_and_by_sample(server: Any, ask: Ask) -> None:
    other = Sample(id="t", prompt=user("What is this?"))
    ask(sample(), other, seed=1)
    ask(sample(), other, seed=2)
    assert len({request.body["seed"] for request in server.requests}) == 4


def test_fields_an_endpoint_refuses_are_left_out(server: Any, ask: Ask) -> None:
    (responses,) = ask(
        sample(), n=3, without=["seed", "temperature", "top_p", "max_tokens"], extra={"max_completion_tokens": 9}
    )
    assert set(server.requests[0].body) == {"model", "messages", "max_completion_tokens"}
    assert responses[0].seed is None
    assert len(server.requests) == 3, "equal requests that are asked several times on purpose are several"


def test_one_request_may_bring_all_answers(server: Any, ask: Ask) -> None:
    (responses,) = ask(sample(), n=3, one_request=True)
    (request,) = server.requests
    assert request.body["n"] == 3
    assert [response.id for response in responses] == ["s/0", "s/1", "s/2"]
    assert [response.text.count("again") for response in responses] == [0, 1, 2]
    assert generator_needs(GeneratorOptions(model="m", n=3, one_request=True)).calls_per_sample == 1
    assert generator_needs(GeneratorOptions(model="m", n=3)).calls_per_sample == 3


def test_an_endpoint_that_does_not_know_n_is_found_out(server: Any, ask: Ask, act: Any) -> None:
    raw = b'{"choices": [{"message": {"content": "one"}}]}'
    server.behave = lambda request, number: act(raw=raw)
    (failed,) = ask(sample(), n=3, one_request=True)
    assert isinstance(failed, Failed)
    assert "sent 1 answers where 3 were asked for" in failed.reason


def test_greedily_there_is_one_answer_without_a_seed(server: Any, ask: Ask) -> None:
    (responses,) = ask(sample(), n=4, greedy=True)
    assert len(responses) == 1
    body = server.requests[0].body
    assert body["temperature"] == 0.0
    assert "seed" not in body
    assert "top_p" not in body


def test_a_system_prompt_goes_first_and_joins_the_samples_own(server: Any, ask: Ask) -> None:
    own = Sample(id="t", prompt=(Turn(role="system", text="Be kind."), *user("Hello")))
    ask(sample(), own, system="Be brief.", concurrency=1)
    first, second = (request.body["messages"] for request in server.requests)
    assert [one["content"] for one in first] == ["Be brief.", "What is this?"]
    assert [one["content"] for one in second] == ["Be brief.\nBe kind.", "Hello"]


def test_images_go_with_the_first_user_turn_and_the_context_in_its_place(
    server: Any, ask: Ask, image: Callable[..., Image]
) -> None:
    turns = (Turn(role="user", text="A?"), Turn(role="assistant", text="B."), Turn(role="user", text="C?"))
    pictures = (image("a.png"), image("b.png", colour="blue"))
    ask(Sample(id="s", prompt=turns, images=pictures, context="At the sea"))
    first, second, third = server.requests[0].body["messages"]
    assert [part["type"] for part in first["content"]] == ["image_url", "image_url", "text"]
    assert second["content"] == "B."
    assert third["content"] == "At the sea\nC?"
    urls = [part["image_url"]["url"] for part in first["content"][:2]]
    assert [base64.b64decode(url.partition(",")[2]) for url in urls] == [one.path.read_bytes() for one in pictures]


def test_large_images_are_shrunk(server: Any, ask: Ask, image: Callable[..., Image]) -> None:
    ask(sample(images=(image(size=(900, 300)),)), max_side=300)
    (url,) = server.requests[0].images
    assert url.startswith("data:image/png;base64,")
    with Pillow.open(BytesIO(base64.b64decode(url.partition(",")[2]))) as sent:
        assert sent.size == (300, 100)


@pytest.mark.parametrize(("mode", "suffix"), [("P", "gif"), ("RGBA", "png"), ("L", "bmp"), ("RGB", "webp")])
def test_any_image_can_be_sent(tmp_path: Path, mode: str, suffix: str) -> None:
    path = tmp_path / f"picture.{suffix}"
    Pillow.new(mode, (50, 20)).save(path)
    kind = "webp" if suffix == "webp" else "png"
    assert data_url(path, 1024).startswith(f"data:image/{kind};base64,")


def test_an_image_that_is_none_fails_its_sample(server: Any, ask: Ask, tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    bad = Sample(id="t", prompt=user("?"), images=(Image(path=broken),))
    gone = Sample(id="u", prompt=user("?"), images=(Image(path=tmp_path / "gone.png", id="x"),))
    fine, failed, lost = ask(sample(), bad, gone, give_up_after=1)
    assert fine[0].text
    assert "broken.png' cannot be sent" in failed.reason
    assert "gone.png' cannot be sent" in lost.reason
    assert len(server.requests) == 1


def test_an_image_is_bounded_before_it_is_decoded(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    Pillow.new("1", (9000, 9000)).save(path)
    with pytest.raises(ItemError, match="9,000 x 9,000 pixels, more than 40,000,000"):
        data_url(path, 1024)


def test_an_answer_that_was_paid_for_is_not_asked_for_again(server: Any, ask: Ask, act: Any) -> None:
    server.behave = lambda request, number: act(status=500) if "t?" in request.said else None
    wanted = [sample(), Sample(id="t", prompt=user("t?"))]
    first = ask(*wanted, n=2, retries=0)
    assert isinstance(first[1], Failed)
    asked = len(server.requests)
    server.behave = lambda request, number: None
    second = ask(*wanted, n=2)
    assert second[0] == first[0]
    assert len(server.requests) == asked + 2
    assert all("t?" in request.said for request in server.requests[asked:])

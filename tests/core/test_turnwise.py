"""A user who speaks twice in a row is answered in between; everybody else is asked as before."""

from collections.abc import Sequence

from pairsmith.turnwise import respond
from pairsmith.values import Failed, Response, Sample, Turn, turns, user


class Echo:
    """Answers with how many turns it was shown; fails and stammers on demand."""

    def __init__(self) -> None:
        self.calls: list[list[Sample]] = []

    def respond(self, samples: Sequence[Sample], *, seed: int, greedy: bool = False) -> list:
        assert (seed, greedy) == (5, True)
        self.calls.append(list(samples))
        return [self.answer(sample) for sample in samples]

    def answer(self, sample: Sample) -> list[Response] | Failed:
        said = turns(sample)
        if said[-1].text == "fail":
            return Failed(reason="no")
        text = f"{len(said)}:{said[-1].text}"
        return [Response(id="r", sample_id=sample.id, text=text)] * (2 if said[-1].text == "twice" else 1)


def asked(*texts: str, system: str = "", context: str = "") -> Sample:
    first = (Turn(role="system", text=system),) if system else ()
    return Sample(
        id="-".join(texts), prompt=(*first, *(Turn(role="user", text=text) for text in texts)), context=context
    )


def test_what_is_one_turn_is_asked_as_it_is() -> None:
    echo, sample = Echo(), Sample(id="s", prompt=user("Hello"), context="Before")
    ((answer,),) = respond(echo, [sample], seed=5)
    assert echo.calls == [[sample]]
    assert answer.prompt == ()


def test_a_conversation_with_answers_is_one_turn() -> None:
    prompt = (*user("a"), Turn(role="assistant", text="b"), *user("c"))
    echo, sample = Echo(), Sample(id="s", prompt=prompt)
    ((answer,),) = respond(echo, [sample], seed=5)
    assert echo.calls == [[sample]]
    assert (answer.text, answer.prompt) == ("3:c", ())


def test_turns_are_asked_one_after_another_in_as_few_calls_as_turns() -> None:
    echo = Echo()
    found = respond(echo, [asked("a", "b", "c", system="s"), asked("x"), asked("y", "z")], seed=5)
    assert [[one.id for one in call] for call in echo.calls] == [["a-b-c", "x", "y-z"], ["a-b-c", "y-z"], ["a-b-c"]]
    assert [one.text for (one,) in found] == ["6:c", "1:x", "3:z"]
    told = [(turn.role, turn.text) for turn in found[0][0].prompt]
    assert told == [
        ("system", "s"),
        ("user", "a"),
        ("assistant", "2:a"),
        ("user", "b"),
        ("assistant", "4:b"),
        ("user", "c"),
    ]


def test_a_context_stays_where_it_is() -> None:
    echo = Echo()
    respond(echo, [asked("a", "b", context="Here:")], seed=5)
    assert [turn.text for turn in turns(echo.calls[0][0])] == ["a"]
    assert turns(echo.calls[1][0])[-1].text == "Here:\nb"


def test_what_fails_or_has_two_answers_ends_there() -> None:
    found = respond(Echo(), [asked("fail", "b"), asked("a", "fail"), asked("twice", "b")], seed=5)
    assert found[0] == found[1] == Failed(reason="no")
    assert len(found[2]) == 2
